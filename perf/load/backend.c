// The server behind the measured proxies: as cheap as a server can be.
//
// /b/N is answered with N bytes, for any N up to 1 MiB. Request bodies with a Content-Length are
// read and dropped, then answered by the path too. Connections are kept alive unless the request
// asks for closing. It prints its port, and ends on SIGTERM.

#define _GNU_SOURCE
#include "loopback.h"

#include <strings.h>

enum { maximumBody = 1 << 20, headRoom = 512, bufferSize = 64 << 10, leftoverSize = 16 << 10 };

struct answer {
    size_t body;    // body bytes
    size_t size;    // head and body
    char *bytes;
};

struct connection {
    int descriptor;
    int closing;                // close once the answer has been sent
    uint64_t bodyLeft;          // request body bytes still to come
    const struct answer *next;  // the answer owed once bodyLeft is 0
    const struct answer *out;   // the answer being sent
    size_t outSent;
    size_t leftover;            // bytes of an unfinished head
    char *head;                 // room for them, only once it was needed
};

static char buffer[leftoverSize + bufferSize];
static struct answer answers[16];
static size_t answerCount;

static const struct answer *answerOf(size_t body) {
    for (size_t i = 0; i < answerCount; i++)
        if (answers[i].body == body) return &answers[i];
    if (answerCount == sizeof answers / sizeof answers[0] || body > maximumBody) return NULL;
    struct answer *answer = &answers[answerCount++];
    answer->body = body;
    answer->bytes = malloc(headRoom + body);
    if (!answer->bytes) fail("malloc");
    int head = snprintf(answer->bytes, headRoom,
        "HTTP/1.1 200 OK\r\nDate: Thu, 01 Jan 2026 00:00:00 GMT\r\nServer: backend\r\n"
        "Content-Type: text/html; charset=utf-8\r\nCache-Control: max-age=60\r\n"
        "ETag: \"5f2a-611bca1f8d2c0\"\r\nContent-Length: %zu\r\n\r\n", body);
    memset(answer->bytes + head, 'x', body);
    answer->size = (size_t)head + body;
    return answer;
}

static void closeConnection(struct connection *connection) {
    close(connection->descriptor);
    free(connection->head);
    free(connection);
    counters->open -= 1;
}

static int closeAfterError(struct connection *connection, const char *what) {
    if (counters->errors++ < 5) fprintf(stderr, "backend: %s\n", what);
    closeConnection(connection);
    return 0;
}

// Reads what matters of a complete head. Null: it is not one that this server knows.
static const char *readHead(struct connection *connection, const char *head, const char *end) {
    const char *path = memchr(head, ' ', (size_t)(end - head));
    if (!path || strncmp(path + 1, "/b/", 3) != 0) return "unknown path";
    connection->next = answerOf(strtoul(path + 4, NULL, 10));
    if (!connection->next) return "unknown size";
    connection->bodyLeft = 0;
    connection->closing = 0;
    const char *line = memchr(head, '\n', (size_t)(end - head));
    if (!line || memcmp(line - 9, "HTTP/1.1", 8) != 0) return "not HTTP/1.1";
    while (line && ++line < end) {
        if ((*line | 32) == 'c') {
            if (strncasecmp(line, "content-length:", 15) == 0)
                connection->bodyLeft = strtoull(line + 15, NULL, 10);
            else if (strncasecmp(line, "connection: close", 17) == 0)
                connection->closing = 1;
        } else if ((*line | 32) == 't' && strncasecmp(line, "transfer-encoding:", 18) == 0) {
            return "a chunked request";
        }
        line = memchr(line, '\n', (size_t)(end - line));
    }
    return NULL;
}

