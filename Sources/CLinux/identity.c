#define _GNU_SOURCE
#include "weir_identity.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <pwd.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { room = 16384 };

int weir_find_identity(const char *user, const char *group, struct weir_identity *found) {
    char buffer[room];
    struct passwd entry, *known = NULL;
    int failed = getpwnam_r(user, &entry, buffer, sizeof buffer, &known);
    if (failed) return -failed;
    if (!known) return -ENOENT;
    found->user = entry.pw_uid;
    found->group = entry.pw_gid;
    if (!group) return 0;
    struct group line, *known_group = NULL;
    failed = getgrnam_r(group, &line, buffer, sizeof buffer, &known_group);
    if (failed) return -failed;
    if (!known_group) return -ESRCH;
    found->group = line.gr_gid;
    return 0;
}

void weir_current_user(char *name, size_t capacity) {
    char buffer[room];
    struct passwd entry, *known = NULL;
    uid_t user = geteuid();
    if (getpwuid_r(user, &entry, buffer, sizeof buffer, &known) == 0 && known)
        snprintf(name, capacity, "%s", known->pw_name);
    else
        snprintf(name, capacity, "%u", user);
}

int weir_is_root(void) { return geteuid() == 0; }

int weir_is_identity(const struct weir_identity *identity, int group_too) {
    return geteuid() == identity->user && (!group_too || getegid() == identity->group);
}

// ---- Capabilities

static int read_capabilities(struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3]) {
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    return syscall(SYS_capget, &header, data) < 0 ? -errno : 0;
}

static const uint32_t kept = 1u << CAP_NET_BIND_SERVICE;

int weir_may_bind_all_ports(void) {
    struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3];
    return read_capabilities(data) == 0 && (data[0].effective & kept) != 0;
}

// Leaves this set and nothing else, so that a program that is started has it too.
static int set_capabilities(uint32_t set) {
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3] = {
        {.effective = set, .permitted = set, .inheritable = set},
    };
    if (syscall(SYS_capset, &header, data) < 0) return -errno;
    // Kernels before 4.3 know no ambient set: a program that is started then goes without.
    if (set) prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_NET_BIND_SERVICE, 0, 0);
    return 0;
}

int weir_become(const char *user, const struct weir_identity *identity) {
    int keeps = weir_may_bind_all_ports();
    if (initgroups(user, identity->group) < 0) return -errno;
    if (setresgid(identity->group, identity->group, identity->group) < 0) return -errno;
    // Root as the user keeps what root has.
    if (identity->user == 0) return 0;
    if (keeps && prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) < 0) return -errno;
    // What is not in the bounding set cannot come back by starting a program of root's.
    for (int one = 0; prctl(PR_CAPBSET_READ, one, 0, 0, 0) >= 0; one++)
        if (one != CAP_NET_BIND_SERVICE) prctl(PR_CAPBSET_DROP, one, 0, 0, 0);
    if (setresuid(identity->user, identity->user, identity->user) < 0) return -errno;
    int failed = set_capabilities(keeps ? kept : 0);
    if (failed) return failed;
    // The kernel hides /proc/self from a process that has changed its user.
    prctl(PR_SET_DUMPABLE, 1, 0, 0, 0);
    return setresuid(-1, 0, -1) == 0 ? -EPERM : 0;
}

int weir_act_as(const char *user, const struct weir_identity *identity) {
    if (geteuid() == identity->user && geteuid() != 0) return 0;
    if (initgroups(user, identity->group) < 0) return -errno;
    if (setegid(identity->group) < 0) return -errno;
    return seteuid(identity->user) < 0 ? -errno : 0;
}

// ---- What one may do

int weir_first_free_port(void) {
    int port = 1024;
    FILE *file = fopen("/proc/sys/net/ipv4/ip_unprivileged_port_start", "re");
    if (!file) return port;
    if (fscanf(file, "%d", &port) != 1) port = 1024;
    fclose(file);
    return port;
}

int weir_may_write(const char *file) {
    return faccessat(AT_FDCWD, file, W_OK, AT_EACCESS) < 0 ? -errno : 0;
}

int weir_may_make_in(const char *folder) {
    return faccessat(AT_FDCWD, folder, W_OK | X_OK, AT_EACCESS) < 0 ? -errno : 0;
}
