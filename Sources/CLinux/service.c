#define _GNU_SOURCE
#include "weir_service.h"

#include <dirent.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>

int weir_notify(const char *name, const char *message) {
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    size_t length = strlen(name);
    if (length == 0 || length >= sizeof address.sun_path) return -EINVAL;
    memcpy(address.sun_path, name, length);
    if (name[0] == '@') address.sun_path[0] = 0;
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0) return -errno;
    struct timeval patience = {.tv_usec = 500000};
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
    socklen_t size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length);
    ssize_t sent;
    do sent = sendto(fd, message, strlen(message), MSG_NOSIGNAL, (struct sockaddr *)&address, size);
    while (sent < 0 && errno == EINTR);
    int failed = sent < 0 ? -errno : 0;
    close(fd);
    return failed;
}

static int option(int fd, int level, int name) {
    int value = 0;
    socklen_t size = sizeof value;
    return getsockopt(fd, level, name, &value, &size) < 0 ? -errno : value;
}

int weir_adopt_listener(int fd, struct weir_listener *listener) {
    memset(listener, 0, sizeof *listener);
    int domain = option(fd, SOL_SOCKET, SO_DOMAIN);
    if (domain < 0) return domain;
    if (option(fd, SOL_SOCKET, SO_TYPE) != SOCK_STREAM) return -EINVAL;
    if (option(fd, SOL_SOCKET, SO_ACCEPTCONN) != 1) return -EINVAL;
    if (domain != AF_INET && domain != AF_INET6 && domain != AF_UNIX) return -EINVAL;
    if (domain == AF_UNIX) {
        struct sockaddr_un address = {0};
        socklen_t size = sizeof address;
        if (getsockname(fd, (struct sockaddr *)&address, &size) < 0) return -errno;
        snprintf(listener->path, sizeof listener->path, "%s", address.sun_path);
    } else {
        int failed = weir_local_address(fd, &listener->address);
        if (failed) return failed;
        listener->is_dual = domain == AF_INET6 && option(fd, IPPROTO_IPV6, IPV6_V6ONLY) == 0;
    }
    int flags = fcntl(fd, F_GETFL);
    if (flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0) return -errno;
    return fcntl(fd, F_SETFD, FD_CLOEXEC) < 0 ? -errno : 0;
}

int weir_duplicate(int fd) {
    int other = fcntl(fd, F_DUPFD_CLOEXEC, 3);
    return other < 0 ? -errno : other;
}

// ---- Threads

// The first line of a file of a thread.
static int read_line(const char *thread, const char *file, char *line, int capacity) {
    char path[300];
    snprintf(path, sizeof path, "/proc/self/task/%s/%s", thread, file);
    FILE *opened = fopen(path, "re");
    if (!opened) return 0;
    int found = fgets(line, capacity, opened) != NULL;
    fclose(opened);
    if (found) line[strcspn(line, "\n")] = 0;
    return found;
}

static void describe(const char *thread, char *buffer, size_t capacity) {
    char line[512];
    // The state follows the name, which ends with the last bracket (proc(5)).
    char *end = read_line(thread, "stat", line, sizeof line) ? strrchr(line, ')') : NULL;
    char state = end && end[1] ? end[2] : '?';
    if (state == 'R') {
        snprintf(buffer, capacity, "it computes");
    } else if (state == 't' || state == 'T') {
        snprintf(buffer, capacity, "it was stopped");
    } else if (read_line(thread, "syscall", line, sizeof line) && line[0] >= '0' && line[0] <= '9') {
        int call = atoi(line);
        if (call == SYS_futex) snprintf(buffer, capacity, "it waits for a lock");
        else snprintf(buffer, capacity, "it waits in system call %d", call);
    } else {
        snprintf(buffer, capacity, "its state is %c", state);
    }
}

void weir_thread_state(const char *name, char *buffer, size_t capacity) {
    snprintf(buffer, capacity, "there is no such thread");
    DIR *folder = opendir("/proc/self/task");
    if (!folder) return;
    struct dirent *entry;
    char line[64];
    while ((entry = readdir(folder)) != NULL) {
        if (entry->d_name[0] == '.' || !read_line(entry->d_name, "comm", line, sizeof line)) continue;
        if (strcmp(line, name) == 0) describe(entry->d_name, buffer, capacity);
    }
    closedir(folder);
}
