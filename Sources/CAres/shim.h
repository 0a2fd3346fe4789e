#include <ares.h>
#include <stdint.h>
#include <string.h>

// The address of a node as 4 or 16 bytes, the first one first; how many there are, 0 for others.
static inline int cares_node_address(const struct ares_addrinfo_node *node, uint8_t bytes[16]) {
    if (node->ai_family == AF_INET && node->ai_addr) {
        memcpy(bytes, &((const struct sockaddr_in *)node->ai_addr)->sin_addr, 4);
        return 4;
    }
    if (node->ai_family == AF_INET6 && node->ai_addr) {
        memcpy(bytes, &((const struct sockaddr_in6 *)node->ai_addr)->sin6_addr, 16);
        return 16;
    }
    return 0;
}

// Microseconds until the channel wants to be processed, -1 if it waits for nothing.
static inline int64_t cares_wait_microseconds(ares_channel channel) {
    struct timeval time;
    if (!ares_timeout(channel, NULL, &time)) return -1;
    return (int64_t)time.tv_sec * 1000000 + time.tv_usec;
}

// Looks at what has lasted too long.
static inline void cares_process_timeouts(ares_channel channel) {
    ares_process_fd(channel, ARES_SOCKET_BAD, ARES_SOCKET_BAD);
}

// Looks at one socket; 0 where it is not ready that way.
static inline void cares_process_socket(ares_channel channel, int fd, int readable, int writable) {
    ares_process_fd(channel, readable ? fd : ARES_SOCKET_BAD, writable ? fd : ARES_SOCKET_BAD);
}

// Addresses for connections, IPv4 or IPv6, in the order of the answer.
static inline struct ares_addrinfo_hints cares_hints(int is_ipv6) {
    struct ares_addrinfo_hints hints = {
        .ai_flags = ARES_AI_NOSORT,
        .ai_family = is_ipv6 ? AF_INET6 : AF_INET,
        .ai_socktype = SOCK_STREAM,
    };
    return hints;
}
