// The client in front of the measured proxies: a closed loop over N connections.
//
// Each connection sends its next request as soon as its answer is there. Answers are checked:
// status 200, a Content-Length of the size expected, and not a byte more. It counts requests,
// errors and latencies in the shared counters, prints a summary as JSON at the end, and ends
// after --seconds, after --requests, or on SIGTERM.
//
// With --tls it speaks TLS: each handshake is a full one, or with --resume one that resumes the
// session of the connection before, and what the proxy does otherwise is an error.

#define _GNU_SOURCE
#include "closed_loop.h"
#include "request.h"
#include "secure.h"

#include <strings.h>

enum { smallRead = 16 << 10, largeRead = 1 << 20, headSize = 4 << 10 };

enum state { idle, sending, readingHead, readingBody, awaitingClose };

struct connection {
    int descriptor;
    SSL *tls;
    SSL_SESSION *session;       // what the next handshake resumes
    int resumes;                // whether this connection's handshake has to
    enum state state;
    const struct request *request;
    size_t sent;
    uint64_t started;
    uint64_t bodyLeft;
    size_t headCount;
    char head[headSize];
};

static struct options {
    int port, cpu;
    size_t connections, hosts, expected, body;
    uint64_t requests;
    double seconds;
    int perRequest, holdIdle, smallHead, tls, resume;
    const char *path, *counters;
} options = { .cpu = -1, .connections = 1, .hosts = 1, .path = "/b/100", .expected = 100 };

static SSL_CTX *context;
static struct connection *connections;
static struct request *requests;
static size_t nextHost, openedForIdle;
static char buffer[smallRead];

static void openConnection(struct connection *connection);

static void complain(struct connection *connection, const char *what) {
    if (counters->errors++ < 5)
        fprintf(stderr, "client: connection %zd: %s\n", connection - connections, what);
    if (counters->errors > 10000) refuse("client: too many errors");
}

static void leaveTLS(struct connection *connection) {
    if (connection->tls) closeSecure(connection->tls);
    connection->tls = NULL;
}

static void closeConnection(struct connection *connection) {
    leaveTLS(connection);
    close(connection->descriptor);
    connection->descriptor = -1;
    counters->open -= 1;
}

static void startOver(struct connection *connection, const char *what) {
    complain(connection, what);
    closeConnection(connection);
    openConnection(connection);
}

// Sends what is left of the request.
static void sendRequest(struct connection *connection) {
    const struct request *request = connection->request;
    while (connection->sent < request->size) {
        ssize_t count = sendBytes(connection->tls, connection->descriptor,
                                  request->bytes + connection->sent,
                                  request->size - connection->sent);
        if (count < 0) {
            if (errno != EAGAIN && errno != ENOTCONN)
                startOver(connection, "a request could not be sent");
            return;
        }
        if (!connection->sent && connection->tls
            && SSL_session_reused(connection->tls) != connection->resumes)
            complain(connection, connection->resumes ? "a session was not resumed"
                                                     : "a session was resumed");
        connection->sent += (size_t)count;
    }
    connection->state = readingHead;
}

static void startRequest(struct connection *connection) {
    connection->request = &requests[nextHost];
    nextHost = nextHost + 1 == options.hosts ? 0 : nextHost + 1;
    connection->sent = 0;
    connection->headCount = 0;
    connection->state = sending;
    sendRequest(connection);
}

static void openConnection(struct connection *connection) {
    connection->started = nanoseconds();
    int descriptor = openCounted(options.port);
    connection->descriptor = descriptor;
    if (context) {
        connection->resumes = options.resume && connection->session;
        connection->tls = openSecure(context, descriptor,
                                     options.resume ? &connection->session : NULL);
    }
    watch(descriptor, everyChange, connection);
    startRequest(connection);
}

static void openNextIdle(void) {
    if (openedForIdle < options.connections) openConnection(&connections[openedForIdle++]);
}

