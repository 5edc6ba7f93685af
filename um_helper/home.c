/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Making a home: whole and once, or not at all.
 *
 * It is built beside its final place under a name nobody knows, closed to all but root, and renamed
 * into place by the one call that refuses to replace anything.  The caller gives a uid; the path is
 * the map's, and is believed only below a home root, through folders that are root's alone.  What
 * stands at the final place is never touched: not its owner, not its mode. */

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/base.h"
#include "map/map.h"
#include "um_helper/helper.h"

#define LEFTOVER_NAME_MAX (sizeof(HELPER_LEFTOVER_PREFIX) + 10 + 1 + 16)

typedef struct HomeOwner {
        uid_t uid;
        gid_t gid;
        char home[BASE_PATH_MAX + 1];
} HomeOwner;

/* Walks part by part instead of calling openat2(2): a unit with RestrictSUIDSGID= has no openat2,
 * since a filter cannot look into its argument. */
int helper_open_beneath(int dir_fd, const char *path, int flags) {
        _cleanup_close_ int at = -1;

        if (path[0] == '/')
                return -EXDEV;
        for (;;) {
                size_t len = strcspn(path, "/");
                bool last = path[len] == '\0';
                char part[NAME_MAX + 1];
                int next;

                if (len == 0 || len > NAME_MAX)
                        return -EINVAL;
                memcpy(part, path, len);
                part[len] = '\0';
                if (strcmp(part, "..") == 0)
                        return -EXDEV;
                next = openat(at >= 0 ? at : dir_fd, part,
                              O_NOFOLLOW | O_CLOEXEC | (last ? flags : O_PATH | O_DIRECTORY));
                if (next < 0)
                        return -errno;
                if (last)
                        return next;
                base_close(at);
                at = next;
                path += len + 1;
        }
}

bool helper_uid_is_ours(const Helper *helper, uid_t uid) {
        char holder[2];

        return !base_id_reserved(uid) &&
               base_local_find_id(helper->passwd_path, uid, holder, sizeof(holder)) == 0;
}

/* ---- whose, and where ------------------------------------------------------------------------ */

/* What the map says of him, checked again: whoever wrote it is not root. */
static int owner_take(const MapUser *user, HomeOwner *ret) {
        const char *home = user->strings + user->home_at;
        size_t name_len = strnlen(user->strings, user->strings_bytes), home_len;

        if (user->home_at >= user->strings_bytes || base_id_reserved(user->gid) ||
            base_field_check(FIELD_USER_NAME, user->strings, name_len) != FIELD_OK)
                return HELPER_NO_USER;
        home_len = strnlen(home, user->strings_bytes - user->home_at);
        if (base_field_check(FIELD_HOME, home, home_len) != FIELD_OK)
                return HELPER_REFUSED;
        ret->uid = user->uid;
        ret->gid = user->gid;
        memcpy(ret->home, home, home_len);
        ret->home[home_len] = '\0';
        return HELPER_OK;
}

static int owner_find(const Helper *helper, uid_t uid, HomeOwner *ret) {
        _cleanup_(map_close) MapView view = { 0 };
        MapUser user;
        int r;

        if (!helper_uid_is_ours(helper, uid))
                return HELPER_NO_USER;
        r = map_open(helper->map_path, &view);
        if (r < 0)
                return r;
        r = map_user_by_uid(&view, uid, &user);
        if (r < 0)
                return r;
        return r == 0 || user.uid != uid ? HELPER_NO_USER : owner_take(&user, ret);
}

/* The home's path below one of the roots, or NULL. */
static const char *path_below_root(const Helper *helper, const char *home, const char **ret_root) {
        for (size_t i = 0; i < helper->home_root_count; i++) {
                size_t len = strlen(helper->home_roots[i]);

                if (strncmp(home, helper->home_roots[i], len) == 0 && home[len] == '/') {
                        *ret_root = helper->home_roots[i];
                        return home + len + 1;
                }
        }
        return NULL;
}

/* Is it root's, and nobody else's to write in?  Who owns one on the way may put another in the
 * place of what is below it. */
static int folder_check(int fd) {
        struct stat st;

        if (fstat(fd, &st) < 0)
                return -errno;
        return st.st_uid != 0 || (st.st_mode & (S_IWGRP | S_IWOTH)) != 0 ? HELPER_REFUSED
                                                                         : HELPER_OK;
}

/* Goes from the root, which it takes, through each folder of the path. */
static int folders_walk(int root_fd, const char *path, size_t path_len, int *ret_fd) {
        _cleanup_close_ int at = root_fd;
        int r = folder_check(at);

        for (size_t len; r == HELPER_OK && path_len > 0; path += len, path_len -= len) {
                char part[NAME_MAX + 1];
                int next;

                len = strcspn(path, "/");
                if (len > NAME_MAX)
                        return HELPER_REFUSED;
                memcpy(part, path, len);
                part[len] = '\0';
                next = helper_open_beneath(at, part, O_RDONLY | O_DIRECTORY);
                if (next < 0)
                        return next;
                base_close(at);
                at = next;
                r = folder_check(at);
                len += len < path_len; /* the slash */
        }
        if (r == HELPER_OK)
                *ret_fd = base_take_fd(&at);
        return r;
}

