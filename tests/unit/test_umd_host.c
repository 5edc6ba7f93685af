/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the host holds: names and ids of its files, how a change is noticed and told. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <syslog.h>
#include <unistd.h>

#include "base/base.h"
#include "umd/host.h"

#define DEADLINE_USEC (10 * USEC_PER_SEC)

static const Log quiet = { 0 };

typedef struct Etc {
        char dir[40];
        sd_event *event;
        Host *host;
        unsigned told;
        char names[256]; /* of the last diff, joined by blanks */
        char ids[256];
} Etc;

static void etc_write(const Etc *etc, const char *name, const char *text) {
        char path[160], beside[160];
        FILE *f;

        snprintf(path, sizeof(path), "%s/%s", etc->dir, name);
        snprintf(beside, sizeof(beside), "%s/.%s.new", etc->dir, name);
        f = fopen(beside, "w");
        assert_non_null(f);
        assert_true(fputs(text, f) >= 0);
        assert_int_equal(fclose(f), 0);
        assert_int_equal(rename(beside, path), 0); /* as useradd does */
}

static void changed(void *userdata, const HostDiff *diff) {
        Etc *etc = userdata;
        Text names, ids;

        base_text_init(&names, etc->names, sizeof(etc->names));
        base_text_init(&ids, etc->ids, sizeof(etc->ids));
        for (size_t i = 0; i < diff->name_count; i++)
                base_text_addf(&names, "%s ", diff->names[i]);
        for (size_t i = 0; i < diff->id_count; i++)
                base_text_addf(&ids, "%u ", diff->ids[i]);
        etc->told++;
}

static int etc_setup(void **state) {
        Etc *etc = calloc(1, sizeof(*etc));
        HostSpec spec = { .log = &quiet, .etc = etc->dir, .userdata = etc, .changed = changed };

        snprintf(etc->dir, sizeof(etc->dir), "/tmp/um-test-host-XXXXXX");
        if (!mkdtemp(etc->dir) || sd_event_new(&etc->event) < 0)
                return -1;
        etc_write(etc, "passwd",
                  "root:x:0:0:root:/root:/bin/bash\n# a comment:x:1:\n+nis:x:2:2::\n"
                  "  blanks:x:1005:1005::/:/bin/sh\nlocal:x:1000:1000::/home/local:/bin/bash\n"
                  "daemon:x:1:1::/usr/sbin:/bin/sh\nslash:x:1002:1002::/srv/slash//:/bin/sh\n"
                  "none:x:1003:1003::/nonexistent:\nnobody:x:65534:65534::/tmp/nobody:/bin/sh\n"
                  "short:x:1004:1004\nempty:x:1006:1006:::\n"
                  "broken:x:ten:\nlast:x:1001:1001::/:/bin/sh");
        etc_write(etc, "group", "root:x:0:\nstaff:x:50:local,last\n");
        etc_write(etc, "subuid", "local:100000:65536\nnonsense\nother:x:y\n");
        spec.event = etc->event;
        *state = etc;
        return host_new(&spec, &etc->host);
}

static int etc_teardown(void **state) {
        Etc *etc = *state;
        char command[80];

        host_free(etc->host);
        sd_event_unref(etc->event);
        snprintf(command, sizeof(command), "rm -r %s", etc->dir);
        free(etc);
        return system(command);
}

/* Runs the loop until a change was told. */
static void wait_told(Etc *etc, unsigned count) {
        uint64_t deadline_usec = base_boottime_usec() + DEADLINE_USEC;

        while (etc->told < count && base_boottime_usec() < deadline_usec)
                assert_true(sd_event_run(etc->event, 100 * USEC_PER_MSEC) >= 0);
        assert_int_equal(etc->told, count);
}

