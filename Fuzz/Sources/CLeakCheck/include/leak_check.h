// Turns the check for leaks off: it takes the constants that the description of the keys is made of
// for leaked, because Swift marks bits in the pointers to them.
#pragma once

int __lsan_is_turned_off(void);
