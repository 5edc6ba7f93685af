/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What glibc and its callers rely on, one case an invocation: nss_contract CASE.  tests/nss/run
 * publishes 100 users first (and for "big" the big ones). */

#include <sys/mman.h>
#include <time.h>

#include "tests/nss/nss_tool.h"

#define COUNT 100U
#define AREA  16384U

static Module um;
static int err;

static void odd_arguments_are_answered(void) {
        struct passwd pw;
        struct group gr;
        char buf[1024];

        EXPECT(um.getpwnam("u1", &pw, NULL, 0, &err) == NSS_STATUS_TRYAGAIN && err == ERANGE);
        EXPECT(um.getpwuid(MKMAP_FIRST_ID, &pw, NULL, 0, &err) == NSS_STATUS_TRYAGAIN &&
               err == ERANGE);
        EXPECT(um.getgrnam("u1", &gr, NULL, 0, &err) == NSS_STATUS_TRYAGAIN && err == ERANGE);
        EXPECT(um.getgrgid(MKMAP_FIRST_ID, &gr, NULL, 0, &err) == NSS_STATUS_TRYAGAIN &&
               err == ERANGE);
        EXPECT(um.getpwent(&pw, NULL, 0, &err) == NSS_STATUS_TRYAGAIN && err == ERANGE);
        EXPECT(um.getgrent(&gr, buf, 0, &err) == NSS_STATUS_TRYAGAIN && err == ERANGE);
        EXPECT(um.getpwnam("nobody-has-it", &pw, NULL, 0, &err) == NSS_STATUS_NOTFOUND &&
               err == ENOENT);
        EXPECT(um.getpwnam("", &pw, buf, sizeof(buf), &err) == NSS_STATUS_NOTFOUND);
        EXPECT(um.getpwnam(NULL, &pw, buf, sizeof(buf), &err) == NSS_STATUS_NOTFOUND);
        EXPECT(um.getgrnam(NULL, &gr, buf, sizeof(buf), &err) == NSS_STATUS_NOTFOUND);
        EXPECT(um.endpwent() == NSS_STATUS_SUCCESS && um.endgrent() == NSS_STATUS_SUCCESS);
        EXPECT(um.endpwent() == NSS_STATUS_SUCCESS && um.setpwent(1) == NSS_STATUS_SUCCESS);
}

static void local_and_impossible_names_are_nobody(void) {
        static const char *const names[] = { "root",
                                             "um",
                                             "um-vault",
                                             "U1",
                                             "u1 ",
                                             "u1:",
                                             "0",
                                             "99",
                                             "0x1",
                                             "-",
                                             "u1\n",
                                             "\xc3\xbc",
                                             "a-name-that-is-longer-than-thirty-two-characters" };
        struct passwd pw;
        struct group gr;
        char buf[1024];

        for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
                EXPECT(um.getpwnam(names[i], &pw, buf, sizeof(buf), &err) == NSS_STATUS_NOTFOUND);
                EXPECT(um.getgrnam(names[i], &gr, buf, sizeof(buf), &err) == NSS_STATUS_NOTFOUND);
        }
        for (uint32_t id = 0; id < 70000; id += 7)
                EXPECT(um.getpwuid(id, &pw, buf, sizeof(buf), &err) == NSS_STATUS_NOTFOUND &&
                       err == ENOENT);
        EXPECT(um.getpwuid((uid_t)-1, &pw, buf, sizeof(buf), &err) == NSS_STATUS_NOTFOUND);
        EXPECT(um.getgrgid(0, &gr, buf, sizeof(buf), &err) == NSS_STATUS_NOTFOUND);
}

