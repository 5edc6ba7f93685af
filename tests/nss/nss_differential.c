/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The same users in the map and in /etc/passwd and /etc/group: nss_um and glibc's nss_files must
 * give the same structs, statuses and errno.  nss_differential COUNT-OF-USERS QUERIES [SEED]. */

#include "tests/nss/nss_tool.h"

static uint64_t state;

static uint32_t random_below(uint32_t n) {
        state = state * 6364136223846793005U + 1442695040888963407U;
        return (uint32_t)((state >> 33) % n);
}

static uint32_t user_count;

/* Mostly somebody, often nobody, sometimes nonsense. */
static const char *random_name(char *buf, size_t size) {
        uint32_t kind = random_below(20);

        if (kind == 0)
                snprintf(buf, size, "u%u ", random_below(user_count));
        else if (kind == 1)
                snprintf(buf, size, "U%u", random_below(user_count));
        else if (kind == 2)
                snprintf(buf, size, "%u", MKMAP_FIRST_ID + random_below(user_count));
        else
                snprintf(buf, size, "u%u", random_below(user_count * 3 / 2));
        return buf;
}

/* nss_files needs more room than the result takes: either far too little, or enough. */
static size_t random_size(size_t enough) {
        return random_below(8) == 0 ? random_below(8) : enough;
}

static void users_equal(const struct passwd *a, const struct passwd *b) {
        EXPECT(strcmp(a->pw_name, b->pw_name) == 0 && strcmp(a->pw_passwd, b->pw_passwd) == 0);
        EXPECT(a->pw_uid == b->pw_uid && a->pw_gid == b->pw_gid);
        EXPECT(strcmp(a->pw_gecos, b->pw_gecos) == 0 && strcmp(a->pw_dir, b->pw_dir) == 0);
        EXPECT(strcmp(a->pw_shell, b->pw_shell) == 0);
}

static void groups_equal(const struct group *a, const struct group *b) {
        size_t i;

        EXPECT(strcmp(a->gr_name, b->gr_name) == 0 && strcmp(a->gr_passwd, b->gr_passwd) == 0);
        EXPECT(a->gr_gid == b->gr_gid);
        for (i = 0; a->gr_mem[i] && b->gr_mem[i]; i++)
                EXPECT(strcmp(a->gr_mem[i], b->gr_mem[i]) == 0);
        EXPECT(!a->gr_mem[i] && !b->gr_mem[i]);
}

/* With NOTFOUND files leaves errno alone and um says ENOENT, as glibc's manual proposes; glibc sets
 * 0 for its callers either way. */
static bool errno_equal(enum nss_status status, int um_errno, int files_errno) {
        return status == NSS_STATUS_SUCCESS || status == NSS_STATUS_NOTFOUND ||
               um_errno == files_errno;
}

static void user_compared(const Module *um, const Module *files) {
        char um_buf[2048], files_buf[2048], name[64];
        size_t size = random_size(sizeof(um_buf));
        struct passwd um_pw, files_pw;
        enum nss_status um_status, files_status;
        int um_errno = 0, files_errno = 0;

        if (random_below(2)) {
                random_name(name, sizeof(name));
                um_status = um->getpwnam(name, &um_pw, um_buf, size, &um_errno);
                files_status = files->getpwnam(name, &files_pw, files_buf, size, &files_errno);
        } else {
                uid_t uid = MKMAP_FIRST_ID + random_below(user_count * 3 / 2);

                um_status = um->getpwuid(uid, &um_pw, um_buf, size, &um_errno);
                files_status = files->getpwuid(uid, &files_pw, files_buf, size, &files_errno);
        }
        if (files_status == NSS_STATUS_TRYAGAIN && um_status == NSS_STATUS_NOTFOUND)
                return; /* files wants room for each line it passes; um knows at once */
        EXPECT(um_status == files_status && errno_equal(um_status, um_errno, files_errno));
        if (um_status == NSS_STATUS_SUCCESS)
                users_equal(&um_pw, &files_pw);
}

