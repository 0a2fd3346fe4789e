// libFuzzer's entry for programs with a main of their own.
#pragma once

#include <stddef.h>
#include <stdint.h>

#pragma clang assume_nonnull begin

int LLVMFuzzerRunDriver(
    int *count,
    char *_Nullable *_Nullable *_Nonnull arguments,
    int (*test)(const uint8_t *_Nullable bytes, size_t count));

#pragma clang assume_nonnull end
