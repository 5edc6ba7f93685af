/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What umd tells: on one line each, escaped, with a message id of its own for each event. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>
#include <unistd.h>

#include "base/base.h"
#include "umd/umd.h"

/* What one line on standard error is. */
static void written(const Log *log, const LogRecord *record, const char *name, char *buf,
                    size_t size) {
        FILE *file = tmpfile();
        int saved = dup(STDERR_FILENO);
        size_t len;

        assert_non_null(file);
        assert_true(saved >= 0 && dup2(fileno(file), STDERR_FILENO) >= 0);
        log_write(log, record, "about %s", name);
        (void)fflush(stderr);
        assert_true(dup2(saved, STDERR_FILENO) >= 0);
        base_close(saved);
        rewind(file);
        len = fread(buf, 1, size - 1, file);
        buf[len] = '\0';
        fclose(file);
}

static void test_every_event_has_an_id_of_its_own(void **state) {
        assert_null(log_message_id(MESSAGE_NONE));
        for (LogMessage a = MESSAGE_NONE + 1; a < _MESSAGE_MAX; a++) {
                const char *id = log_message_id(a);

                assert_non_null(id);
                assert_int_equal(strlen(id), 32);
                assert_int_equal(strspn(id, "0123456789abcdef"), 32);
                for (LogMessage b = MESSAGE_NONE + 1; b < a; b++)
                        assert_string_not_equal(id, log_message_id(b));
        }
}

static void test_a_line_names_the_fault_and_escapes_what_others_wrote(void **state) {
        static const Log log = { .journal = false };
        LogRecord record = { .priority = LOG_ERR, .fault = -EIO };
        char line[4096];

        written(&log, &record, "alice", line, sizeof(line));
        assert_string_equal(line, "umd: about alice: Input/output error\n");
        record.fault = 0;
        written(&log, &record, "a\nb\033[2J\x9b\xe2\x80\xae", line, sizeof(line));
        assert_string_equal(line, "umd: about a\\x0ab\\x1b[2J\\x9b\\xe2\\x80\\xae\n");
}

static void test_a_long_line_is_cut(void **state) {
        static const Log log = { .journal = false };
        LogRecord record = { .priority = LOG_ERR };
        char name[8192], line[16384];

        memset(name, 'x', sizeof(name) - 1);
        name[sizeof(name) - 1] = '\0';
        written(&log, &record, name, line, sizeof(line));
        assert_true(strlen(line) > 500 && strlen(line) < 2048);
        assert_int_equal(line[strlen(line) - 1], '\n');
}

static void test_debug_lines_are_told_when_asked_for(void **state) {
        Log log = { .journal = false };
        LogRecord record = { .priority = LOG_DEBUG };
        char line[256];

        written(&log, &record, "alice", line, sizeof(line));
        assert_string_equal(line, "");
        log.debug = true;
        written(&log, &record, "alice", line, sizeof(line));
        assert_string_equal(line, "umd: about alice\n");
}

static void test_the_journal_is_used_where_systemd_says_so(void **state) {
        Log log;

        assert_int_equal(unsetenv("JOURNAL_STREAM"), 0);
        log_init(&log, false);
        assert_false(log.journal);
        assert_int_equal(setenv("JOURNAL_STREAM", "8:1", 1), 0);
        log_init(&log, true);
        assert_true(log.journal && log.debug);
        assert_int_equal(unsetenv("JOURNAL_STREAM"), 0);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_every_event_has_an_id_of_its_own),
                cmocka_unit_test(test_a_line_names_the_fault_and_escapes_what_others_wrote),
                cmocka_unit_test(test_a_long_line_is_cut),
                cmocka_unit_test(test_debug_lines_are_told_when_asked_for),
                cmocka_unit_test(test_the_journal_is_used_where_systemd_says_so),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
