#define _GNU_SOURCE
#include "weir_handover.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

int weir_handover_pair(int *ours, int *theirs) {
    int pair[2];
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0) return -errno;
    // A successor that does not answer must not stop the one that serves.
    fcntl(pair[0], F_SETFL, O_NONBLOCK);
    *ours = pair[0];
    *theirs = pair[1];
    return 0;
}

int weir_spawn(const char *program, char *const *arguments, char *const *environment,
               int descriptor) {
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    if (posix_spawn_file_actions_init(&actions)) return -ENOMEM;
    if (posix_spawnattr_init(&attributes)) {
        posix_spawn_file_actions_destroy(&actions);
        return -ENOMEM;
    }
    // Onto itself: that takes the close-on-exec flag away in the child.
    posix_spawn_file_actions_adddup2(&actions, descriptor, descriptor);
    sigset_t none;
    sigemptyset(&none);
    posix_spawnattr_setsigmask(&attributes, &none);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK);
    pid_t pid = -1;
    int failed = posix_spawn(&pid, program, &actions, &attributes, arguments, environment);
    posix_spawn_file_actions_destroy(&actions);
    posix_spawnattr_destroy(&attributes);
    return failed ? -failed : (int)pid;
}

int weir_child_ended(int pid, int *status) {
    int raw = 0;
    pid_t found = waitpid(pid, &raw, WNOHANG);
    // Whoever started this process may have it ignore its children, which then leave no trace.
    if (found < 0 && errno == ECHILD) {
        *status = 0;
        return 1;
    }
    if (found != pid) return 0;
    *status = WIFEXITED(raw) ? WEXITSTATUS(raw) : 128 + WTERMSIG(raw);
    return 1;
}

long weir_handover_send(int fd, const void *bytes, size_t count, const int32_t *descriptors,
                        int descriptor_count) {
    if (descriptor_count < 0 || descriptor_count > WEIR_HANDOVER_DESCRIPTORS) return -EINVAL;
    _Alignas(struct cmsghdr) char control[CMSG_SPACE(WEIR_HANDOVER_DESCRIPTORS * sizeof(int32_t))];
    struct iovec part = {.iov_base = (void *)bytes, .iov_len = count};
    struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1};
    if (descriptor_count > 0) {
        size_t size = (size_t)descriptor_count * sizeof(int32_t);
        message.msg_control = control;
        message.msg_controllen = CMSG_SPACE(size);
        struct cmsghdr *head = CMSG_FIRSTHDR(&message);
        head->cmsg_level = SOL_SOCKET;
        head->cmsg_type = SCM_RIGHTS;
        head->cmsg_len = CMSG_LEN(size);
        memcpy(CMSG_DATA(head), descriptors, size);
    }
    ssize_t sent = sendmsg(fd, &message, MSG_NOSIGNAL);
    return sent < 0 ? -errno : sent;
}

long weir_handover_receive(int fd, void *bytes, size_t capacity, int32_t *descriptors,
                           int *descriptor_count) {
    _Alignas(struct cmsghdr) char control[CMSG_SPACE(WEIR_HANDOVER_DESCRIPTORS * sizeof(int32_t))];
    struct iovec part = {.iov_base = bytes, .iov_len = capacity};
    struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1, .msg_control = control,
                             .msg_controllen = sizeof control};
    *descriptor_count = 0;
    ssize_t received = recvmsg(fd, &message, MSG_CMSG_CLOEXEC);
    if (received < 0) return -errno;
    for (struct cmsghdr *head = CMSG_FIRSTHDR(&message); head; head = CMSG_NXTHDR(&message, head)) {
        if (head->cmsg_level != SOL_SOCKET || head->cmsg_type != SCM_RIGHTS) continue;
        size_t count = (head->cmsg_len - CMSG_LEN(0)) / sizeof(int32_t);
        for (size_t i = 0; i < count && *descriptor_count < WEIR_HANDOVER_DESCRIPTORS; i++) {
            memcpy(&descriptors[*descriptor_count], CMSG_DATA(head) + i * sizeof(int32_t),
                   sizeof(int32_t));
            *descriptor_count += 1;
        }
    }
    return received;
}

char *const *weir_own_environment(void) {
    return environ;
}

// Whether a path leads to the program that runs.
static int is_own_program(const char *path) {
    struct stat found, own;
    if (stat(path, &found) < 0 || stat("/proc/self/exe", &own) < 0) return 0;
    return found.st_dev == own.st_dev && found.st_ino == own.st_ino;
}

// Whether a name in a folder, which may be relative itself, is the program; `buffer` is its path.
static int is_own_in(const char *folder, size_t length, const char *name, char *buffer,
                     size_t capacity) {
    char here[PATH_MAX] = "";
    if (folder[0] != '/' && name[0] != '/' && !getcwd(here, sizeof here)) return 0;
    int count = snprintf(buffer, capacity, "%s%s%.*s%s%s", here, here[0] && length ? "/" : "",
                         (int)length, folder, name[0] == '/' ? "" : "/", name);
    return count > 0 && (size_t)count < capacity && is_own_program(buffer);
}

int weir_own_program(const char *called, char *buffer, size_t capacity) {
    if (strchr(called, '/')) {
        if (is_own_in("", 0, called, buffer, capacity)) return 0;
    } else if (called[0]) {
        const char *rest = getenv("PATH");
        while (rest) {
            size_t length = strcspn(rest, ":");
            if (is_own_in(rest, length, called, buffer, capacity)) return 0;
            rest = rest[length] ? rest + length + 1 : NULL;
        }
    }
    // Links are followed here already: where one leads later is not found out.
    ssize_t count = readlink("/proc/self/exe", buffer, capacity - 1);
    if (count < 0) return -errno;
    buffer[count] = 0;
    return 0;
}

int weir_is_listening(int fd) {
    int listens = 0;
    socklen_t size = sizeof listens;
    return getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listens, &size) == 0 && listens;
}

void weir_forget_environment(const char *name) {
    unsetenv(name);
}

void weir_close_on_exec(int fd) {
    fcntl(fd, F_SETFD, FD_CLOEXEC);
}
