"""What perf/compare and perf/balance are made of."""
