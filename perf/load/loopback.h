// What the servers of the benchmark have in common: where they listen.
#pragma once

#include "shared.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

// Listens on a port of the kernel's choice and prints it.
static inline int listenOnLoopback(void) {
    struct sockaddr_in address = { .sin_family = AF_INET };
    socklen_t size = sizeof address;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (listener < 0 || bind(listener, (struct sockaddr *)&address, size) < 0) fail("bind");
    if (listen(listener, 16384) < 0) fail("listen");
    getsockname(listener, (struct sockaddr *)&address, &size);
    printf("%d\n", ntohs(address.sin_port));
    fflush(stdout);
    return listener;
}