static void answered(struct connection *connection) {
    uint64_t now = nanoseconds();
    histogramRecord(counters->histogram, now - connection->started);
    counters->requests += 1;
    if (options.requests && counters->requests == options.requests) stopping = 1;
    if (options.perRequest) {
        connection->state = awaitingClose;
    } else if (options.holdIdle) {
        connection->state = idle;
        leaveTLS(connection);
        if (counters->requests == options.connections) counters->settled = 1;
        openNextIdle();
    } else {
        connection->started = now;
        startRequest(connection);
    }
}

// Checks a complete head. Returns what is wrong with it, or null.
static const char *checkHead(struct connection *connection, const char *head, const char *end) {
    if (strncmp(head, "HTTP/1.1 200", 12) != 0) {
        if (counters->errors < 5) fprintf(stderr, "%.*s\n", (int)(end - head), head);
        return "an answer that is not a 200";
    }
    const char *line = memchr(head, '\n', (size_t)(end - head));
    uint64_t length = UINT64_MAX;
    while (line && ++line < end) {
        if ((*line | 32) == 'c' && strncasecmp(line, "content-length:", 15) == 0)
            length = strtoull(line + 15, NULL, 10);
        line = memchr(line, '\n', (size_t)(end - line));
    }
    connection->bodyLeft = length;
    return length == options.expected ? NULL : "an answer of another length";
}

// Returns what is wrong, or null. The bytes belong to one answer or are too many.
static const char *consume(struct connection *connection, const char *bytes, size_t count) {
    if (connection->state == readingHead) {
        size_t room = headSize - connection->headCount, before = connection->headCount;
        const char *head = bytes;
        const char *blank = memmem(bytes, count, "\r\n\r\n", 4);
        size_t used = blank && !before ? (size_t)(blank + 4 - bytes) : 0;
        if (!used) {
            size_t part = count < room ? count : room;
            memcpy(connection->head + before, bytes, part);
            connection->headCount += part;
            head = connection->head;
            blank = memmem(head, connection->headCount, "\r\n\r\n", 4);
            if (!blank) return part == room ? "a head too long" : NULL;
            used = (size_t)(blank + 4 - head) - before;
        }
        const char *problem = checkHead(connection, head, blank + 2);
        if (problem) return problem;
        connection->state = readingBody;
        bytes += used;
        count -= used;
    }
    if (count && connection->state != readingBody) return "bytes that nobody asked for";
    if (count > connection->bodyLeft) return "more bytes than announced";
    connection->bodyLeft -= count;
    counters->bytes += count;
    if (connection->state == readingBody && !connection->bodyLeft) answered(connection);
    return NULL;
}

static void ended(struct connection *connection) {
    if (connection->state != awaitingClose)
        return startOver(connection, connection->state == idle
            ? "an idle connection was closed" : "closed before the answer was complete");
    closeConnection(connection);
    openConnection(connection);
}

static void readable(struct connection *connection, int ending) {
    int descriptor = connection->descriptor;
    for (;;) {
        // The rest of a large body is dropped by the kernel: copying it proves nothing.
        int drop = connection->state == readingBody && connection->bodyLeft > smallRead
            && !connection->tls;
        size_t wanted = !drop ? smallRead
            : connection->bodyLeft < largeRead ? connection->bodyLeft : largeRead;
        ssize_t count = drop ? recv(descriptor, NULL, wanted, MSG_TRUNC)
                             : receiveBytes(connection->tls, descriptor, buffer, wanted);
        if (count < 0 && errno == EAGAIN) return;
        if (count < 0) return startOver(connection, "reset");
        if (count == 0) return ended(connection);
        const char *problem = NULL;
        if (drop) {
            connection->bodyLeft -= (uint64_t)count;
            counters->bytes += (uint64_t)count;
            if (!connection->bodyLeft) answered(connection);
        } else {
            problem = consume(connection, buffer, (size_t)count);
        }
        if (problem) return startOver(connection, problem);
        if (connection->descriptor != descriptor || stopping) return;
        if ((size_t)count < wanted && !ending && !connection->tls) return;
    }
}