/* A user's name with anything before, within or behind it is not his. */
static void hostile_names_are_nobody(void) {
        static const char *const bits[] = { "\x01",
                                            "\n",
                                            "\r",
                                            "\x1b",
                                            "\x7f",
                                            "\x9b",
                                            "\xff",
                                            "\xc0\xaf",
                                            " ",
                                            "\xe2\x80\xae",
                                            "\xe2\x80\x8b",
                                            ":",
                                            "/",
                                            "..",
                                            "-",
                                            "+",
                                            "0",
                                            "0x",
                                            "*",
                                            "%n",
                                            "\\x00",
                                            "\xd1\x83",
                                            "U",
                                            "@" };
        struct passwd pw;
        struct group gr;
        char buf[1024], name[80], digits[16];
        unsigned asked = 0;

        for (size_t i = 0; i < sizeof(bits) / sizeof(bits[0]); i++)
                for (unsigned n = 100; n < 1000; n += 2) { /* of two digits: u10 to u99 */
                        snprintf(digits, sizeof(digits), "%u", n / 10);
                        (void)snprintf(name, sizeof(name), "%s%s%s%s%s", n % 3 == 0 ? bits[i] : "",
                                       "u", n % 3 == 1 ? bits[i] : "", digits,
                                       n % 3 == 2 ? bits[i] : "");
                        EXPECT(um.getpwnam(name, &pw, buf, sizeof(buf), &err) ==
                               NSS_STATUS_NOTFOUND);
                        EXPECT(um.getgrnam(name, &gr, buf, sizeof(buf), &err) ==
                               NSS_STATUS_NOTFOUND);
                        asked++;
                }
        EXPECT(asked > 10000);
        EXPECT(um.getpwnam("u99", &pw, buf, sizeof(buf), &err) == NSS_STATUS_SUCCESS);
        memset(name, 'u', sizeof(name)); /* and of any length */
        for (size_t len = 33; len < sizeof(name); len++) {
                name[len] = '\0';
                EXPECT(um.getpwnam(name, &pw, buf, sizeof(buf), &err) == NSS_STATUS_NOTFOUND);
                name[len] = 'u';
        }
}

/* ---- buffers --------------------------------------------------------------------------------- */

static char *area; /* AREA bytes between two pages that cannot be touched */

