// What a session of nghttp2 has to send, on its way to the socket.

#ifndef PERF_FRAMES_H
#define PERF_FRAMES_H

#include "shared.h"

#include <nghttp2/nghttp2.h>

enum { outputSize = 64 << 10, inputSize = 64 << 10 };

struct output {
    size_t sent, filled;
    unsigned char bytes[outputSize];
};

// Takes in what the session has once all before is sent; false if nothing is left to send.
static inline int refill(struct output *output, nghttp2_session *session) {
    if (output->sent < output->filled) return 1;
    const uint8_t *bytes;
    ssize_t count;
    output->sent = output->filled = 0;
    while (output->filled < outputSize / 2
           && (count = nghttp2_session_mem_send(session, &bytes)) > 0) {
        memcpy(output->bytes + output->filled, bytes, (size_t)count);
        output->filled += (size_t)count;
    }
    return output->filled > 0;
}

#endif
