/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Whose processes run: ids in use that no file names, of containers for example.
 *
 * Reads /proc as far as it is shown (ProtectProc=invisible shows umd's own only): what is not seen
 * is not held, and the other checks stand. */

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/base.h"
#include "umd/host.h"

#define PROCESS_STATUS_BYTES 2048 /* Uid and Gid stand within the first few hundred */
#define PROCESS_IDS          4

typedef struct Ids {
        uint32_t *ids;
        size_t count, allocated;
} Ids;

static int ids_add(Ids *ids, uint32_t id) {
        if (ids->count > 0 && ids->ids[ids->count - 1] == id)
                return 0;
        if (ids->count == ids->allocated) {
                size_t more = ids->allocated > 0 ? ids->allocated * 2 : 256;
                uint32_t *grown = reallocarray(ids->ids, more, sizeof(*grown));

                if (!grown)
                        return -ENOMEM;
                ids->ids = grown;
                ids->allocated = more;
        }
        ids->ids[ids->count++] = id;
        return 0;
}

/* "\nUid:\t1000\t1000\t1000\t1000\n": real, effective, saved, file system.  Writes into status. */
static int line_add(Ids *ids, char *status, const char *key) {
        char *at = strstr(status, key), *rest = at ? at + strlen(key) : NULL;
        int r = 0;

        for (size_t i = 0; r >= 0 && rest && i < PROCESS_IDS; i++) {
                const char *word = strsep(&rest, "\t\n");
                uint64_t id;

                if (word && base_parse_u64(word, 0, UINT32_MAX, &id) >= 0)
                        r = ids_add(ids, (uint32_t)id);
        }
        return r;
}

static int process_add(Ids *ids, int proc_fd, const char *pid) {
        char path[32], status[PROCESS_STATUS_BYTES];
        _cleanup_close_ int fd = -1;
        ssize_t n;
        int r;

        if (snprintf(path, sizeof(path), "%s/status", pid) >= (int)sizeof(path))
                return 0;
        fd = openat(proc_fd, path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
        n = fd < 0 ? -1 : read(fd, status, sizeof(status) - 1);
        if (n <= 0)
                return 0; /* it ended */
        status[n] = '\0';
        r = line_add(ids, status, "\nGid:\t"); /* stands behind Uid, and is cut up */
        return r < 0 ? r : line_add(ids, status, "\nUid:\t");
}

int host_process_ids(const char *proc, uint32_t **ret, size_t *ret_count) {
        DIR *dir = opendir(proc);
        const struct dirent *entry;
        Ids ids = { 0 };
        int r = 0;

        if (!dir)
                return -errno;
        while (r >= 0 && (entry = readdir(dir)))
                if (entry->d_name[0] >= '1' && entry->d_name[0] <= '9')
                        r = process_add(&ids, dirfd(dir), entry->d_name);
        closedir(dir);
        if (r < 0) {
                free(ids.ids);
                return r;
        }
        *ret = ids.ids;
        *ret_count = ids.count;
        return 0;
}
