/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* One of /etc/passwd and /etc/group as sorted names, ids and homes, so that a question costs a
 * binary search, and what changed between two readings.
 *
 * Lines that base_local_parse() does not take are nobody's, here as in libnss_um. */

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/base.h"
#include "umd/host.h"

#define FILE_MAX_BYTES (256LL * 1024 * 1024)
#define SEEN_BITS      4096U

#define FIRST_USER 1000U
#define NOBODY     65534U
#define NO_HOME    "/nonexistent" /* the home of those who have none, also um's */

typedef struct Local {
        const char *name, *home; /* home: NULL where it is not one to keep away from */
        uint32_t id;
} Local;

struct HostList {
        char *path;
        bool absent;
        struct stat st;
        size_t count, allocated;
        size_t home_count;
        Local *by_name, *by_id, *by_home; /* by_name owns the texts */
        uint64_t
                seen[SEEN_BITS / 64]; /* a bit for each name's hash: most names are nobody's here */
};

static unsigned seen_bit(const char *name) {
        uint32_t hash = 2166136261U; /* FNV-1a */

        for (; *name; name++)
                hash = (hash ^ (unsigned char)*name) * 16777619U;
        return (hash ^ hash >> 16) % SEEN_BITS;
}

HostList *host_list_free(HostList *list) {
        if (!list)
                return NULL;
        for (size_t i = 0; list->by_name && i < list->count; i++) {
                free((char *)(uintptr_t)list->by_name[i].name);
                free((char *)(uintptr_t)list->by_name[i].home);
        }
        free(list->by_name);
        free(list->by_id);
        free(list->by_home);
        free(list->path);
        free(list);
        return NULL;
}

static int local_compare_name(const void *a, const void *b) {
        return strcmp(((const Local *)a)->name, ((const Local *)b)->name);
}

static int local_compare_id(const void *a, const void *b) {
        uint32_t x = ((const Local *)a)->id, y = ((const Local *)b)->id;

        return x < y ? -1 : x > y;
}

static int local_compare_home(const void *a, const void *b) {
        return strcmp(((const Local *)a)->home, ((const Local *)b)->home);
}

/* The sixth field of a line of /etc/passwd, without slashes at its end, where the id is a person's:
 * system accounts share folders like / and /bin.  0 where there is none. */
static int home_parse(const char *line, size_t len, uint32_t id, char **ret) {
        const char *at = line, *end = line + len, *behind;

        if ((id > 0 && id < FIRST_USER) || id == NOBODY)
                return 0;
        for (int field = 0; field < 5; field++) {
                at = memchr(at, ':', (size_t)(end - at));
                if (!at)
                        return 0;
                at++;
        }
        behind = memchr(at, ':', (size_t)(end - at));
        end = behind ? behind : end;
        while (end > at + 1 && end[-1] == '/')
                end--;
        if (end == at ||
            ((size_t)(end - at) == strlen(NO_HOME) && memcmp(at, NO_HOME, strlen(NO_HOME)) == 0))
                return 0;
        *ret = strndup(at, (size_t)(end - at));
        return *ret ? 0 : -ENOMEM;
}

static int line_add(HostList *list, const char *line, size_t len) {
        const char *name;
        size_t name_len;
        char *copy, *home = NULL;
        uint32_t id;
        int r;

        while (len > 0 && (*line == ' ' || *line == '\t')) { /* as nss_files does */
                line++;
                len--;
        }
        if (!base_local_parse(line, len, &name, &name_len, &id))
                return 0;
        if (list->count == list->allocated) {
                size_t more = list->allocated > 0 ? list->allocated * 2 : 64;
                Local *grown = reallocarray(list->by_name, more, sizeof(*grown));

                if (!grown)
                        return -ENOMEM;
                list->by_name = grown;
                list->allocated = more;
        }
        r = home_parse(line, len, id, &home);
        if (r < 0)
                return r;
        copy = strndup(name, name_len);
        if (!copy) {
                free(home);
                return -ENOMEM;
        }
        list->by_name[list->count++] = (Local){ .name = copy, .home = home, .id = id };
        list->home_count += home != NULL;
        list->seen[seen_bit(copy) / 64] |= (uint64_t)1 << seen_bit(copy) % 64;
        return 0;
}

static int lines_read(HostList *list, FILE *f) {
        _cleanup_free_ char *line = NULL;
        size_t size = 0;
        ssize_t len;
        int r = 0;

        errno = 0;
        while (r >= 0 && (len = getline(&line, &size, f)) >= 0) {
                if (len > 0 && line[len - 1] == '\n')
                        len--;
                r = line_add(list, line, (size_t)len);
                errno = 0;
        }
        if (r >= 0 && (ferror(f) || errno == ENOMEM))
                r = errno > 0 ? -errno : -EIO;
        return r;
}

static int list_sort(HostList *list) {
        size_t home = 0;

        list->by_id = calloc(list->count + 1, sizeof(*list->by_id));
        list->by_home = calloc(list->home_count + 1, sizeof(*list->by_home));
        if (!list->by_id || !list->by_home)
                return -ENOMEM;
        if (list->count == 0)
                return 0;
        for (size_t i = 0; i < list->count; i++)
                if (list->by_name[i].home)
                        list->by_home[home++] = list->by_name[i];
        qsort(list->by_home, list->home_count, sizeof(*list->by_home), local_compare_home);
        memcpy(list->by_id, list->by_name, list->count * sizeof(*list->by_id));
        qsort(list->by_name, list->count, sizeof(*list->by_name), local_compare_name);
        qsort(list->by_id, list->count, sizeof(*list->by_id), local_compare_id);
        return 0;
}