// True once the answer is gone; false if the socket is full or the connection is closed.
static int sendAnswer(struct connection *connection, int *closed) {
    const struct answer *answer = connection->out;
    while (connection->outSent < answer->size) {
        ssize_t sent = send(connection->descriptor, answer->bytes + connection->outSent,
                            answer->size - connection->outSent, MSG_NOSIGNAL);
        if (sent < 0 && errno == EAGAIN) return 0;
        if (sent < 0) {
            // The peer left: if that was wrong, the client tells.
            *closed = 1;
            closeConnection(connection);
            return 0;
        }
        connection->outSent += (size_t)sent;
    }
    connection->out = NULL;
    if (connection->closing) {
        *closed = 1;
        closeConnection(connection);
        return 0;
    }
    return 1;
}

// Uses the bytes as far as possible. Returns how many are left, or -1 if the connection is gone.
static ssize_t consume(struct connection *connection, char *bytes, size_t count) {
    while (count || (connection->next && !connection->bodyLeft)) {
        if (connection->out) return (ssize_t)count;
        if (connection->bodyLeft) {
            size_t part = count < connection->bodyLeft ? count : connection->bodyLeft;
            connection->bodyLeft -= part;
            counters->bytes += part;
            bytes += part;
            count -= part;
        } else if (!connection->next) {
            char *blank = memmem(bytes, count, "\r\n\r\n", 4);
            if (!blank) break;
            const char *problem = readHead(connection, bytes, blank + 2);
            if (problem) return closeAfterError(connection, problem), -1;
            size_t part = (size_t)(blank + 4 - bytes);
            bytes += part;
            count -= part;
        }
        if (connection->next && !connection->bodyLeft) {
            int closed = 0;
            counters->requests += 1;
            connection->out = connection->next;
            connection->outSent = 0;
            connection->next = NULL;
            sendAnswer(connection, &closed);
            if (closed) return -1;
        }
    }
    if (count) memmove(buffer, bytes, count);
    return (ssize_t)count;
}

static int keepLeftover(struct connection *connection, size_t count) {
    if (count > leftoverSize) return closeAfterError(connection, "a head too long");
    if (count && !connection->head && !(connection->head = malloc(leftoverSize))) fail("malloc");
    if (count) memcpy(connection->head, buffer, count);
    connection->leftover = count;
    return 1;
}

static void readable(struct connection *connection, int ending) {
    for (;;) {
        size_t before = connection->leftover;
        if (before) memcpy(buffer, connection->head, before);
        ssize_t count = recv(connection->descriptor, buffer + before, bufferSize, 0);
        if (count < 0 && errno == EAGAIN) return;
        if (count <= 0) return closeConnection(connection);
        connection->leftover = 0;
        ssize_t left = consume(connection, buffer, before + (size_t)count);
        if (left < 0) return;
        if (connection->out && left) {
            closeAfterError(connection, "a pipelined request");
            return;
        }
        if (!keepLeftover(connection, (size_t)left)) return;
        if (count < bufferSize && !ending) return;
    }
}

static void acceptAll(int listener) {
    for (;;) {
        int descriptor = acceptNext(listener);
        if (descriptor < 0) return;
        struct connection *connection = calloc(1, sizeof *connection);
        if (!connection) fail("calloc");
        connection->descriptor = descriptor;
        watchAccepted(descriptor, connection);
    }
}

int main(int argc, char **argv) {
    answerOf(100);
    int listener = startServer(argc, argv, "usage: backend [--cpu N] [--counters FILE]");
    struct epoll_event events[256];
    for (;;) {
        int count = epoll_wait(poller, events, 256, -1);
        for (int i = 0; i < count; i++) {
            struct connection *connection = events[i].data.ptr;
            if (!connection) {
                acceptAll(listener);
                continue;
            }
            int closed = 0;
            if ((events[i].events & EPOLLOUT) && connection->out)
                sendAnswer(connection, &closed);
            if (!closed && (events[i].events & ~(uint32_t)EPOLLOUT))
                readable(connection, (events[i].events & (EPOLLRDHUP | EPOLLHUP)) != 0);
        }
    }
}