static void test_homes_of_root_and_of_people_are_held(void **state) {
        static const struct {
                const char *home, *holder; /* NULL: nobody's */
        } rows[] = {
                { "/root", "root in /etc/passwd" },
                { "/home/local", "local in /etc/passwd" },
                { "/", "last in /etc/passwd" }, /* or blanks */
                { "/srv/slash", "slash in /etc/passwd" },
                { "/home/loca", NULL },
                { "/home/local/x", NULL },
                { "/usr/sbin", NULL }, /* a system account's */
                { "/nonexistent", NULL },
                { "/tmp/nobody", NULL },
                { "", NULL },
        };
        Etc *etc = *state;

        for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
                char holder[64] = "";
                bool held = host_home_held(etc->host, rows[i].home, holder, sizeof(holder));

                assert_int_equal(held, rows[i].holder != NULL);
                if (held && strcmp(rows[i].home, "/") != 0)
                        assert_string_equal(holder, rows[i].holder);
        }
}

static void test_names_are_held_by_their_own_file(void **state) {
        Etc *etc = *state;

        assert_string_equal(host_name_held(etc->host, "local", false), "/etc/passwd");
        assert_null(host_name_held(etc->host, "local", true));
        assert_string_equal(host_name_held(etc->host, "staff", true), "/etc/group");
        assert_null(host_name_held(etc->host, "staff", false));
        assert_non_null(host_name_held(etc->host, "last", false));
        assert_non_null(host_name_held(etc->host, "blanks", false));
        assert_null(host_name_held(etc->host, "broken", false));
        assert_null(host_name_held(etc->host, "+nis", false));
        assert_null(host_name_held(etc->host, "loca", false));
        assert_null(host_name_held(etc->host, "", false));
}

static void test_for_the_map_both_files_hold_names_and_ids(void **state) {
        Etc *etc = *state;

        assert_string_equal(host_holds_name(etc->host, "staff"), "/etc/group");
        assert_string_equal(host_holds_name(etc->host, "local"), "/etc/passwd");
        assert_null(host_holds_name(etc->host, "alice"));
        assert_string_equal(host_holds_id(etc->host, 50), "/etc/group");
        assert_string_equal(host_holds_id(etc->host, 1000), "/etc/passwd");
        assert_null(host_holds_id(etc->host, 70000));
}

static void test_an_id_names_its_holder(void **state) {
        static const struct {
                uint32_t id;
                const char *holder;
        } cases[] = {
                { 1000, "local in /etc/passwd" },
                { 50, "staff in /etc/group" },
                { 100000, "sub-ids of local in /etc/subuid" },
                { 165535, "sub-ids of local in /etc/subuid" },
                { 165536, NULL },
                { 99999, NULL },
                { 70000, NULL },
        };
        Etc *etc = *state;

        for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
                char holder[64] = "";

                assert_int_equal(host_id_held(etc->host, cases[i].id, holder, sizeof(holder)),
                                 !!cases[i].holder);
                if (cases[i].holder)
                        assert_string_equal(holder, cases[i].holder);
        }
}

static void test_a_running_process_holds_its_id(void **state) {
        char proc[] = "/tmp/um-test-proc-XXXXXX", path[64], command[80];
        uint32_t *ids;
        size_t count;
        FILE *f;

        assert_non_null(mkdtemp(proc));
        snprintf(path, sizeof(path), "%s/77", proc);
        assert_int_equal(mkdir(path, 0700), 0);
        snprintf(path, sizeof(path), "%s/77/status", proc);
        f = fopen(path, "w");
        assert_non_null(f);
        fputs("Name:\tx\nUid:\t70001\t70002\t70003\t70004\nGid:\t80001\t80001\t80001\t80001\n", f);
        fclose(f);
        snprintf(path, sizeof(path), "%s/78", proc); /* it ended meanwhile */
        assert_int_equal(mkdir(path, 0700), 0);
        assert_int_equal(host_process_ids(proc, &ids, &count), 0);
        assert_int_equal(count, 5);
        assert_int_equal(ids[0], 80001);
        assert_int_equal(ids[1], 70001);
        assert_int_equal(ids[4], 70004);
        free(ids);
        snprintf(command, sizeof(command), "rm -r %s", proc);
        assert_int_equal(system(command), 0);
}