/* Symbolic links are followed: some systems keep /etc/passwd behind one, and only root makes it. */
static int file_read(HostList *list) {
        FILE *f = fopen(list->path, "re");
        int r;

        if (!f) {
                list->absent = errno == ENOENT;
                return list->absent ? 0 : -errno;
        }
        r = fstat(fileno(f), &list->st) < 0            ? -errno
            : !S_ISREG(list->st.st_mode)               ? -EBADFD
            : list->st.st_size > (off_t)FILE_MAX_BYTES ? -EFBIG
                                                       : lines_read(list, f);
        fclose(f);
        return r;
}

int host_list_read(const char *path, HostList **ret) {
        _cleanup_(host_list_freep) HostList *list = calloc(1, sizeof(*list));
        int r;

        if (!list)
                return -ENOMEM;
        list->path = strdup(path);
        if (!list->path)
                return -ENOMEM;
        r = file_read(list);
        if (r >= 0)
                r = list_sort(list);
        if (r < 0)
                return r;
        *ret = TAKE(list);
        return 0;
}

bool host_list_is_absent(const HostList *list) {
        return list->absent;
}

bool host_list_is_current(const HostList *list) {
        struct stat st;

        if (stat(list->path, &st) < 0)
                return list->absent && errno == ENOENT;
        return !list->absent && st.st_dev == list->st.st_dev && st.st_ino == list->st.st_ino &&
               st.st_size == list->st.st_size && st.st_mtim.tv_sec == list->st.st_mtim.tv_sec &&
               st.st_mtim.tv_nsec == list->st.st_mtim.tv_nsec;
}

bool host_list_has_name(const HostList *list, const char *name) {
        Local key = { .name = name };
        unsigned bit = seen_bit(name);

        return list->seen[bit / 64] >> bit % 64 & 1 &&
               bsearch(&key, list->by_name, list->count, sizeof(key), local_compare_name);
}

bool host_list_id_of(const HostList *list, const char *name, uint32_t *ret) {
        Local key = { .name = name };
        const Local *found = NULL, *end = list->by_name + list->count;

        if (list->count > 0)
                found = bsearch(&key, list->by_name, list->count, sizeof(key), local_compare_name);
        if (!found)
                return false;
        while (found > list->by_name && strcmp(found[-1].name, name) == 0)
                found--;
        *ret = found->id;
        for (found++; found < end && strcmp(found->name, name) == 0; found++)
                if (found->id != *ret)
                        return false;
        return true;
}

const char *host_list_name_at(const HostList *list, size_t at) {
        return at < list->count ? list->by_name[at].name : NULL;
}

const char *host_list_name_of(const HostList *list, uint32_t id) {
        Local key = { .id = id };
        const Local *found;

        if (list->count == 0 || id < list->by_id[0].id || id > list->by_id[list->count - 1].id)
                return NULL;
        found = bsearch(&key, list->by_id, list->count, sizeof(key), local_compare_id);
        return found ? found->name : NULL;
}

const char *host_list_owner_of(const HostList *list, const char *home) {
        Local key = { .home = home };
        const Local *found;

        if (list->home_count == 0)
                return NULL;
        found = bsearch(&key, list->by_home, list->home_count, sizeof(key), local_compare_home);
        return found ? found->name : NULL;
}

/* ---- what changed ---------------------------------------------------------------------------- */

typedef struct Diff {
        HostDiff diff;
        const char **names;
        uint32_t *ids;
} Diff;

HostDiff *host_diff_free(HostDiff *diff) {
        Diff *whole = (Diff *)diff; /* its first member */

        if (!whole)
                return NULL;
        free(whole->names);
        free(whole->ids);
        free(whole);
        return NULL;
}

/* What a has and b has not; a name also where it has another id there. */
static void diff_collect(Diff *whole, const HostList *a, const HostList *b) {
        for (size_t i = 0; i < a->count; i++) {
                uint32_t id;

                if (!host_list_id_of(b, a->by_name[i].name, &id) || id != a->by_name[i].id)
                        whole->names[whole->diff.name_count++] = a->by_name[i].name;
                if (!host_list_name_of(b, a->by_id[i].id))
                        whole->ids[whole->diff.id_count++] = a->by_id[i].id;
        }
}

int host_diff_new(const HostList *before, const HostList *after, HostDiff **ret) {
        Diff *whole = calloc(1, sizeof(*whole));
        HostDiff *diff = whole ? &whole->diff : NULL;
        size_t most = before->count + after->count + 1;

        if (!whole)
                return -ENOMEM;
        whole->names = calloc(most, sizeof(*whole->names));
        whole->ids = calloc(most, sizeof(*whole->ids));
        if (!whole->names || !whole->ids) {
                host_diff_free(diff);
                return -ENOMEM;
        }
        diff_collect(whole, before, after);
        diff_collect(whole, after, before);
        diff->names = whole->names;
        diff->ids = whole->ids;
        *ret = diff;
        return 0;
}
