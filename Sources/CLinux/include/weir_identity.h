// Who the process is: users, groups, and the one right of root's that Weir keeps.
#pragma once

#include <stddef.h>
#include <stdint.h>

#pragma clang assume_nonnull begin

struct weir_identity {
    uint32_t user;
    uint32_t group;
};

// The numbers of a user and a group, the user's own without one. 0, -ENOENT without such a user,
// -ESRCH without such a group, or another negated errno.
int weir_find_identity(const char *user, const char *_Nullable group, struct weir_identity *found);
// The name of the user that the process acts as into `buffer`; its number where it has no name.
void weir_current_user(char *buffer, size_t capacity);
// 1 if the process acts as root.
int weir_is_root(void);
// 1 if the process acts as this user and, where that is asked too, as this group.
int weir_is_identity(const struct weir_identity *identity, int group_too);
// Becomes this user for good, with all its groups, and keeps of root's rights only
// CAP_NET_BIND_SERVICE, where it is there to keep. Call before the first thread.
int weir_become(const char *user, const struct weir_identity *identity);
// Runs on as this user, with its groups, for file access only. Root may; others get -EPERM.
int weir_act_as(const char *user, const struct weir_identity *identity);
// 1 if the process holds CAP_NET_BIND_SERVICE.
int weir_may_bind_all_ports(void);
// The first port that needs no right.
int weir_first_free_port(void);
// 0 if the process may write the file, or make files in the folder; else a negated errno.
int weir_may_write(const char *file);
int weir_may_make_in(const char *folder);

#pragma clang assume_nonnull end
