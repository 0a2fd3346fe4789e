// The server behind the rows with HTTP/2 to the servers: HTTP/2 in cleartext, known beforehand.
//
// /b/N is answered with N bytes as backend.c does, on nghttp2. What bodies a request has is
// dropped. It prints its port, and ends on SIGTERM.

#define _GNU_SOURCE
#include "frames.h"
#include "loopback.h"

enum { maximumBody = 1 << 20, streamLimit = 256 };

struct connection {
    int descriptor;
    nghttp2_session *session;
    struct output output;
};

static nghttp2_session_callbacks *callbacks;

static void closeConnection(struct connection *connection) {
    nghttp2_session_del(connection->session);
    close(connection->descriptor);
    free(connection);
    counters->open -= 1;
}

// A stream's data is how many bytes it owes, and one more, as null says that it has none.
static int onField(nghttp2_session *session, const nghttp2_frame *frame, const uint8_t *name,
                   size_t nameCount, const uint8_t *value, size_t valueCount, uint8_t flags,
                   void *user) {
    (void)flags, (void)user;
    if (nameCount != 5 || memcmp(name, ":path", 5) || valueCount < 4 || memcmp(value, "/b/", 3))
        return 0;
    size_t size = 0;
    for (size_t i = 3; i < valueCount && value[i] >= '0' && value[i] <= '9'; i++)
        size = size * 10 + (size_t)(value[i] - '0');
    if (size <= maximumBody)
        nghttp2_session_set_stream_user_data(session, frame->hd.stream_id, (void *)(size + 1));
    return 0;
}

static ssize_t readBody(nghttp2_session *session, int32_t id, uint8_t *room, size_t most,
                        uint32_t *flags, nghttp2_data_source *source, void *user) {
    (void)source, (void)user;
    size_t left = (size_t)nghttp2_session_get_stream_user_data(session, id) - 1;
    size_t count = left < most ? left : most;
    memset(room, 'x', count);
    if (count == left) *flags |= NGHTTP2_DATA_FLAG_EOF;
    nghttp2_session_set_stream_user_data(session, id, (void *)(left - count + 1));
    return (ssize_t)count;
}

#define FIELD(name, value, count) \
    { (uint8_t *)name, (uint8_t *)value, sizeof name - 1, count, \
      NGHTTP2_NV_FLAG_NO_COPY_NAME | NGHTTP2_NV_FLAG_NO_COPY_VALUE }
#define CONSTANT(name, value) FIELD(name, value, sizeof value - 1)

static int onFrame(nghttp2_session *session, const nghttp2_frame *frame, void *user) {
    (void)user;
    int32_t id = frame->hd.stream_id;
    if ((frame->hd.type != NGHTTP2_HEADERS && frame->hd.type != NGHTTP2_DATA)
        || !(frame->hd.flags & NGHTTP2_FLAG_END_STREAM)) return 0;
    size_t owed = (size_t)nghttp2_session_get_stream_user_data(session, id);
    counters->requests += 1;
    if (!owed) {
        if (counters->errors++ < 5) fprintf(stderr, "backend: unknown path\n");
        return nghttp2_submit_rst_stream(session, 0, id, NGHTTP2_INTERNAL_ERROR);
    }
    char length[24];
    int digits = snprintf(length, sizeof length, "%zu", owed - 1);
    nghttp2_nv fields[] = {
        CONSTANT(":status", "200"),
        CONSTANT("date", "Thu, 01 Jan 2026 00:00:00 GMT"),
        CONSTANT("server", "backend"),
        CONSTANT("content-type", "text/html; charset=utf-8"),
        CONSTANT("cache-control", "max-age=60"),
        CONSTANT("etag", "\"5f2a-611bca1f8d2c0\""),
        FIELD("content-length", length, (size_t)digits),
    };
    fields[6].flags = NGHTTP2_NV_FLAG_NO_COPY_NAME;
    nghttp2_data_provider provider = { .read_callback = readBody };
    return nghttp2_submit_response(session, id, fields, 7, &provider);
}

// Sends what the session has; false if the connection is gone.
static int sendFrames(struct connection *connection) {
    struct output *output = &connection->output;
    while (refill(output, connection->session)) {
        ssize_t count = send(connection->descriptor, output->bytes + output->sent,
                             output->filled - output->sent, MSG_NOSIGNAL);
        if (count < 0 && errno == EAGAIN) return 1;
        if (count < 0) {
            closeConnection(connection);
            return 0;
        }
        output->sent += (size_t)count;
    }
    return 1;
}

static void readable(struct connection *connection) {
    static unsigned char input[inputSize];
    for (;;) {
        ssize_t count = recv(connection->descriptor, input, sizeof input, 0);
        if (count < 0 && errno == EAGAIN) break;
        if (count <= 0) return closeConnection(connection);
        if (nghttp2_session_mem_recv(connection->session, input, (size_t)count) != count) {
            if (counters->errors++ < 5) fprintf(stderr, "backend: bad frames\n");
            return closeConnection(connection);
        }
        if (count < inputSize) break;
    }
    sendFrames(connection);
}

static void acceptAll(int listener) {
    for (;;) {
        int descriptor = acceptNext(listener);
        if (descriptor < 0) return;
        struct connection *connection = calloc(1, sizeof *connection);
        if (!connection) fail("calloc");
        connection->descriptor = descriptor;
        watchAccepted(descriptor, connection);
        nghttp2_session_server_new(&connection->session, callbacks, connection);
        nghttp2_settings_entry setting = { NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, streamLimit };
        nghttp2_submit_settings(connection->session, NGHTTP2_FLAG_NONE, &setting, 1);
        sendFrames(connection);
    }
}

int main(int argc, char **argv) {
    nghttp2_session_callbacks_new(&callbacks);
    nghttp2_session_callbacks_set_on_header_callback(callbacks, onField);
    nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks, onFrame);
    int listener = startServer(argc, argv, "usage: streams_backend [--cpu N] [--counters FILE]");
    struct epoll_event events[256];
    for (;;) {
        int count = epoll_wait(poller, events, 256, -1);
        for (int i = 0; i < count; i++) {
            struct connection *connection = events[i].data.ptr;
            if (!connection) acceptAll(listener);
            else if (!(events[i].events & EPOLLOUT) || sendFrames(connection))
                if (events[i].events & ~(uint32_t)EPOLLOUT) readable(connection);
        }
    }
}
