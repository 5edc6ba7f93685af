/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* When sshd's settings are taken for verifying the users of security keys: what says so in a way
 * that nothing contradicts, and has been read by sshd.  Everything else is a no with a why. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/base.h"
#include "umd/umd.h"

#define VERIFY "PubkeyAuthOptions verify-required\n"

typedef struct Rig {
        char dir[40], config[64], folder[64], pid[64], why[SSHD_WHY_MAX];
} Rig;

static void file_put(const Rig *rig, const char *name, const void *text, size_t len) {
        char path[160];
        _cleanup_close_ int fd = -1;

        snprintf(path, sizeof(path), "%s/%s", rig->dir, name);
        fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
        assert_true(fd >= 0 && write(fd, text, len) == (ssize_t)len);
}

/* sshd has read its settings, so many seconds from now. */
static void sshd_reads(const Rig *rig, time_t later) {
        struct timespec times[2];

        file_put(rig, "pid", "1\n", 2);
        clock_gettime(CLOCK_REALTIME, &times[0]);
        times[0].tv_sec += later;
        times[1] = times[0];
        assert_int_equal(utimensat(AT_FDCWD, rig->pid, times, 0), 0);
}

/* What is written from now on is later than all before: the kernel's clock for files has ticks. */
static void tick(void) {
        struct timespec before, now;

        clock_gettime(CLOCK_REALTIME_COARSE, &before);
        do
                clock_gettime(CLOCK_REALTIME_COARSE, &now);
        while (now.tv_sec == before.tv_sec && now.tv_nsec == before.tv_nsec);
}

static int setup(void **state) {
        Rig *rig = calloc(1, sizeof(*rig));

        snprintf(rig->dir, sizeof(rig->dir), "/tmp/um-test-sshd-XXXXXX");
        assert_non_null(mkdtemp(rig->dir));
        snprintf(rig->config, sizeof(rig->config), "%s/sshd_config", rig->dir);
        snprintf(rig->folder, sizeof(rig->folder), "%s/more", rig->dir);
        snprintf(rig->pid, sizeof(rig->pid), "%s/pid", rig->dir);
        assert_int_equal(mkdir(rig->folder, 0755), 0);
        sshd_reads(rig, 60);
        *state = rig;
        return 0;
}

static int teardown(void **state) {
        Rig *rig = *state;
        char command[80];

        snprintf(command, sizeof(command), "rm -r %s", rig->dir);
        free(rig);
        return system(command);
}

/* "" for a yes, else why not, without the folder. */
static const char *verdict(Rig *rig) {
        size_t len = strlen(rig->dir) + 1;
        bool verifies = sshd_verifies(rig->config, rig->pid, rig->why);

        assert_int_equal(verifies, rig->why[0] == '\0');
        return strncmp(rig->why, rig->dir, len - 1) == 0 ? rig->why + len : rig->why;
}

static void expect(Rig *rig, const char *text, const char *why) {
        file_put(rig, "sshd_config", text, strlen(text));
        if (strcmp(verdict(rig), why) != 0)
                fail_msg("\"%s\": %s", text, rig->why);
}

#define NONE  "sshd_config: sets no PubkeyAuthOptions verify-required that holds for everybody"
#define LACKS "PubkeyAuthOptions without verify-required"
#define WORD  "PubkeyAuthOptions has a word other than verify-required and touch-required"

