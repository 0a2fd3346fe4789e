// What Weir and the service manager that started it tell each other.
#pragma once

#include "weir_linux.h"

#pragma clang assume_nonnull begin

// Sends one message to a datagram socket; a name that begins with @ is an abstract one
// (sd_notify(3)). 0 or a negated errno; waits for half a second at most.
int weir_notify(const char *socket, const char *message);

struct weir_listener {
    struct weir_address address;
    // Whether it takes IPv4 beside IPv6.
    int is_dual;
    // Of a unix socket; empty for others.
    char path[108];
};

// Makes an inherited descriptor one of ours: it does not block, and no program that is started gets
// it. 0 and where it listens, -EINVAL if it is no listening stream socket, or another negated errno.
int weir_adopt_listener(int fd, struct weir_listener *listener);

// Another descriptor of the same open file, or a negated errno.
int weir_duplicate(int fd);

// What the process's thread of this name does at present, in words.
void weir_thread_state(const char *name, char *buffer, size_t capacity);

#pragma clang assume_nonnull end
