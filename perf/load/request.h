// The requests that the client sends: heads as a browser writes them, one per Host name.

#ifndef PERF_REQUEST_H
#define PERF_REQUEST_H

#include "shared.h"

struct request {
    char *bytes;
    size_t size;
};

// 13 fields, about 830 bytes with Host. A post has Content-Type and Content-Length besides.
static const char browserFields[] =
    "Cache-Control: max-age=0\r\n"
    "Upgrade-Insecure-Requests: 1\r\n"
    "User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) "
    "Chrome/142.0.0.0 Safari/537.36\r\n"
    "Accept: text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,"
    "image/apng,*/*;q=0.8,application/signed-exchange;v=b3;q=0.7\r\n"
    "Sec-Fetch-Site: same-origin\r\n"
    "Sec-Fetch-Mode: navigate\r\n"
    "Sec-Fetch-Dest: document\r\n"
    "Referer: https://www.example.com/catalogue/shoes/running?colour=blue&page=2\r\n"
    "Accept-Encoding: gzip, deflate, br, zstd\r\n"
    "Accept-Language: en-GB,en;q=0.9,de;q=0.8\r\n"
    "Cookie: session=8f14e45fceea167a5a36dedd4bea2543; theme=dark; consent=all; "
    "_ga=GA1.2.1170841234.1767225600; cart=4f5b1c2d; "
    "csrf=kq3vXw8Zt1mR5bN7pL2sD9fG4hJ6yU0a; seen=1764002913.e91b7c52a4d84f0fb6; lang=en\r\n";

static const char smallFields[] = "User-Agent: perf\r\nAccept: */*\r\n";

// Host names are h0.example.com to hN-1.example.com.
static inline struct request *makeRequests(const char *path, size_t hosts, size_t body,
                                           int closing, int small) {
    enum { headRoom = 2048 };
    struct request *requests = calloc(hosts, sizeof *requests);
    if (!requests) fail("calloc");
    for (size_t i = 0; i < hosts; i++) {
        char content[96] = "";
        if (body)
            snprintf(content, sizeof content,
                     "Content-Type: application/octet-stream\r\nContent-Length: %zu\r\n", body);
        char *bytes = malloc(headRoom + body);
        if (!bytes) fail("malloc");
        int head = snprintf(bytes, headRoom,
            "%s %s HTTP/1.1\r\nHost: h%zu.example.com\r\nConnection: %s\r\n%s%s\r\n",
            body ? "POST" : "GET", path, i, closing ? "close" : "keep-alive",
            small ? smallFields : browserFields, content);
        memset(bytes + head, 'x', body);
        requests[i].bytes = bytes;
        requests[i].size = (size_t)head + body;
    }
    return requests;
}

#endif