static void one_that_holds_for_everybody_is_needed_and_none_without(void **state) {
        static const struct {
                const char *text, *why;
        } rows[] = {
                { "", NONE },
                { "UsePAM yes\n", NONE },
                { VERIFY, "" },
                { "PubkeyAuthOptions verify-required", "" },
                { "  \tpubkeyauthoptions\tVERIFY-REQUIRED\n", "sshd_config:1: " WORD },
                { "\tPUBKEYAUTHOPTIONS touch-required verify-required \t\r\n", "" },
                { "PubkeyAuthOptions=verify-required\n", "" },
                { "PubkeyAuthOptions = verify-required\n", "" },
                { "PubkeyAuthOptions verify-required # PIN\n", "" },
                { "PubkeyAuthOptions # verify-required\n", "sshd_config:1: " LACKS },
                { "#PubkeyAuthOptions verify-required\n", NONE },
                { "# PubkeyAuthOptions none\n" VERIFY, "" },
                { "PubkeyAuthOptions none\n", "sshd_config:1: " WORD },
                { "PubkeyAuthOptions\n", "sshd_config:1: " LACKS },
                { "PubkeyAuthOptions touch-required\n", "sshd_config:1: " LACKS },
                { "PubkeyAuthOptions verify-required none\n", "sshd_config:1: " WORD },
                { "PubkeyAuthOptions verify-required,touch-required\n", "sshd_config:1: " WORD },
                { "PubkeyAuthOptions \"verify-required\"\n", "sshd_config:1: quotes" },
                { VERIFY VERIFY, "" },
                { "\n" VERIFY "PubkeyAuthOptions none\n", "sshd_config:3: " WORD },
                { VERIFY "PubkeyAuthOptions\rnone\n", "sshd_config:2: " WORD },
                { VERIFY "\"PubkeyAuthOptions\" none\n", "sshd_config:2: a keyword in quotes" },
                { VERIFY "Pubkey\"AuthOptions\" none\n", "sshd_config:2: a keyword in quotes" },
                { VERIFY "=PubkeyAuthOptions none\n", "sshd_config:2: begins with \"=\"" },
                { " = " VERIFY, "sshd_config:1: begins with \"=\"" },
                { VERIFY "=\n", "sshd_config:2: begins with \"=\"" },
                { VERIFY "Banner \"a b\"\nSubsystem sftp internal-sftp\n", "" },
                { "PubkeyAuthOptionsX none\n" VERIFY, "" },
        };

        for (size_t i = 0; i < ARRAY_LENGTH(rows); i++)
                expect(*state, rows[i].text, rows[i].why);
}

static void a_match_block_is_not_everybody(void **state) {
        static const struct {
                const char *text, *why;
        } rows[] = {
                { "Match Group um-mfa\n" VERIFY, NONE },
                { "Match Group um-mfa\n" VERIFY "Match all\n", NONE },
                { "Match Group um-mfa\nMatch all\n" VERIFY, "" },
                { "match=user \"a b\"\n" VERIFY, NONE },
                { "Match\n" VERIFY, NONE },
                { "Match all User x\n" VERIFY, NONE },
                { "Match ALL # everybody\n" VERIFY, "" },
                { "Match allx\n" VERIFY, NONE },
                { VERIFY "Match User x\n\t" VERIFY, "" },
                { VERIFY "Match User x\n\tPubkeyAuthOptions touch-required\n",
                  "sshd_config:3: " LACKS },
                { VERIFY "Match User x\n\tPubkeyAuthOptions none\nMatch all\n",
                  "sshd_config:3: " WORD },
        };

        for (size_t i = 0; i < ARRAY_LENGTH(rows); i++)
                expect(*state, rows[i].text, rows[i].why);
}

static void what_is_included_counts_where_it_stands(void **state) {
        static const struct {
                const char *more, *text, *why;
        } rows[] = {
                { VERIFY, "Include more/*.conf\n", "" },
                { VERIFY, "include = more/1.conf\n", "" },
                { VERIFY, "Include more/none more/1.conf\n", "" },
                { VERIFY, "Include more/2*\n", NONE },
                { VERIFY, "Match User x\nInclude more/*.conf\n", NONE },
                { "Match all\n" VERIFY, "Match User x\nInclude more/*.conf\n", NONE },
                { "Match User x\n", "Include more/*.conf\n" VERIFY, NONE }, /* in doubt */
                { "Match User x\nMatch all\n", "Include more/*.conf\n" VERIFY, "" },
                { "PubkeyAuthOptions none\n", VERIFY "Include more/*.conf\n",
                  "more/1.conf:1: " WORD },
                { "PubkeyAuthOptions none\n", VERIFY "Match User x\nInclude more/*.conf\n",
                  "more/1.conf:1: " WORD },
                { "Include more/1.conf\n", VERIFY "Include more/1.conf\n",
                  "more/1.conf: too many files that are included" },
                { "", VERIFY "Include gone/*.conf\n", "gone: No such file or directory" },
                { "", VERIFY "Include */1.conf\n",
                  "sshd_config:2: an Include that um does not follow" },
                { "", VERIFY "Include ~/1.conf\n",
                  "sshd_config:2: an Include that um does not follow" },
                { "", VERIFY "Include /1.conf\n",
                  "sshd_config:2: an Include that um does not follow" },
                { "", VERIFY "Include \"more/1.conf\"\n", "sshd_config:2: quotes" },
                { "", VERIFY "Include more\\/1.conf\n", "sshd_config:2: quotes" },
        };
        Rig *rig = *state;

        for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
                file_put(rig, "more/1.conf", rows[i].more, strlen(rows[i].more));
                expect(rig, rows[i].text, rows[i].why);
        }
}