static void group_compared(const Module *um, const Module *files) {
        char um_buf[2048], files_buf[2048], name[64];
        size_t size = random_size(sizeof(um_buf));
        struct group um_gr, files_gr;
        enum nss_status um_status, files_status;
        int um_errno = 0, files_errno = 0;

        if (random_below(2)) {
                random_name(name, sizeof(name));
                um_status = um->getgrnam(name, &um_gr, um_buf, size, &um_errno);
                files_status = files->getgrnam(name, &files_gr, files_buf, size, &files_errno);
        } else {
                gid_t gid = MKMAP_FIRST_ID + random_below(user_count * 3 / 2);

                um_status = um->getgrgid(gid, &um_gr, um_buf, size, &um_errno);
                files_status = files->getgrgid(gid, &files_gr, files_buf, size, &files_errno);
        }
        if (files_status == NSS_STATUS_TRYAGAIN && um_status == NSS_STATUS_NOTFOUND)
                return;
        EXPECT(um_status == files_status && errno_equal(um_status, um_errno, files_errno));
        if (um_status == NSS_STATUS_SUCCESS)
                groups_equal(&um_gr, &files_gr);
}

static int gid_compare(const void *a, const void *b) {
        gid_t x = *(const gid_t *)a, y = *(const gid_t *)b;

        return (x > y) - (x < y);
}

/* Order and status are each source's own (files says NOTFOUND for a user without supplementary
 * groups); the set is compared. */
static void lists_compared(const Module *um, const Module *files) {
        long um_start = 1, files_start = 1, um_size = 4, files_size = 4;
        gid_t *um_list = malloc(4 * sizeof(gid_t)), *files_list = malloc(4 * sizeof(gid_t));
        uint32_t n = random_below(user_count - 4);
        enum nss_status files_status;
        char name[32];
        int err;

        EXPECT(um_list && files_list);
        snprintf(name, sizeof(name), "u%u", n);
        um_list[0] = files_list[0] = MKMAP_FIRST_ID + n;
        EXPECT(um->initgroups(name, um_list[0], &um_start, &um_size, &um_list, -1, &err) == 1);
        files_status = files->initgroups(name, files_list[0], &files_start, &files_size,
                                         &files_list, -1, &err);
        EXPECT(files_status == NSS_STATUS_SUCCESS || files_status == NSS_STATUS_NOTFOUND);
        qsort(um_list, (size_t)um_start, sizeof(gid_t), gid_compare);
        qsort(files_list, (size_t)files_start, sizeof(gid_t), gid_compare);
        EXPECT(um_start == files_start);
        EXPECT(memcmp(um_list, files_list, (size_t)um_start * sizeof(gid_t)) == 0);
        free(um_list);
        free(files_list);
}

static void walks_compared(const Module *um, const Module *files) {
        char um_buf[2048], files_buf[2048];
        struct passwd um_pw, files_pw;
        struct group um_gr, files_gr;
        enum nss_status status;
        int err;

        files->setpwent(0);
        do {
                status = files->getpwent(&files_pw, files_buf, sizeof(files_buf), &err);
                EXPECT(um->getpwent(&um_pw, um_buf, sizeof(um_buf), &err) == status);
                if (status == NSS_STATUS_SUCCESS)
                        users_equal(&um_pw, &files_pw);
        } while (status == NSS_STATUS_SUCCESS);
        files->setgrent(0);
        do {
                status = files->getgrent(&files_gr, files_buf, sizeof(files_buf), &err);
                EXPECT(um->getgrent(&um_gr, um_buf, sizeof(um_buf), &err) == status);
                if (status == NSS_STATUS_SUCCESS)
                        groups_equal(&um_gr, &files_gr);
        } while (status == NSS_STATUS_SUCCESS);
}

int main(int argc, char **argv) {
        unsigned long queries;
        Module um, files;

        if (argc < 3)
                return 2;
        user_count = (uint32_t)strtoul(argv[1], NULL, 10);
        queries = strtoul(argv[2], NULL, 10);
        state = argc > 3 ? strtoul(argv[3], NULL, 10) : 1;
        module_open(&um);
        module_symbols(NULL, "files", &files);
        for (unsigned long i = 0; i < queries; i++)
                switch (random_below(5)) {
                case 0:
                case 1:
                        user_compared(&um, &files);
                        break;
                case 2:
                case 3:
                        group_compared(&um, &files);
                        break;
                default:
                        lists_compared(&um, &files);
                }
        walks_compared(&um, &files);
        return 0;
}
