// How the programs open, accept and watch connections: by sockets that send at once, on one epoll
// instance.

#ifndef PERF_CONNECTIONS_H
#define PERF_CONNECTIONS_H

#include "shared.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>

// All that can happen, each change once.
static const uint32_t everyChange = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET;

static int poller;

static inline void openPoller(void) {
    poller = epoll_create1(EPOLL_CLOEXEC);
    if (poller < 0) fail("epoll_create1");
}

static inline void watch(int descriptor, uint32_t events, void *data) {
    struct epoll_event event = { .events = events, .data.ptr = data };
    if (epoll_ctl(poller, EPOLL_CTL_ADD, descriptor, &event) < 0) fail("epoll_ctl");
}

static inline int openSocket(int flags) {
    int descriptor = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | flags, 0), one = 1;
    if (descriptor < 0) fail("socket");
    setsockopt(descriptor, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    return descriptor;
}

// Connects to a port of loopback, or begins to; false: it failed.
static inline int connectTo(int descriptor, int port) {
    struct sockaddr_in address = { .sin_family = AF_INET, .sin_port = htons((uint16_t)port) };
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return connect(descriptor, (struct sockaddr *)&address, sizeof address) == 0
        || errno == EINPROGRESS;
}

// The next connection that waits, -1 if there is none.
static inline int acceptNext(int listener) {
    int descriptor = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC), one = 1;
    if (descriptor >= 0)
        setsockopt(descriptor, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    return descriptor;
}

#endif
