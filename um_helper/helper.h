/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The inside of um-helper, for its own files and their tests; umd includes um_helper.h only. */

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/base.h"
#include "um_helper/um_helper.h"

#define HELPER_ROOTS_MAX       8U
#define HELPER_CLIENTS_MAX     16U
#define HELPER_REQUEST_USEC    (8 * USEC_PER_SEC) /* umd waits for 10 */
#define HELPER_SKELETON_BYTES  (64U * 1024 * 1024)
#define HELPER_SKELETON_COUNT  4096U
#define HELPER_SKELETON_DEPTH  16U
#define HELPER_LEFTOVER_PREFIX ".um-home-"
#define HELPER_LEFTOVER_USEC   (3600 * USEC_PER_SEC)

/* Where things are; from the options, unchanged afterwards. */
typedef struct Helper {
        const char *map_path, *skeleton, *cgroup_root, *passwd_path, *terminals;
        const char *sudoers_source, *sudoers_dir, *visudo;
        const char *home_roots[HELPER_ROOTS_MAX];
        size_t home_root_count;
} Helper;

/* A HelperStatus, or a fault that becomes HELPER_FAULT. */
int helper_home_make(const Helper *helper, uid_t uid, uint64_t deadline_usec);
int helper_sessions_end(const Helper *helper, uid_t uid);
int helper_sessions_warn(const Helper *helper, uid_t uid);
int helper_sudoers_install(const Helper *helper, uint64_t deadline_usec);

/* Whose names a line may begin with. */
typedef struct HelperSudoersNames {
        void *userdata;
        bool (*is_ours)(void *userdata, const char *name);
} HelperSudoersNames;

/* Is all of it HELPER_SUDOERS_HEAD and lines as umd writes them? */
bool helper_sudoers_check(const char *text, size_t len, const HelperSudoersNames *names);
/* May um act on this uid at all?  False for one that is reserved or local, and on any doubt. */
bool helper_uid_is_ours(const Helper *helper, uid_t uid);

/* Opens path below dir_fd: no "..", no symbolic link on the way or at the end. */
int helper_open_beneath(int dir_fd, const char *path, int flags);

/* A tree being copied: whose it becomes, and what it may still take. */
typedef struct TreeCopy {
        uid_t uid;
        gid_t gid;
        uint64_t deadline_usec;
        uint64_t bytes_left;
        unsigned entries_left;
} TreeCopy;

/* Copies what is in from_fd into to_fd, durably.  -E2BIG, -EFBIG, -ELOOP, -ETIMEDOUT beyond the
 * limits.  Neither folder may be open to others while it goes on. */
int tree_copy(TreeCopy *copy, int from_fd, int to_fd, unsigned depth);
/* Removes a folder and what is in it; never follows a link. */
int tree_remove(int dir_fd, const char *name);

/* Serves until a signal or, by hand, until the client is gone. */
int helper_serve(const Helper *helper, const BaseService *service, int signal_fd);
