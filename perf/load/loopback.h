// What the servers of the benchmark have in common: where they listen.
#pragma once

#include "shared.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

// Listens and prints the port: the one given, or with 0 one of the kernel's choice.
static inline int listenOn(const char *host, int port) {
    struct sockaddr_in address = { .sin_family = AF_INET, .sin_port = htons((uint16_t)port) };
    socklen_t size = sizeof address;
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), one = 1;
    if (inet_pton(AF_INET, host, &address.sin_addr) != 1) refuse("listening: a bad address");
    // One that is started again finds its predecessor's connections on the port; both need it.
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    if (listener < 0 || bind(listener, (struct sockaddr *)&address, size) < 0) fail("bind");
    if (listen(listener, 16384) < 0) fail("listen");
    getsockname(listener, (struct sockaddr *)&address, &size);
    printf("%d\n", ntohs(address.sin_port));
    fflush(stdout);
    return listener;
}

static inline int listenOnLoopback(void) { return listenOn("127.0.0.1", 0); }
