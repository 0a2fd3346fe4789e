// TLS as the clients speak it: version 1.3 with one suite and one group, so that every proxy does
// the same work whatever it would prefer.

#ifndef PERF_SECURE_H
#define PERF_SECURE_H

#include "shared.h"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <sys/socket.h>
#include <sys/types.h>

// Puts the session that a connection may be resumed by into the place that `SSL_set_app_data`
// named. One is kept: each ticket is used once (RFC 8446, appendix C.4).
static inline int keepSession(SSL *tls, SSL_SESSION *session) {
    SSL_SESSION **place = SSL_get_app_data(tls);
    if (!place) return 0;
    SSL_SESSION_free(*place);
    *place = session;
    return 1;
}

// A context for clients that speak `protocol`. Certificates are not verified.
static inline SSL_CTX *secureContext(const char *protocol) {
    SSL_CTX *context = SSL_CTX_new(TLS_client_method());
    unsigned char list[16];
    size_t count = strlen(protocol);
    list[0] = (unsigned char)count;
    memcpy(list + 1, protocol, count);
    if (!context || SSL_CTX_set_min_proto_version(context, TLS1_3_VERSION) != 1
        || SSL_CTX_set_ciphersuites(context, "TLS_AES_128_GCM_SHA256") != 1
        || SSL_CTX_set1_groups_list(context, "X25519") != 1
        || SSL_CTX_set_alpn_protos(context, list, (unsigned)count + 1) != 0)
        refuse("client: OpenSSL refuses the settings");
    SSL_CTX_set_mode(context, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    SSL_CTX_set_session_cache_mode(context,
        SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL_STORE);
    SSL_CTX_sess_set_new_cb(context, keepSession);
    // Many records with one call: the load side shall not be what is measured.
    SSL_CTX_set_read_ahead(context, 1);
    SSL_CTX_set_default_read_buffer_len(context, 64 << 10);
    return context;
}

// A connection that has not begun. `session`: where its session is, and is kept; null for none.
static inline SSL *openSecure(SSL_CTX *context, int descriptor, SSL_SESSION **session) {
    SSL *tls = SSL_new(context);
    if (!tls || SSL_set_fd(tls, descriptor) != 1
        || SSL_set_tlsext_host_name(tls, "h0.example.com") != 1) refuse("client: SSL_new");
    SSL_set_app_data(tls, session);
    if (session && *session) SSL_set_session(tls, *session);
    SSL_set_connect_state(tls);
    return tls;
}

static inline void closeSecure(SSL *tls) {
    // Or OpenSSL would forbid to resume the session of a connection that was cut.
    SSL_set_shutdown(tls, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
    SSL_free(tls);
}

// The result of a call in terms of the system calls.
static inline ssize_t secureResult(SSL *tls, int result) {
    if (result > 0) return result;
    switch (SSL_get_error(tls, result)) {
    case SSL_ERROR_WANT_READ:
    case SSL_ERROR_WANT_WRITE: errno = EAGAIN; return -1;
    case SSL_ERROR_ZERO_RETURN: return 0;
    case SSL_ERROR_SYSCALL: ERR_clear_error(); return -1;
    default:
        ERR_print_errors_fp(stderr);
        errno = EPROTO;
        return -1;
    }
}

// As `send`; without `tls` it is.
static inline ssize_t sendBytes(SSL *tls, int descriptor, const void *bytes, size_t count) {
    if (!tls) return send(descriptor, bytes, count, MSG_NOSIGNAL);
    errno = 0;
    return secureResult(tls, SSL_write(tls, bytes, (int)count));
}

// As `recv`; without `tls` it is.
static inline ssize_t receiveBytes(SSL *tls, int descriptor, void *bytes, size_t count) {
    if (!tls) return recv(descriptor, bytes, count, 0);
    errno = 0;
    return secureResult(tls, SSL_read(tls, bytes, (int)count));
}

#endif