static void checkTimeouts(void) {
    uint64_t now = nanoseconds();
    for (size_t i = 0; i < options.connections; i++) {
        struct connection *connection = &connections[i];
        if (connection->descriptor < 0 || connection->state == idle) continue;
        if (connection->started + answerTimeout < now)
            startOver(connection, connection->state == awaitingClose
                ? "not closed after the answer" : "no answer in time");
    }
}

static void parseOptions(int argc, char **argv) {
    for (int i = 1; i < argc; i++) {
        const char *name = argv[i], *value = i + 1 < argc ? argv[i + 1] : "";
        i += 1;
        if (!strcmp(name, "--port")) options.port = atoi(value);
        else if (!strcmp(name, "--cpu")) options.cpu = atoi(value);
        else if (!strcmp(name, "--connections")) options.connections = strtoul(value, NULL, 10);
        else if (!strcmp(name, "--hosts")) options.hosts = strtoul(value, NULL, 10);
        else if (!strcmp(name, "--size")) options.expected = strtoul(value, NULL, 10);
        else if (!strcmp(name, "--post")) options.body = strtoul(value, NULL, 10);
        else if (!strcmp(name, "--requests")) options.requests = strtoull(value, NULL, 10);
        else if (!strcmp(name, "--seconds")) options.seconds = strtod(value, NULL);
        else if (!strcmp(name, "--counters")) options.counters = value;
        else if (i -= 1, !strcmp(name, "--new-connections")) options.perRequest = 1;
        else if (!strcmp(name, "--idle")) options.holdIdle = 1;
        else if (!strcmp(name, "--small-head")) options.smallHead = 1;
        else if (!strcmp(name, "--tls")) options.tls = 1;
        else if (!strcmp(name, "--resume")) options.tls = options.resume = 1;
        else refuse("usage: client --port P [--connections N] [--size BYTES] [--post BYTES]\n"
                    "  [--hosts N] [--new-connections | --idle] [--small-head]\n"
                    "  [--tls | --resume]\n"
                    "  [--seconds S] [--requests N] [--counters FILE] [--cpu N]");
    }
    if (!options.port || !options.connections || !options.hosts) refuse("--port is needed");
}

static void run(uint64_t deadline) {
    uint64_t nextCheck = nanoseconds() + 1000000000u;
    struct epoll_event events[256];
    while (!stopping) {
        int count = epoll_wait(poller, events, 256, 100);
        for (int i = 0; i < count && !stopping; i++) {
            struct connection *connection = events[i].data.ptr;
            uint32_t what = events[i].events;
            int descriptor = connection->descriptor;
            // A handshake goes on with what comes.
            uint32_t sends = connection->tls ? EPOLLOUT | EPOLLIN : EPOLLOUT;
            if ((what & sends) && connection->state == sending) sendRequest(connection);
            if (descriptor == connection->descriptor && (what & ~(uint32_t)EPOLLOUT))
                readable(connection, (what & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0);
        }
        uint64_t now = nanoseconds();
        if (deadline && now >= deadline) return;
        if (now < nextCheck) continue;
        checkTimeouts();
        nextCheck = now + 1000000000u;
    }
}

int main(int argc, char **argv) {
    parseOptions(argc, argv);
    if (options.cpu >= 0) pinTo(options.cpu);
    char path[64];
    snprintf(path, sizeof path, "/b/%zu", options.expected);
    prepareLoop(options.counters);
    if (options.tls) {
        context = secureContext("http/1.1");
        signal(SIGPIPE, SIG_IGN);
    }
    requests = makeRequests(path, options.hosts, options.body, options.perRequest,
                            options.smallHead);
    connections = calloc(options.connections, sizeof *connections);
    if (!connections) fail("calloc");
    for (size_t i = 0; i < options.connections; i++) connections[i].descriptor = -1;
    uint64_t started = nanoseconds();
    size_t first = options.holdIdle && options.connections > openingAtOnce
        ? openingAtOnce : options.connections;
    openedForIdle = first;
    for (size_t i = 0; i < first; i++) openConnection(&connections[i]);
    run(options.seconds > 0 ? started + (uint64_t)(options.seconds * 1e9) : 0);
    printSummary(started);
    return counters->errors ? 1 : 0;
}
