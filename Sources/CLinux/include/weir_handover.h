#ifndef WEIR_HANDOVER_H
#define WEIR_HANDOVER_H

#include <stdint.h>
#include <stddef.h>

/* Descriptors that one message of a hand-over carries at most. */
#define WEIR_HANDOVER_DESCRIPTORS 128

/* A pair of connected sockets that keep messages apart; 0 or a negated errno. */
int weir_handover_pair(int *ours, int *theirs);

/* Starts a program with these arguments, this environment and one descriptor besides the standard
   ones; returns its process number or a negated errno. Both lists end with NULL. */
int weir_spawn(const char *program, char *const *arguments, char *const *environment,
               int descriptor);

/* 1 if the child has ended, its status in *status (an exit code, or 128 and a signal), 0 if it
   runs. */
int weir_child_ended(int pid, int *status);

/* Sends one message with descriptors; bytes sent or a negated errno. */
long weir_handover_send(int fd, const void *bytes, size_t count, const int32_t *descriptors,
                        int descriptor_count);

/* Receives one message; bytes received, 0 at the end, or a negated errno. The descriptors that
   came are closed on exec. */
long weir_handover_receive(int fd, void *bytes, size_t capacity, int32_t *descriptors,
                           int *descriptor_count);

/* The arguments and the environment of this process, as it was started. */
char *const *weir_own_environment(void);

/* The absolute path by which the program that runs was started, links and all: `called` is its name
   on the command line. Where that leads elsewhere it is the file itself; 0 or a negated errno. */
int weir_own_program(const char *called, char *buffer, size_t capacity);

/* 1 if the descriptor is a listening socket. */
int weir_is_listening(int fd);

/* Has a descriptor closed on exec. */
void weir_close_on_exec(int fd);

/* Removes a variable from the environment. */
void weir_forget_environment(const char *name);

#endif
