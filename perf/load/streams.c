// The client of the HTTP/2 rows: a closed loop over N connections of M streams each, over TLS.
//
// Each stream's answer is followed by the next request on the same connection at once. Answers
// are checked: status 200, a Content-Length of the size expected, and as many bytes. It counts as
// client.c does, prints the same summary, and ends after --requests or on SIGTERM. The frames are
// nghttp2's; the fields of a request are those of the other clients.

#define _GNU_SOURCE
#include "closed_loop.h"
#include "frames.h"
#include "request.h"
#include "secure.h"

#include <ctype.h>

enum { fieldRoom = 32, window = 1 << 30 };

struct stream {
    uint64_t started;
    uint64_t received;
    int good;                   // its head was as expected
};

struct connection {
    int descriptor;
    SSL *tls;
    nghttp2_session *session;
    uint64_t heard;             // when something came last
    struct stream *streams;
    int idle;                   // it did its request and holds still
    struct output *output;
};

static struct options {
    int port, cpu, holdIdle;
    size_t connections, streams, expected;
    uint64_t requests;
    const char *counters;
} options = { .cpu = -1, .connections = 1, .streams = 1, .expected = 100 };

static SSL_CTX *context;
static struct connection *connections;
static nghttp2_session_callbacks *callbacks;
static nghttp2_nv fields[fieldRoom];
static size_t fieldCount, openedForIdle;
static char length[24];

static void complain(struct connection *connection, const char *what) {
    if (counters->errors++ < 5)
        fprintf(stderr, "streams: connection %zd: %s\n", connection - connections, what);
    if (counters->errors > 1000) refuse("streams: too many errors");
}

static void addField(const char *name, size_t nameCount, const char *value, size_t valueCount) {
    if (fieldCount == fieldRoom) refuse("streams: too many fields");
    fields[fieldCount++] = (nghttp2_nv){ (uint8_t *)name, (uint8_t *)value, nameCount, valueCount,
        NGHTTP2_NV_FLAG_NO_COPY_NAME | NGHTTP2_NV_FLAG_NO_COPY_VALUE };
}

// The browser's fields, with names in lower case.
static void makeFields(void) {
    static char text[sizeof browserFields], path[32];
    memcpy(text, browserFields, sizeof text);
    snprintf(path, sizeof path, "/b/%zu", options.expected);
    snprintf(length, sizeof length, "%zu", options.expected);
    addField(":method", 7, "GET", 3);
    addField(":scheme", 7, "https", 5);
    addField(":authority", 10, "h0.example.com", 14);
    addField(":path", 5, path, strlen(path));
    for (char *line = text; *line;) {
        char *colon = strchr(line, ':'), *end = strstr(line, "\r\n");
        for (char *byte = line; byte < colon; byte++) *byte = (char)tolower(*byte);
        addField(line, (size_t)(colon - line), colon + 2, (size_t)(end - colon - 2));
        line = end + 2;
    }
}

static void submit(struct connection *connection, struct stream *stream) {
    *stream = (struct stream){ .started = nanoseconds() };
    if (nghttp2_submit_request(connection->session, NULL, fields, fieldCount, NULL, stream) < 0)
        refuse("streams: a request could not be submitted");
}

static int onField(nghttp2_session *session, const nghttp2_frame *frame, const uint8_t *name,
                   size_t nameCount, const uint8_t *value, size_t valueCount, uint8_t flags,
                   void *user) {
    (void)flags, (void)user;
    struct stream *stream = nghttp2_session_get_stream_user_data(session, frame->hd.stream_id);
    if (!stream) return 0;
    if (nameCount == 7 && !memcmp(name, ":status", 7)) {
        if (valueCount == 3 && !memcmp(value, "200", 3)) stream->good |= 1;
    } else if (nameCount == 14 && !memcmp(name, "content-length", 14)) {
        if (valueCount == strlen(length) && !memcmp(value, length, valueCount)) stream->good |= 2;
    }
    return 0;
}

