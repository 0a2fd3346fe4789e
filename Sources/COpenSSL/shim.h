#ifndef WEIR_COPENSSL_SHIM_H
#define WEIR_COPENSSL_SHIM_H

/* OpenSSL's libssl and libcrypto, with functions in place of the macros that Swift cannot see. */

#include <openssl/bio.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/ocsp.h>
#include <openssl/params.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

/* Contexts. */

static inline int weir_ssl_ctx_set_min_version(SSL_CTX *ctx, int version) {
    return (int)SSL_CTX_set_min_proto_version(ctx, version);
}

static inline int weir_ssl_ctx_set_max_version(SSL_CTX *ctx, int version) {
    return (int)SSL_CTX_set_max_proto_version(ctx, version);
}

/* No compression, no renegotiation by either side, the server's order of suites and groups (with
   ChaCha20 first for clients that put it first). */
static inline void weir_ssl_ctx_set_safe_options(SSL_CTX *ctx) {
    SSL_CTX_set_options(ctx, SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION
                                 | SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_PRIORITIZE_CHACHA);
}

/* A write returns after each record, and may go on with other memory of the same content. The
   chain that is sent is what was set, with nothing added from the trusted authorities. */
static inline void weir_ssl_ctx_set_modes(SSL_CTX *ctx) {
    SSL_CTX_set_mode(ctx, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER
                              | SSL_MODE_NO_AUTO_CHAIN);
}

/* Sessions live in tickets only. */
static inline void weir_ssl_ctx_disable_cache(SSL_CTX *ctx) {
    SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
}

/* Sessions are handed to the callback and kept nowhere else. */
static inline void weir_ssl_ctx_keep_client_sessions(SSL_CTX *ctx,
                                                     int (*callback)(SSL *, SSL_SESSION *)) {
    SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
    SSL_CTX_sess_set_new_cb(ctx, callback);
}

static inline int weir_ssl_ctx_set_groups(SSL_CTX *ctx, const char *list) {
    return (int)SSL_CTX_set1_groups_list(ctx, list);
}

static inline int weir_ssl_ctx_set_signatures(SSL_CTX *ctx, const char *list) {
    return (int)SSL_CTX_set1_sigalgs_list(ctx, list);
}

static inline int weir_ssl_ctx_set_chain(SSL_CTX *ctx, STACK_OF(X509) *chain) {
    return (int)SSL_CTX_set1_chain(ctx, chain);
}

static inline void weir_ssl_ctx_set_name_callback(SSL_CTX *ctx,
                                                  int (*callback)(SSL *, int *, void *),
                                                  void *argument) {
    SSL_CTX_set_tlsext_servername_callback(ctx, callback);
    SSL_CTX_set_tlsext_servername_arg(ctx, argument);
}

static inline void weir_ssl_ctx_set_staple_callback(SSL_CTX *ctx, int (*callback)(SSL *, void *),
                                                    void *argument) {
    SSL_CTX_set_tlsext_status_cb(ctx, callback);
    SSL_CTX_set_tlsext_status_arg(ctx, argument);
}

static inline void *weir_ssl_ctx_app_data(const SSL_CTX *ctx) {
    return SSL_CTX_get_app_data(ctx);
}

static inline void weir_ssl_ctx_set_app_data(SSL_CTX *ctx, void *data) {
    SSL_CTX_set_app_data(ctx, data);
}

/* A slot in each context whose content `release` gets when the context goes; below 0: no memory. */
static inline int weir_ssl_ctx_new_slot(CRYPTO_EX_free *release) {
    return SSL_CTX_get_ex_new_index(0, NULL, NULL, NULL, release);
}

/* Connections. */

static inline int weir_ssl_set_server_name(SSL *ssl, const char *name) {
    return (int)SSL_set_tlsext_host_name(ssl, name);
}

/* `bytes` come from OPENSSL_malloc and belong to the connection when this has succeeded. */
static inline int weir_ssl_set_staple(SSL *ssl, unsigned char *bytes, long count) {
    return (int)SSL_set_tlsext_status_ocsp_resp(ssl, bytes, count);
}

static inline void weir_ssl_ask_for_staple(SSL *ssl) {
    SSL_set_tlsext_status_type(ssl, TLSEXT_STATUSTYPE_ocsp);
}

/* The OCSP answer that the server sent, borrowed from the connection; below 0: none. */
static inline long weir_ssl_staple(SSL *ssl, unsigned char **bytes) {
    return (long)SSL_get_tlsext_status_ocsp_resp(ssl, bytes);
}

/* A slot in each connection for a number; below 0: no memory. */
static inline int weir_ssl_new_slot(void) {
    return SSL_get_ex_new_index(0, NULL, NULL, NULL, NULL);
}

static inline void *weir_ssl_app_data(const SSL *ssl) { return SSL_get_app_data(ssl); }

static inline void weir_ssl_set_app_data(SSL *ssl, void *data) { SSL_set_app_data(ssl, data); }

/* Sets the key of an HMAC with SHA-256; the names of parameters have to live until the call. */
static inline int weir_mac_set_key(EVP_MAC_CTX *mac, unsigned char *key, size_t count) {
    char digest[] = "SHA256";
    OSSL_PARAM parameters[] = {
        OSSL_PARAM_construct_octet_string(OSSL_MAC_PARAM_KEY, key, count),
        OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0),
        OSSL_PARAM_construct_end(),
    };
    return EVP_MAC_CTX_set_params(mac, parameters);
}

/* BIO. */

static inline void weir_bio_clear_retry(BIO *bio) { BIO_clear_retry_flags(bio); }
static inline void weir_bio_retry_read(BIO *bio) { BIO_set_retry_read(bio); }
static inline void weir_bio_retry_write(BIO *bio) { BIO_set_retry_write(bio); }

/* What a memory BIO holds, borrowed from it. */
static inline long weir_bio_content(BIO *bio, char **bytes) { return BIO_get_mem_data(bio, bytes); }

/* Certificates. */

static inline unsigned long weir_x509_name_flags(void) { return XN_FLAG_RFC2253; }

/* Memory. */

static inline void *weir_openssl_malloc(size_t count) { return OPENSSL_malloc(count); }
static inline void weir_openssl_free(void *bytes) { OPENSSL_free(bytes); }

#endif