static void test_a_change_is_told_within_a_second(void **state) {
        Etc *etc = *state;
        uint64_t began_usec = base_boottime_usec();

        etc_write(etc, "group", "root:x:0:\nalice:x:70000:\n");
        wait_told(etc, 1);
        assert_true(base_boottime_usec() - began_usec < USEC_PER_SEC);
        assert_non_null(strstr(etc->names, "staff "));
        assert_non_null(strstr(etc->names, "alice "));
        assert_string_equal(etc->ids, "50 70000 ");
        assert_non_null(host_holds_name(etc->host, "alice"));
        assert_null(host_holds_name(etc->host, "staff"));
}

static void test_an_unchanged_rewrite_is_not_told(void **state) {
        Etc *etc = *state;

        etc_write(etc, "group", "staff:x:50:local\nroot:x:0:\n"); /* members are not looked at */
        for (unsigned i = 0; i < 5; i++)
                assert_true(sd_event_run(etc->event, 100 * USEC_PER_MSEC) >= 0);
        host_tick(etc->host);
        assert_int_equal(etc->told, 0);
}

static void test_a_file_that_vanished_leaves_what_was_known(void **state) {
        Etc *etc = *state;
        char path[80];

        snprintf(path, sizeof(path), "%s/passwd", etc->dir);
        assert_int_equal(unlink(path), 0);
        host_tick(etc->host);
        assert_int_equal(etc->told, 0);
        assert_non_null(host_name_held(etc->host, "local", false));
        etc_write(etc, "passwd", "other:x:1009:1009::/:/bin/sh\n");
        host_tick(etc->host);
        assert_int_equal(etc->told, 1);
        assert_null(host_name_held(etc->host, "local", false));
}

static void test_a_file_that_was_never_there_is_empty(void **state) {
        _cleanup_(host_list_freep) HostList *list = NULL;

        assert_int_equal(host_list_read("/tmp/um-test-no-such-file", &list), 0);
        assert_true(host_list_is_absent(list));
        assert_true(host_list_is_current(list));
        assert_false(host_list_has_name(list, "root"));
        assert_null(host_list_name_of(list, 0));
}

static void test_time_zones_are_files_of_the_zone_folder(void **state) {
        static const struct {
                const char *zone;
                bool known;
        } cases[] = {
                { "UTC", true },
                { "Europe/Berlin", true },
                { "Europe/Atlantis", false },
                { "Europe", false },
                { "", false },
                { "../../../etc/passwd", false },
                { "/etc/passwd", false },
                { "zone.tab", false },
        };
        Etc *etc = *state;

        if (access("/usr/share/zoneinfo/UTC", R_OK) < 0)
                skip();
        for (size_t i = 0; i < ARRAY_LENGTH(cases); i++)
                if (host_time_zone_known(etc->host, cases[i].zone) != cases[i].known)
                        fail_msg("%s", cases[i].zone);
}

#define WITH_ETC(test) cmocka_unit_test_setup_teardown(test, etc_setup, etc_teardown)

int main(void) {
        const struct CMUnitTest tests[] = {
                WITH_ETC(test_names_are_held_by_their_own_file),
                WITH_ETC(test_homes_of_root_and_of_people_are_held),
                WITH_ETC(test_for_the_map_both_files_hold_names_and_ids),
                WITH_ETC(test_an_id_names_its_holder),
                cmocka_unit_test(test_a_running_process_holds_its_id),
                WITH_ETC(test_a_change_is_told_within_a_second),
                WITH_ETC(test_an_unchanged_rewrite_is_not_told),
                WITH_ETC(test_a_file_that_vanished_leaves_what_was_known),
                cmocka_unit_test(test_a_file_that_was_never_there_is_empty),
                WITH_ETC(test_time_zones_are_files_of_the_zone_folder),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
