// The floor: a forwarder that parses nothing.
//
// Each client connection gets one upstream connection of its own; bytes are copied both ways.
// One thread, edge-triggered epoll, each descriptor registered once, one recv and one send for
// what arrives at once, nothing allocated per request. No proxy that reads HTTP and copies
// through user space can be expected to take less CPU.
//
// usage: floor LISTEN-PORT UPSTREAM-PORT (both on 127.0.0.1)

#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

enum { bufferSize = 64 << 10 };

struct side {
    int descriptor;
    unsigned char isUpstream;
    unsigned char isOpen;       // bytes may still come from it
    unsigned char wantsRead;    // more may be there: reading stopped because the peer is full
    size_t pendingStart;        // bytes that still have to be sent to it
    size_t pendingEnd;
    char *pending;              // room for them, only once it was needed
};

struct pair {
    struct side sides[2];       // client, upstream
    struct pair *next;          // in the free list, or among those to release
};

static int poller;
static struct sockaddr_in upstream;
static char buffer[bufferSize];
static struct pair *freePairs, *endedPairs;

static struct pair *pairOf(struct side *side) {
    return (struct pair *)(void *)(side - side->isUpstream);
}

static void end(struct pair *pair) {
    if (pair->sides[0].descriptor < 0) return;
    for (int i = 0; i < 2; i++) {
        close(pair->sides[i].descriptor);
        pair->sides[i].descriptor = -1;
    }
    pair->next = endedPairs;
    endedPairs = pair;
}

// Pairs are reused only after their batch of events: one may name them once more.
static void releaseEnded(void) {
    while (endedPairs) {
        struct pair *pair = endedPairs;
        endedPairs = pair->next;
        pair->next = freePairs;
        freePairs = pair;
    }
}

static struct pair *takePair(void) {
    struct pair *pair = freePairs;
    if (pair) freePairs = pair->next;
    else pair = calloc(1, sizeof *pair);
    if (!pair) abort();
    for (unsigned char i = 0; i < 2; i++) {
        char *room = pair->sides[i].pending;
        pair->sides[i] = (struct side){ .isUpstream = i, .isOpen = 1, .pending = room };
    }
    return pair;
}

// Keeps what `to` could not take. Returns false if memory is out.
static int keep(struct side *to, const char *bytes, size_t count) {
    if (!to->pending && !(to->pending = malloc(bufferSize))) return 0;
    memcpy(to->pending, bytes, count);
    to->pendingStart = 0;
    to->pendingEnd = count;
    return 1;
}

// Sends bytes; returns how many went, 0 if the socket is full, -1 if it is broken.
static ssize_t sendSome(struct side *to, const char *bytes, size_t count) {
    ssize_t sent = send(to->descriptor, bytes, count, MSG_NOSIGNAL);
    return sent < 0 && (errno == EAGAIN || errno == ENOTCONN) ? 0 : sent;
}

// Moves what has arrived at `from`. `ending`: read up to the end of the stream.
static void forward(struct side *from, int ending) {
    struct pair *pair = pairOf(from);
    struct side *to = &pair->sides[!from->isUpstream];
    while (from->isOpen) {
        if (to->pendingEnd) {
            from->wantsRead = 1;
            return;
        }
        ssize_t count = recv(from->descriptor, buffer, bufferSize, 0);
        if (count < 0 && errno == EAGAIN) return;
        if (count < 0) return end(pair);
        if (count == 0) {
            from->isOpen = 0;
            if (!to->isOpen) return end(pair);
            shutdown(to->descriptor, SHUT_WR);
            return;
        }
        ssize_t sent = sendSome(to, buffer, (size_t)count);
        if (sent < 0) return end(pair);
        if (sent < count && !keep(to, buffer + sent, (size_t)(count - sent))) return end(pair);
        if (count < bufferSize && !ending && sent == count) return;
    }
}

// Sends what was kept, then reads on at the other side.
static void writable(struct side *to) {
    struct side *from = &pairOf(to)->sides[!to->isUpstream];
    while (to->pendingStart < to->pendingEnd) {
        ssize_t sent = sendSome(to, to->pending + to->pendingStart,
                                to->pendingEnd - to->pendingStart);
        if (sent < 0) return end(pairOf(to));
        if (sent == 0) return;
        to->pendingStart += (size_t)sent;
    }
    to->pendingStart = to->pendingEnd = 0;
    if (!from->wantsRead) return;
    from->wantsRead = 0;
    forward(from, 1);
}

static void add(struct side *side) {
    int one = 1;
    setsockopt(side->descriptor, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    struct epoll_event event = {
        .events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET, .data.ptr = side };
    epoll_ctl(poller, EPOLL_CTL_ADD, side->descriptor, &event);
}

static void acceptAll(int listener) {
    for (;;) {
        int client = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (client < 0) return;
        int server = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
        if (server < 0) {
            close(client);
            continue;
        }
        struct pair *pair = takePair();
        pair->sides[0].descriptor = client;
        pair->sides[1].descriptor = server;
        add(&pair->sides[0]);
        add(&pair->sides[1]);
        if (connect(server, (struct sockaddr *)&upstream, sizeof upstream) < 0
            && errno != EINPROGRESS) end(pair);
    }
}

static void handle(struct side *side, unsigned events) {
    if (side->descriptor < 0) return;
    if ((events & EPOLLOUT) && side->pendingEnd) writable(side);
    if (side->descriptor >= 0 && (events & ~(unsigned)EPOLLOUT))
        forward(side, (events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0);
}

int main(int argc, char **argv) {
    if (argc != 3) {
        fprintf(stderr, "usage: floor LISTEN-PORT UPSTREAM-PORT\n");
        return 2;
    }
    struct rlimit limit;
    getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
    struct sockaddr_in address = { .sin_family = AF_INET };
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    address.sin_port = htons((uint16_t)atoi(argv[1]));
    upstream = address;
    upstream.sin_port = htons((uint16_t)atoi(argv[2]));
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), one = 1;
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    if (bind(listener, (struct sockaddr *)&address, sizeof address) < 0
        || listen(listener, 16384) < 0) {
        perror("listen");
        return 1;
    }
    poller = epoll_create1(EPOLL_CLOEXEC);
    struct epoll_event events[256], event = { .events = EPOLLIN | EPOLLET, .data.ptr = NULL };
    epoll_ctl(poller, EPOLL_CTL_ADD, listener, &event);
    for (;;) {
        int count = epoll_wait(poller, events, 256, -1);
        for (int i = 0; i < count; i++) {
            if (events[i].data.ptr) handle(events[i].data.ptr, events[i].events);
            else acceptAll(listener);
        }
        releaseEnded();
    }
}