static void a_file_that_cannot_be_read_is_a_no(void **state) {
        static const char nul[] = VERIFY "\0PubkeyAuthOptions none\n";
        Rig *rig = *state;
        char path[80];

        assert_string_equal(verdict(rig), "sshd_config: No such file or directory");
        file_put(rig, "sshd_config", nul, sizeof(nul) - 1);
        assert_string_equal(verdict(rig), "sshd_config: has a NUL byte");
        expect(rig, VERIFY "Include more/*\n", "");
        snprintf(path, sizeof(path), "%s/more/link", rig->dir);
        assert_int_equal(symlink(rig->config, path), 0);
        assert_string_equal(verdict(rig), "more/link: is a symbolic link");
        assert_int_equal(unlink(path), 0);
        snprintf(path, sizeof(path), "%s/more/folder", rig->dir);
        assert_int_equal(mkdir(path, 0755), 0);
        assert_string_equal(verdict(rig), "more/folder: is no regular file");
}

#define LINKED " is reached by a symbolic link, or by \"..\" or \"//\""

/* Pointed elsewhere it leads to what nobody changed. */
static void what_a_link_leads_to_is_a_no(void **state) {
        Rig *rig = *state;
        char to[80], path[96];

        file_put(rig, "more/1.conf", "", 0);
        snprintf(to, sizeof(to), "%s/more/in", rig->dir);
        assert_int_equal(mkdir(to, 0755), 0);
        snprintf(path, sizeof(path), "%s/link", rig->dir);
        assert_int_equal(symlink("more", path), 0);
        expect(rig, VERIFY "Include link/*.none\n", "link:" LINKED);
        expect(rig, VERIFY "Include link/1.conf\n", "link/1.conf:" LINKED);
        expect(rig, VERIFY "Include link/in/*.conf\n", "link/in:" LINKED);
        expect(rig, VERIFY "Include more/../more/*.conf\n", "more/../more/1.conf:" LINKED);
        expect(rig, VERIFY "Include more//1.conf\n", "more//1.conf:" LINKED);
        expect(rig, VERIFY "Include more/in/*.conf more/*.conf\n", "");
}

static void what_sshd_has_not_read_does_not_count(void **state) {
        static const char changed[] = "sshd has not read its settings since they were changed";
        Rig *rig = *state;
        char path[80];

        expect(rig, VERIFY "Include more/*\n", "");
        sshd_reads(rig, -60);
        assert_string_equal(verdict(rig), changed);
        sshd_reads(rig, 60);
        assert_string_equal(verdict(rig), "");
        /* a file that came, went or was changed since */
        file_put(rig, "more/1", "", 0);
        tick();
        file_put(rig, "pid", "1\n", 2);
        assert_string_equal(verdict(rig), "");
        tick();
        snprintf(path, sizeof(path), "%s/more/1", rig->dir);
        assert_int_equal(unlink(path), 0);
        assert_string_equal(verdict(rig), changed);
        tick();
        file_put(rig, "pid", "1\n", 2);
        assert_string_equal(verdict(rig), "");
        tick();
        file_put(rig, "sshd_config", VERIFY, strlen(VERIFY));
        assert_string_equal(verdict(rig), changed);
        assert_int_equal(unlink(rig->pid), 0);
        assert_string_equal(verdict(rig),
                            "pid: is not there, so nobody knows when sshd read its settings");
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void) {
        const struct CMUnitTest tests[] = {
                CASE(one_that_holds_for_everybody_is_needed_and_none_without),
                CASE(a_match_block_is_not_everybody),
                CASE(what_is_included_counts_where_it_stands),
                CASE(a_file_that_cannot_be_read_is_a_no),
                CASE(what_a_link_leads_to_is_a_no),
                CASE(what_sshd_has_not_read_does_not_count),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
