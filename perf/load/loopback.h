// What the servers of the benchmark have in common: where they listen, and how they begin.
#pragma once

#include "connections.h"

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

static struct counters *counters;

// Takes the options --cpu and --counters, and listens on loopback. Returns the listener; events of
// it have null as data.
static inline int startServer(int argc, char **argv, const char *usage) {
    const char *counterFile = NULL;
    for (int i = 1; i + 1 < argc; i += 2) {
        if (!strcmp(argv[i], "--counters")) counterFile = argv[i + 1];
        else if (!strcmp(argv[i], "--cpu")) pinTo(atoi(argv[i + 1]));
        else refuse(usage);
    }
    raiseDescriptorLimit();
    counters = mapCounters(counterFile);
    openPoller();
    int listener = listenOn("127.0.0.1", 0);
    watch(listener, EPOLLIN | EPOLLET, NULL);
    return listener;
}

static inline void watchAccepted(int descriptor, void *connection) {
    watch(descriptor, everyChange, connection);
    counters->opened += 1;
    counters->open += 1;
}