static int onData(nghttp2_session *session, uint8_t flags, int32_t id, const uint8_t *bytes,
                  size_t count, void *user) {
    (void)flags, (void)bytes, (void)user;
    struct stream *stream = nghttp2_session_get_stream_user_data(session, id);
    if (stream) stream->received += count;
    counters->bytes += count;
    return 0;
}

static void openConnection(struct connection *connection);

static int onClose(nghttp2_session *session, int32_t id, uint32_t code, void *user) {
    struct connection *connection = user;
    struct stream *stream = nghttp2_session_get_stream_user_data(session, id);
    if (!stream) return 0;
    if (code || stream->good != 3 || stream->received != options.expected) {
        complain(connection, "an answer that is not as expected");
        submit(connection, stream);
        return 0;
    }
    histogramRecord(counters->histogram, nanoseconds() - stream->started);
    counters->requests += 1;
    if (options.requests && counters->requests >= options.requests) stopping = 1;
    if (!options.holdIdle) {
        submit(connection, stream);
        return 0;
    }
    connection->idle = 1;
    if (counters->requests == options.connections) counters->settled = 1;
    if (openedForIdle < options.connections) openConnection(&connections[openedForIdle++]);
    return 0;
}

static void closeConnection(struct connection *connection) {
    if (connection->session) nghttp2_session_del(connection->session);
    if (connection->tls) closeSecure(connection->tls);
    connection->session = NULL;
    connection->tls = NULL;
    close(connection->descriptor);
    counters->open -= 1;
}

static void startOver(struct connection *connection, const char *what) {
    complain(connection, what);
    closeConnection(connection);
    openConnection(connection);
}

// Sends what the session has; false if the connection was given up.
static int sendFrames(struct connection *connection) {
    struct output *output = connection->output;
    while (refill(output, connection->session)) {
        ssize_t count = sendBytes(connection->tls, connection->descriptor,
                                  output->bytes + output->sent, output->filled - output->sent);
        if (count < 0) {
            if (errno == EAGAIN) return 1;
            startOver(connection, "frames could not be sent");
            return 0;
        }
        output->sent += (size_t)count;
    }
    return 1;
}

static void openConnection(struct connection *connection) {
    int descriptor = openCounted(options.port);
    connection->descriptor = descriptor;
    connection->output->sent = connection->output->filled = 0;
    connection->idle = 0;
    connection->heard = nanoseconds();
    connection->tls = openSecure(context, descriptor, NULL);
    watch(descriptor, everyChange, connection);
    nghttp2_session_client_new(&connection->session, callbacks, connection);
    nghttp2_settings_entry settings[] = {
        { NGHTTP2_SETTINGS_ENABLE_PUSH, 0 }, { NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, window } };
    nghttp2_submit_settings(connection->session, NGHTTP2_FLAG_NONE, settings, 2);
    nghttp2_session_set_local_window_size(connection->session, NGHTTP2_FLAG_NONE, 0, window);
    for (size_t i = 0; i < options.streams; i++) submit(connection, &connection->streams[i]);
    sendFrames(connection);
}

// An idle connection needs nothing of ours but its descriptor.
static void strip(struct connection *connection) {
    nghttp2_session_del(connection->session);
    closeSecure(connection->tls);
    connection->session = NULL;
    connection->tls = NULL;
}

static void readable(struct connection *connection) {
    static unsigned char input[inputSize];
    if (!connection->tls) {
        // What an idle one is told (SETTINGS acknowledged, PING) does not matter; its end does.
        ssize_t count = recv(connection->descriptor, input, sizeof input, 0);
        if (count == 0 || (count < 0 && errno != EAGAIN))
            startOver(connection, "an idle connection was closed");
        return;
    }
    for (;;) {
        ssize_t count = receiveBytes(connection->tls, connection->descriptor, input, sizeof input);
        if (count < 0 && errno == EAGAIN) break;
        if (count <= 0) return startOver(connection, "the connection was closed");
        connection->heard = nanoseconds();
        if (nghttp2_session_mem_recv(connection->session, input, (size_t)count) != count)
            return startOver(connection, "bad frames");
        if (stopping) return;
    }
    if (sendFrames(connection) && connection->idle) strip(connection);
}