/* Opens the folder the home is to stand in; ret_name points into home. */
static int parent_open(const Helper *helper, const char *home, int *ret_fd, const char **ret_name) {
        const char *root = NULL, *below = path_below_root(helper, home, &root), *slash;
        int root_fd, r;

        slash = below ? strrchr(below, '/') : NULL;
        *ret_name = slash ? slash + 1 : below;
        if (!below ||
            strncmp(*ret_name, HELPER_LEFTOVER_PREFIX, strlen(HELPER_LEFTOVER_PREFIX)) == 0)
                return HELPER_REFUSED;
        root_fd = open(root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (root_fd < 0)
                return errno == ENOENT || errno == ENOTDIR ? HELPER_REFUSED : -errno;
        r = folders_walk(root_fd, below, slash ? (size_t)(slash - below) : 0, ret_fd);
        return r == -ENOENT || r == -ENOTDIR || r == -ELOOP || r == -EXDEV ? HELPER_REFUSED : r;
}

/* HELPER_EXISTS, HELPER_FOREIGN, or HELPER_OK where nothing is there. */
static int place_look(int parent_fd, const char *name, uid_t uid) {
        struct stat st;

        if (fstatat(parent_fd, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
                return errno == ENOENT ? HELPER_OK : -errno;
        return S_ISDIR(st.st_mode) && st.st_uid == uid ? HELPER_EXISTS : HELPER_FOREIGN;
}

/* ---- what a crash left ----------------------------------------------------------------------- */

static bool is_leftover(int parent_fd, const char *name, uint64_t now_usec) {
        struct stat st;
        uint64_t changed_usec;

        if (strncmp(name, HELPER_LEFTOVER_PREFIX, strlen(HELPER_LEFTOVER_PREFIX)) != 0 ||
            fstatat(parent_fd, name, &st, AT_SYMLINK_NOFOLLOW) < 0 || !S_ISDIR(st.st_mode) ||
            st.st_uid != 0 || st.st_mtim.tv_sec < 0)
                return false;
        changed_usec = (uint64_t)st.st_mtim.tv_sec * USEC_PER_SEC;
        return now_usec > changed_usec && now_usec - changed_usec > HELPER_LEFTOVER_USEC;
}

/* Best effort: a new home does not wait for an old one's rest. */
static void leftovers_remove(int parent_fd) {
        int own = openat(parent_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        DIR *dir = own >= 0 ? fdopendir(own) : NULL;
        uint64_t now_usec = base_realtime_usec();
        const struct dirent *entry;

        if (!dir) {
                base_close(own);
                return;
        }
        while ((entry = readdir(dir)))
                if (is_leftover(parent_fd, entry->d_name, now_usec))
                        (void)tree_remove(parent_fd, entry->d_name);
        closedir(dir);
}

/* ---- building -------------------------------------------------------------------------------- */

static int skeleton_copy(const Helper *helper, const HomeOwner *owner, int home_fd,
                         uint64_t deadline_usec) {
        _cleanup_close_ int fd = open(helper->skeleton, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        TreeCopy copy = {
                .uid = owner->uid,
                .gid = owner->gid,
                .deadline_usec = deadline_usec,
                .bytes_left = HELPER_SKELETON_BYTES,
                .entries_left = HELPER_SKELETON_COUNT,
        };

        if (fd < 0)
                return errno == ENOENT ? 0 : -errno; /* no skeleton: an empty home */
        return tree_copy(&copy, fd, home_fd, 0);
}

static int home_fill(const Helper *helper, const HomeOwner *owner, int parent_fd,
                     const char *unfinished, uint64_t deadline_usec) {
        _cleanup_close_ int fd =
                openat(parent_fd, unfinished, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
        int r;

        if (fd < 0)
                return -errno;
        r = skeleton_copy(helper, owner, fd, deadline_usec);
        if (r < 0)
                return r;
        if (fchown(fd, owner->uid, owner->gid) < 0 || fsync(fd) < 0)
                return -errno;
        return 0;
}

static int home_build(const Helper *helper, const HomeOwner *owner, int parent_fd, const char *name,
                      uint64_t deadline_usec) {
        char unfinished[LEFTOVER_NAME_MAX];
        uint64_t number;
        int r;

        r = base_random(&number, sizeof(number));
        if (r < 0)
                return r;
        snprintf(unfinished, sizeof(unfinished), HELPER_LEFTOVER_PREFIX "%u.%016llx", owner->uid,
                 (unsigned long long)number);
        if (mkdirat(parent_fd, unfinished, 0700) < 0)
                return -errno;
        r = home_fill(helper, owner, parent_fd, unfinished, deadline_usec);
        if (r >= 0 && renameat2(parent_fd, unfinished, parent_fd, name, RENAME_NOREPLACE) < 0)
                r = -errno;
        if (r < 0) {
                (void)tree_remove(parent_fd, unfinished);
                return r;
        }
        return fsync(parent_fd) < 0 ? -errno : HELPER_OK;
}

int helper_home_make(const Helper *helper, uid_t uid, uint64_t deadline_usec) {
        _cleanup_close_ int parent_fd = -1;
        HomeOwner owner;
        const char *name;
        int r;

        r = owner_find(helper, uid, &owner);
        if (r == HELPER_OK)
                r = parent_open(helper, owner.home, &parent_fd, &name);
        if (r == HELPER_OK)
                r = place_look(parent_fd, name, uid);
        if (r != HELPER_OK)
                return r;
        leftovers_remove(parent_fd);
        r = home_build(helper, &owner, parent_fd, name, deadline_usec);
        if (r != -EEXIST)
                return r;
        r = place_look(parent_fd, name, uid); /* somebody was faster */
        return r == HELPER_OK ? -EEXIST : r;
}