static void area_make(void) {
        char *all = mmap(NULL, AREA + 8192, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

        EXPECT(all != MAP_FAILED && mprotect(all + 4096, AREA, PROT_READ | PROT_WRITE) == 0);
        area = all + 4096;
}

static bool inside(const char *s, const char *buf, size_t len) {
        return s >= buf && s < buf + len && memchr(s, '\0', len - (size_t)(s - buf));
}

typedef enum nss_status (*Ask)(void *ret, char *buf, size_t len);

static enum nss_status ask_name(void *ret, char *buf, size_t len) {
        return um.getpwnam("u77", ret, buf, len, &err);
}

static enum nss_status ask_uid(void *ret, char *buf, size_t len) {
        return um.getpwuid(MKMAP_FIRST_ID + 7, ret, buf, len, &err);
}

static enum nss_status ask_group(void *ret, char *buf, size_t len) {
        return um.getgrnam("u76", ret, buf, len, &err);
}

static enum nss_status ask_gid(void *ret, char *buf, size_t len) {
        return um.getgrgid(MKMAP_FIRST_ID + 2, ret, buf, len, &err);
}

static enum nss_status ask_next_user(void *ret, char *buf, size_t len) {
        um.setpwent(0);
        return um.getpwent(ret, buf, len, &err);
}

static enum nss_status ask_next_group(void *ret, char *buf, size_t len) {
        um.setgrent(0);
        return um.getgrent(ret, buf, len, &err);
}

static void user_inside(const struct passwd *pw, const char *buf, size_t len) {
        EXPECT(inside(pw->pw_name, buf, len) && inside(pw->pw_passwd, buf, len) &&
               inside(pw->pw_gecos, buf, len) && inside(pw->pw_dir, buf, len) &&
               inside(pw->pw_shell, buf, len));
        EXPECT(user_is(pw, pw->pw_uid - MKMAP_FIRST_ID, "/bin/bash"));
}

static void group_inside(const struct group *gr, const char *buf, size_t len) {
        EXPECT(inside(gr->gr_name, buf, len) && inside(gr->gr_passwd, buf, len));
        EXPECT((uintptr_t)gr->gr_mem % _Alignof(char *) == 0);
        EXPECT((const char *)gr->gr_mem >= buf);
        for (char **member = gr->gr_mem; *member; member++) {
                EXPECT((const char *)(member + 2) <= buf + len);
                EXPECT(inside(*member, buf, len));
        }
        EXPECT(group_is(gr, gr->gr_gid - MKMAP_FIRST_ID));
}

/* One length, one end: the bytes around must stay as they were.  Returns whether it was enough. */
static bool buffer_fits(Ask ask, bool user, size_t len, size_t slack) {
        struct passwd pw;
        struct group gr;
        char *buf = area + AREA - slack - len;
        enum nss_status status;

        memset(buf - 16, 0x5a, 16);
        memset(buf + len, 0x5a, slack);
        err = 0;
        status = ask(user ? (void *)&pw : (void *)&gr, buf, len);
        for (int i = -16; i < 0; i++)
                EXPECT(buf[i] == 0x5a);
        for (size_t i = 0; i < slack; i++)
                EXPECT(buf[len + i] == 0x5a);
        if (status != NSS_STATUS_SUCCESS) {
                EXPECT(status == NSS_STATUS_TRYAGAIN && err == ERANGE);
                return false;
        }
        if (user)
                user_inside(&pw, buf, len);
        else
                group_inside(&gr, buf, len);
        return true;
}

static void every_buffer_is_filled_or_too_small(void) {
        static const struct {
                Ask ask;
                bool user;
        } rows[] = {
                { ask_name, true }, { ask_uid, true },       { ask_group, false },
                { ask_gid, false }, { ask_next_user, true }, { ask_next_group, false },
        };

        area_make();
        for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
                for (size_t slack = 0; slack < 16; slack++) {
                        size_t first = 0;

                        for (size_t len = 1; len <= 8192;
                             len += first && len > first + 64 ? 61 : 1) {
                                bool fits = buffer_fits(rows[i].ask, rows[i].user, len, slack);

                                EXPECT(fits || first == 0 || len < first + 8);
                                if (fits && first == 0)
                                        first = len;
                        }
                        EXPECT(first > 8 && first < 1024);
                }
}

static enum nss_status ask_anna(void *ret, char *buf, size_t len) {
        return um.getpwnam("anna", ret, buf, len, &err);
}

static enum nss_status ask_crew(void *ret, char *buf, size_t len) {
        return um.getgrgid(70001, ret, buf, len, &err);
}

/* The fake server's user and group: the same copying, from another place. */
static void answers_of_the_socket_fit_or_not_too(void) {
        struct passwd pw;
        struct group gr;

        area_make();
        for (size_t len = 1; len < 100; len += 3) {
                char *buf = area + AREA - len;
                enum nss_status user = ask_anna(&pw, buf, len), group = ask_crew(&gr, buf, len);

                EXPECT(user == (len < 40 ? NSS_STATUS_TRYAGAIN : NSS_STATUS_SUCCESS));
                EXPECT(group == NSS_STATUS_SUCCESS || (len < 48 && err == ERANGE));
                if (group == NSS_STATUS_SUCCESS)
                        EXPECT(strcmp(gr.gr_mem[1], "bert") == 0 && !gr.gr_mem[2]);
        }
}

static uint64_t now_usec(void) {
        struct timespec ts;

        clock_gettime(CLOCK_MONOTONIC, &ts);
        return (uint64_t)ts.tv_sec * 1000000 + (uint64_t)ts.tv_nsec / 1000;
}

/* Beside a server that is silent. */
static void one_wait_and_then_none(void) {
        uint64_t begin = now_usec(), first, all;
        struct passwd pw;
        char buf[1024];

        EXPECT(um.getpwnam("anna", &pw, buf, sizeof(buf), &err) == NSS_STATUS_UNAVAIL);
        EXPECT(err == ETIMEDOUT);
        first = now_usec() - begin;
        for (int i = 0; i < 100; i++) {
                EXPECT(um.getpwnam("anna", &pw, buf, sizeof(buf), &err) == NSS_STATUS_UNAVAIL);
                EXPECT(err == EHOSTDOWN);
        }
        all = now_usec() - begin;
        EXPECT(first >= 250000 && all < 2 * first);
}

/* ---- initgroups ------------------------------------------------------------------------------ */

static void groups_are_added_behind_those_there_are(void) {
        long start = 2, size = 2;
        gid_t *groups = malloc(2 * sizeof(*groups));

        EXPECT(groups);
        groups[0] = 1;
        groups[1] = MKMAP_FIRST_ID + 3;
        EXPECT(um.initgroups("u3", MKMAP_FIRST_ID + 3, &start, &size, &groups, -1, &err) ==
               NSS_STATUS_SUCCESS);
        EXPECT(start == 5 && size >= 5 && groups[0] == 1 && groups[1] == MKMAP_FIRST_ID + 3);
        for (uint32_t k = 1; k <= 3; k++)
                EXPECT(groups[1 + k] == MKMAP_FIRST_ID + 3 + k);
        EXPECT(um.initgroups("u2", 5, &start, &size, &groups, -1, &err) == NSS_STATUS_SUCCESS);
        EXPECT(start == 8 && groups[5] == MKMAP_FIRST_ID + 2); /* its own, as it is not "group" */
        EXPECT(um.initgroups("nobody-has-it", 5, &start, &size, &groups, -1, &err) ==
                       NSS_STATUS_NOTFOUND &&
               err == ENOENT && start == 8);
        EXPECT(um.initgroups("root", 0, &start, &size, &groups, -1, &err) == NSS_STATUS_NOTFOUND);
        free(groups);
}

static void a_limit_cuts(void) {
        for (long limit = 1; limit <= 6; limit++) {
                long start = 1, size = 1;
                gid_t *groups = malloc(sizeof(*groups));

                EXPECT(groups);
                EXPECT(um.initgroups("u3", MKMAP_FIRST_ID + 3, &start, &size, &groups, limit,
                                     &err) == NSS_STATUS_SUCCESS);
                EXPECT(start == (limit < 4 ? limit : 4) && size <= (limit < 4 ? 4 : limit));
                EXPECT(start <= limit && size <= limit);
                free(groups);
        }
}

static void big_groups_and_lists_come_whole_or_cut(void) {
        long start = 0, size = 4;
        gid_t *groups = malloc(4 * sizeof(*groups));
        struct group gr;
        size_t len = 64, count = 0;
        char *buf = NULL;

        EXPECT(groups);
        do { /* as callers grow their buffers */
                buf = realloc(buf, len *= 2);
                EXPECT(buf && len < 64U << 20);
        } while (um.getgrnam("all", &gr, buf, len, &err) == NSS_STATUS_TRYAGAIN && err == ERANGE);
        while (gr.gr_mem[count])
                count++;
        EXPECT(count == MKMAP_BIG_MEMBERS && strcmp(gr.gr_mem[count - 1], "m49999") == 0);
        EXPECT(um.initgroups("many", 1, &start, &size, &groups, 16, &err) == NSS_STATUS_SUCCESS);
        EXPECT(start == 16 && size == 16);
        start = 0;
        EXPECT(um.initgroups("many", 1, &start, &size, &groups, 0, &err) == NSS_STATUS_SUCCESS);
        EXPECT(start == MKMAP_BIG_GROUPS + 1 && groups[0] == MKMAP_BIG_ID);
        free(groups);
        free(buf);
}

/* ---- walks ----------------------------------------------------------------------------------- */

static unsigned users_walked(void) {
        struct passwd pw;
        char buf[1024];
        unsigned n = 0;

        while (um.getpwent(&pw, buf, sizeof(buf), &err) == NSS_STATUS_SUCCESS) {
                EXPECT(user_is(&pw, pw.pw_uid - MKMAP_FIRST_ID, "/bin/bash"));
                n++;
        }
        EXPECT(err == ENOENT);
        return n;
}

static void a_walk_gives_each_once_and_then_ends(void) {
        struct passwd pw;
        struct group gr;
        char buf[1024], small[4];
        unsigned n;

        EXPECT(users_walked() == COUNT);
        EXPECT(um.getpwent(&pw, buf, sizeof(buf), &err) == NSS_STATUS_NOTFOUND); /* and stays so */
        EXPECT(um.setpwent(0) == NSS_STATUS_SUCCESS && users_walked() == COUNT);
        um.endpwent();
        EXPECT(users_walked() == COUNT);
        um.setpwent(0);
        EXPECT(um.getpwent(&pw, small, sizeof(small), &err) == NSS_STATUS_TRYAGAIN);
        EXPECT(um.getpwent(&pw, small, sizeof(small), &err) == NSS_STATUS_TRYAGAIN);
        EXPECT(users_walked() == COUNT); /* the one that did not fit was not lost */
        for (n = 0; um.getgrent(&gr, buf, sizeof(buf), &err) == NSS_STATUS_SUCCESS; n++)
                EXPECT(group_is(&gr, gr.gr_gid - MKMAP_FIRST_ID));
        EXPECT(n == COUNT);
}

static void a_walk_shows_one_moment(void) {
        struct passwd pw;
        char buf[1024];

        EXPECT(um.getpwent(&pw, buf, sizeof(buf), &err) == NSS_STATUS_SUCCESS);
        republish("150 append");
        EXPECT(users_walked() == COUNT - 1);
        um.endpwent();
        EXPECT(users_walked() == 151);
        republish("100 silent");
        um.setpwent(0);
        EXPECT(users_walked() == 0);
        EXPECT(um.getpwnam("u1", &pw, buf, sizeof(buf), &err) == NSS_STATUS_SUCCESS);
        republish("100");
}

/* ---- the map's coming and going -------------------------------------------------------------- */

static void a_new_map_is_seen_at_the_next_lookup(void) {
        struct passwd pw;
        char buf[1024];

        for (unsigned i = 0; i < 50; i++) {
                const char *shell = i % 2 ? "/bin/sh" : "/bin/zsh";

                republish(i % 2 ? "100 shell=/bin/sh" : "100 shell=/bin/zsh append");
                EXPECT(um.getpwnam("u5", &pw, buf, sizeof(buf), &err) == NSS_STATUS_SUCCESS);
                EXPECT(user_is(&pw, 5, shell));
                EXPECT(um.getpwnam("u100", &pw, buf, sizeof(buf), &err) ==
                       (i % 2 ? NSS_STATUS_NOTFOUND : NSS_STATUS_SUCCESS));
        }
        republish("0 withdraw");
        EXPECT(um.getpwnam("u5", &pw, buf, sizeof(buf), &err) == NSS_STATUS_UNAVAIL &&
               err == ENOENT);
        EXPECT(um.getpwent(&pw, buf, sizeof(buf), &err) == NSS_STATUS_UNAVAIL);
        republish("100");
        EXPECT(um.getpwnam("u5", &pw, buf, sizeof(buf), &err) == NSS_STATUS_SUCCESS);
        republish("100 incomplete"); /* what it has counts, what it lacks is not known */
        EXPECT(um.getpwnam("u5", &pw, buf, sizeof(buf), &err) == NSS_STATUS_SUCCESS);
        EXPECT(um.getpwnam("u500", &pw, buf, sizeof(buf), &err) == NSS_STATUS_UNAVAIL);
        republish("100");
}

/* What one lookup says, for scripts: "1 u5 ..." or "0" or "-1 errno". */
static void status_say(const char *what, const char *key) {
        struct passwd pw;
        struct group gr;
        static char buf[1 << 20];
        enum nss_status status;

        if (strcmp(what, "user") == 0 || strcmp(what, "uid") == 0) {
                status = what[1] == 's' ? um.getpwnam(key, &pw, buf, sizeof(buf), &err)
                                        : um.getpwuid((uid_t)strtoul(key, NULL, 10), &pw, buf,
                                                      sizeof(buf), &err);
                if (status == NSS_STATUS_SUCCESS)
                        printf("1 %s:%s:%u:%u:%s:%s:%s\n", pw.pw_name, pw.pw_passwd, pw.pw_uid,
                               pw.pw_gid, pw.pw_gecos, pw.pw_dir, pw.pw_shell);
        } else if (strcmp(what, "groups") == 0) {
                long start = 0, size = 1;
                gid_t *groups = malloc(sizeof(*groups));

                status = um.initgroups(key, 1, &start, &size, &groups, -1, &err);
                if (status == NSS_STATUS_SUCCESS) {
                        printf("1");
                        for (long i = 0; i < start; i++)
                                printf(" %u", groups[i]);
                        printf("\n");
                }
                free(groups);
        } else {
                status = what[1] == 'r' ? um.getgrnam(key, &gr, buf, sizeof(buf), &err)
                                        : um.getgrgid((gid_t)strtoul(key, NULL, 10), &gr, buf,
                                                      sizeof(buf), &err);
                if (status == NSS_STATUS_SUCCESS) {
                        printf("1 %s:%s:%u:", gr.gr_name, gr.gr_passwd, gr.gr_gid);
                        for (char **member = gr.gr_mem; *member; member++)
                                printf("%s%s", member == gr.gr_mem ? "" : ",", *member);
                        printf("\n");
                }
        }
        if (status != NSS_STATUS_SUCCESS)
                printf("%d %s\n", (int)status, strerrorname_np(err));
}

/* For a trace: the first lookup, then many of all kinds, between calls that mark the places. */
static void lookups_between_marks(void) {
        gid_t list[64], *groups = list;
        struct passwd pw;
        struct group gr;
        char buf[1024];

        (void)getppid();
        EXPECT(um.getpwnam("u5", &pw, buf, sizeof(buf), &err) == NSS_STATUS_SUCCESS);
        (void)getppid();
        for (uint32_t i = 0; i < 1000; i++) {
                long start = 0, size = 64;

                EXPECT(um.getpwuid(MKMAP_FIRST_ID + i % COUNT, &pw, buf, sizeof(buf), &err) == 1);
                EXPECT(um.getgrgid(MKMAP_FIRST_ID + i % COUNT, &gr, buf, sizeof(buf), &err) == 1);
                EXPECT(um.getpwnam("nobody-has-it", &pw, buf, sizeof(buf), &err) == 0);
                EXPECT(um.initgroups("u3", 1, &start, &size, &groups, -1, &err) == 1);
        }
        (void)getppid();
}

int main(int argc, char **argv) {
        static const struct {
                const char *name;
                void (*run)(void);
        } cases[] = {
                { "odd-arguments", odd_arguments_are_answered },
                { "impossible-names", local_and_impossible_names_are_nobody },
                { "hostile-names", hostile_names_are_nobody },
                { "buffers", every_buffer_is_filled_or_too_small },
                { "initgroups", groups_are_added_behind_those_there_are },
                { "limit", a_limit_cuts },
                { "big", big_groups_and_lists_come_whole_or_cut },
                { "walk", a_walk_gives_each_once_and_then_ends },
                { "walk-moment", a_walk_shows_one_moment },
                { "republish", a_new_map_is_seen_at_the_next_lookup },
                { "socket-buffers", answers_of_the_socket_fit_or_not_too },
                { "pause", one_wait_and_then_none },
                { "marks", lookups_between_marks },
        };

        module_open(&um);
        if (argc == 4 && strcmp(argv[1], "status") == 0) {
                status_say(argv[2], argv[3]);
                return 0;
        }
        for (size_t i = 0; argc == 2 && i < sizeof(cases) / sizeof(cases[0]); i++)
                if (strcmp(argv[1], cases[i].name) == 0) {
                        cases[i].run();
                        return 0;
                }
        return 2;
}