static void checkTimeouts(void) {
    uint64_t now = nanoseconds();
    for (size_t i = 0; i < options.connections; i++) {
        struct connection *connection = &connections[i];
        if (!connection->tls || connection->heard + answerTimeout > now) continue;
        startOver(connection, "no answer in time");
    }
}

static void parseOptions(int argc, char **argv) {
    for (int i = 1; i < argc; i++) {
        const char *name = argv[i], *value = i + 1 < argc ? argv[i + 1] : "";
        i += 1;
        if (!strcmp(name, "--port")) options.port = atoi(value);
        else if (!strcmp(name, "--cpu")) options.cpu = atoi(value);
        else if (!strcmp(name, "--connections")) options.connections = strtoul(value, NULL, 10);
        else if (!strcmp(name, "--streams")) options.streams = strtoul(value, NULL, 10);
        else if (!strcmp(name, "--size")) options.expected = strtoul(value, NULL, 10);
        else if (!strcmp(name, "--requests")) options.requests = strtoull(value, NULL, 10);
        else if (!strcmp(name, "--counters")) options.counters = value;
        else if (i -= 1, !strcmp(name, "--idle")) options.holdIdle = 1;
        else refuse("usage: streams --port P [--connections N] [--streams N] [--size BYTES]\n"
                    "  [--idle] [--requests N] [--counters FILE] [--cpu N]");
    }
    if (!options.port || !options.connections || !options.streams) refuse("--port is needed");
}

static void prepare(void) {
    prepareLoop(options.counters);
    signal(SIGPIPE, SIG_IGN);
    context = secureContext("h2");
    makeFields();
    nghttp2_session_callbacks_new(&callbacks);
    nghttp2_session_callbacks_set_on_header_callback(callbacks, onField);
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, onData);
    nghttp2_session_callbacks_set_on_stream_close_callback(callbacks, onClose);
    connections = calloc(options.connections, sizeof *connections);
    if (!connections) fail("calloc");
    for (size_t i = 0; i < options.connections; i++) {
        connections[i].streams = calloc(options.streams, sizeof(struct stream));
        connections[i].output = malloc(sizeof(struct output));
        if (!connections[i].streams || !connections[i].output) fail("malloc");
    }
}

static void run(void) {
    uint64_t nextCheck = nanoseconds() + 1000000000u;
    struct epoll_event events[256];
    while (!stopping) {
        int count = epoll_wait(poller, events, 256, 100);
        for (int i = 0; i < count && !stopping; i++) {
            struct connection *connection = events[i].data.ptr;
            int descriptor = connection->descriptor;
            if ((events[i].events & EPOLLOUT) && connection->tls) sendFrames(connection);
            if (descriptor == connection->descriptor && (events[i].events & ~(uint32_t)EPOLLOUT))
                readable(connection);
        }
        uint64_t now = nanoseconds();
        if (now < nextCheck) continue;
        checkTimeouts();
        nextCheck = now + 1000000000u;
    }
}

int main(int argc, char **argv) {
    parseOptions(argc, argv);
    if (options.cpu >= 0) pinTo(options.cpu);
    prepare();
    uint64_t started = nanoseconds();
    size_t first = options.holdIdle && options.connections > openingAtOnce
        ? openingAtOnce : options.connections;
    openedForIdle = first;
    for (size_t i = 0; i < first; i++) openConnection(&connections[i]);
    run();
    printSummary(started);
    return counters->errors ? 1 : 0;
}
