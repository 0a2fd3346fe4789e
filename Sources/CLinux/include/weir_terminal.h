// The terminal of a command that draws: size, keys, and the signals that must not leave it as it is.
#ifndef WEIR_TERMINAL_H
#define WEIR_TERMINAL_H

#include <stdint.h>
#include <sys/types.h>

#pragma clang assume_nonnull begin

// Rows and columns of the terminal; 0, or a negated errno if it does not tell.
int weir_terminal_size(int fd, int *rows, int *columns);
// Keys come one by one, unechoed, from now on; 0 or a negated errno. Remembers what was before.
int weir_terminal_take(int fd);
// As it was before the last weir_terminal_take.
void weir_terminal_give_back(int fd);
// What a signal of weir_terminal_signals means.
enum weir_terminal_signal {
    weir_terminal_other = 0,
    weir_terminal_resized = 1,
    weir_terminal_end = 2,
    weir_terminal_stop = 3,
};
// Holds back the signals that end, stop or resize, and returns a descriptor that tells of them.
int weir_terminal_signals(void);
// The next signal's meaning, or a negated errno.
int weir_terminal_next_signal(int fd);
// Stops the process until it is told to continue.
void weir_terminal_pause(void);

#pragma clang assume_nonnull end
#endif
