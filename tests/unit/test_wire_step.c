/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Steps and contexts, as messages: what is right is read whole, what is not leaves the output
 * untouched.  tests/pam does the same with bytes on a socket. */

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>

#include <cmocka.h>

#include "base/base.h"
#include "wire/wire.h"

typedef struct Fixture {
        sd_bus *bus;
        int other;
} Fixture;

static int setup(void **state) {
        static Fixture fixture;
        int pair[2];

        assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
        fixture.other = pair[1];
        assert_true(sd_bus_new(&fixture.bus) >= 0);
        assert_true(sd_bus_set_fd(fixture.bus, pair[0], pair[0]) >= 0);
        assert_true(sd_bus_start(fixture.bus) >= 0); /* messages need a started bus, no peer */
        *state = &fixture;
        return 0;
}

static int teardown(void **state) {
        Fixture *f = *state;

        sd_bus_close_unref(f->bus);
        base_close(f->other);
        return 0;
}

static sd_bus_message *message_new(Fixture *f) {
        sd_bus_message *m;

        assert_true(sd_bus_message_new_method_call(f->bus, &m, NULL, "/x", "a.b", "C") >= 0);
        return m;
}

static void message_finish(sd_bus_message *m) {
        assert_true(sd_bus_message_seal(m, 1, 0) >= 0);
        assert_true(sd_bus_message_rewind(m, true) >= 0);
}

/* Takes m over. */
static int step_of(sd_bus_message *m, WireStep *ret) {
        int r;

        message_finish(m);
        r = wire_step_read(m, ret);
        sd_bus_message_unref(m);
        return r;
}

static void refused(sd_bus_message *m) {
        WireStep step, before;

        memset(&step, 0x5a, sizeof(step));
        before = step;
        assert_int_equal(step_of(m, &step), -EBADMSG);
        assert_memory_equal(&step, &before, sizeof(step));
}

static void each_kind_is_read(void **state) {
        sd_bus_message *m = message_new(*state);
        WireStep step;

        sd_bus_message_append(m, "(usa{sv})", 1, "Password: ", 1, "secret", "s", "password");
        assert_int_equal(step_of(m, &step), 0);
        assert_int_equal(step.kind, WIRE_STEP_ASK_HIDDEN);
        assert_string_equal(step.text, "Password: ");
        assert_string_equal(step.secret, WIRE_SECRET_PASSWORD);
        assert_int_equal(step.verdict, WIRE_VERDICT_INVALID);
        assert_false(step.may_be_empty);

        m = message_new(*state);
        sd_bus_message_append(m, "(usa{sv})", 1, "Password: ", 2, "secret", "s", "password",
                              "empty", "b", 1);
        assert_int_equal(step_of(m, &step), 0);
        assert_true(step.may_be_empty);
        assert_false(step.is_error);

        m = message_new(*state);
        sd_bus_message_append(m, "(usa{sv})", 2, "Which? ", 0);
        assert_int_equal(step_of(m, &step), 0);
        assert_int_equal(step.kind, WIRE_STEP_ASK_SHOWN);
        assert_string_equal(step.secret, "");

        m = message_new(*state);
        sd_bus_message_append(m, "(usa{sv})", 3, "no", 1, "error", "b", 1);
        assert_int_equal(step_of(m, &step), 0);
        assert_int_equal(step.kind, WIRE_STEP_SHOW);
        assert_true(step.is_error);

        m = message_new(*state);
        sd_bus_message_append(m, "(usa{sv})", 4, "", 0);
        assert_int_equal(step_of(m, &step), 0);
        assert_int_equal(step.kind, WIRE_STEP_WAIT);

        m = message_new(*state);
        sd_bus_message_append(m, "(usa{sv})", 5, "touch", 2, "type", "s", "fido2", "challenge",
                              "ay", 3, 1, 2, 3);
        assert_int_equal(step_of(m, &step), 0);
        assert_int_equal(step.kind, WIRE_STEP_ASSERT);

        m = message_new(*state);
        sd_bus_message_append(m, "(usa{sv})", 6, "bye", 3, "reference", "s", "um-7K2P", "verdict",
                              "u", 3, "reason", "s", "suspended");
        assert_int_equal(step_of(m, &step), 0);
        assert_int_equal(step.kind, WIRE_STEP_DONE);
        assert_int_equal(step.verdict, WIRE_VERDICT_DENIED);
        assert_string_equal(step.reason, "suspended");
        assert_string_equal(step.reference, "um-7K2P");
        assert_false(step.is_error);
}

static void a_kind_nobody_knows_is_refused(void **state) {
        static const uint32_t kinds[] = { 0, 7, 255, UINT32_MAX };

        for (size_t i = 0; i < ARRAY_LENGTH(kinds); i++) {
                sd_bus_message *m = message_new(*state);

                sd_bus_message_append(m, "(usa{sv})", kinds[i], "", 1, "verdict", "u", 1);
                refused(m);
        }
}

static void a_verdict_not_in_the_table_is_unavailable(void **state) {
        static const uint32_t numbers[] = { 0, 9, 99, UINT32_MAX };
        WireStep step;

        for (size_t i = 0; i < ARRAY_LENGTH(numbers); i++) {
                sd_bus_message *m = message_new(*state);

                sd_bus_message_append(m, "(usa{sv})", 6, "", 1, "verdict", "u", numbers[i]);
                assert_int_equal(step_of(m, &step), 0);
                assert_int_equal(step.verdict, WIRE_VERDICT_UNAVAILABLE);
        }
        for (uint32_t v = 1; v < _WIRE_VERDICT_MAX; v++) {
                sd_bus_message *m = message_new(*state);

                sd_bus_message_append(m, "(usa{sv})", 6, "", 1, "verdict", "u", v);
                assert_int_equal(step_of(m, &step), 0);
                assert_int_equal(step.verdict, v);
        }
}

static void keys_stand_where_they_belong_and_once(void **state) {
        sd_bus_message *m = message_new(*state);

        sd_bus_message_append(m, "(usa{sv})", 6, "", 0); /* done, with no verdict */
        refused(m);
        m = message_new(*state);
        sd_bus_message_append(m, "(usa{sv})", 6, "", 2, "verdict", "u", 1, "verdict", "u", 1);
        refused(m);
        m = message_new(*state);
        sd_bus_message_append(m, "(usa{sv})", 1, "", 1, "verdict", "u", 1);
        refused(m);
        m = message_new(*state);
        sd_bus_message_append(m, "(usa{sv})", 3, "", 1, "secret", "s", "password");
        refused(m);
        m = message_new(*state);
        sd_bus_message_append(m, "(usa{sv})", 6, "", 1, "verdict", "i", 1);
        refused(m);
        m = message_new(*state);
        sd_bus_message_append(m, "(usa{sv})", 5, "", 1, "challenge", "s", "x");
        refused(m);
}

static void keys_nobody_knows_are_skipped(void **state) {
        sd_bus_message *m = message_new(*state);
        WireStep step;

        sd_bus_message_append(m, "(usa{sv})", 1, "", 3, "later", "a{sv}", 1, "x", "s", "y",
                              "secret", "s", "code", "more", "(ib)", 1, 0);
        assert_int_equal(step_of(m, &step), 0);
        assert_string_equal(step.secret, WIRE_SECRET_CODE);
}

static void texts_are_bounded(void **state) {
        static const struct {
                uint32_t kind;
                const char *key;
                size_t max;
        } rows[] = { { 3, NULL, WIRE_TEXT_MAX - 1 },
                     { 1, "secret", 31 },
                     { 6, "reason", 63 },
                     { 6, "reference", 31 } };
        char text[WIRE_TEXT_MAX + 2];

        for (size_t i = 0; i < ARRAY_LENGTH(rows); i++)
                for (size_t extra = 0; extra < 2; extra++) {
                        sd_bus_message *m = message_new(*state);
                        WireStep step;

                        memset(text, 'x', sizeof(text));
                        text[rows[i].max + extra] = '\0';
                        if (!rows[i].key)
                                sd_bus_message_append(m, "(usa{sv})", 3, text, 0);
                        else if (rows[i].kind == 1)
                                sd_bus_message_append(m, "(usa{sv})", 1, "", 1, rows[i].key, "s",
                                                      text);
                        else
                                sd_bus_message_append(m, "(usa{sv})", 6, "", 2, "verdict", "u", 1,
                                                      rows[i].key, "s", text);
                        if (extra == 0)
                                assert_int_equal(step_of(m, &step), 0);
                        else
                                refused(m);
                }
}

static void a_dictionary_without_end_is_refused(void **state) {
        sd_bus_message *m = message_new(*state);

        sd_bus_message_open_container(m, 'r', "usa{sv}");
        sd_bus_message_append(m, "us", 1, "");
        sd_bus_message_open_container(m, 'a', "{sv}");
        for (int i = 0; i < 40; i++)
                sd_bus_message_append(m, "{sv}", "x", "u", 1);
        sd_bus_message_close_container(m);
        sd_bus_message_close_container(m);
        refused(m);
}

static void another_shape_is_refused(void **state) {
        static const char *const types[] = { "", "s", "u", "usa{sv}" };

        for (size_t i = 0; i < ARRAY_LENGTH(types); i++) {
                sd_bus_message *m = message_new(*state);

                if (strcmp(types[i], "s") == 0)
                        sd_bus_message_append(m, "s", "x");
                else if (strcmp(types[i], "u") == 0)
                        sd_bus_message_append(m, "u", 6);
                else if (types[i][0])
                        sd_bus_message_append(m, "usa{sv}", 6, "", 1, "verdict", "u", 1);
                refused(m);
        }
}

static void an_outcome_is_a_done_step(void **state) {
        sd_bus_message *m = message_new(*state);
        WireStep step;

        sd_bus_message_append(m, "usss", 5, "password-expired", "text", "um-7K2P");
        message_finish(m);
        assert_int_equal(wire_outcome_read(m, &step), 0);
        sd_bus_message_unref(m);
        assert_int_equal(step.kind, WIRE_STEP_DONE);
        assert_int_equal(step.verdict, WIRE_VERDICT_RENEW);
        assert_string_equal(step.reason, "password-expired");
        assert_string_equal(step.text, "text");
        assert_string_equal(step.reference, "um-7K2P");

        m = message_new(*state);
        sd_bus_message_append(m, "uss", 1, "", "");
        message_finish(m);
        assert_int_equal(wire_outcome_read(m, &step), -EBADMSG);
        sd_bus_message_unref(m);
}

static void a_context_says_only_what_there_is(void **state) {
        const WireContext context = { .operation = "authenticate",
                                      .user = "alice",
                                      .service = "sshd",
                                      .rhost = "192.0.2.1",
                                      .flags = WIRE_FLAG_SILENT };
        sd_bus_message *m = message_new(*state);
        const char *key, *value;
        uint32_t flags;

        assert_int_equal(wire_context_append(m, &context), 0);
        message_finish(m);
        assert_true(sd_bus_message_has_signature(m, "a{sv}"));
        assert_true(sd_bus_message_enter_container(m, 'a', "{sv}") > 0);
        for (int i = 0; i < 4; i++) {
                static const char *const keys[] = { "operation", "user", "service", "rhost" };

                assert_true(sd_bus_message_read(m, "{sv}", &key, "s", &value) > 0);
                assert_string_equal(key, keys[i]);
        }
        assert_true(sd_bus_message_read(m, "{sv}", &key, "u", &flags) > 0);
        assert_string_equal(key, "flags");
        assert_int_equal(flags, 1);
        assert_int_equal(sd_bus_message_read(m, "{sv}", &key, "s", &value), 0);
        sd_bus_message_unref(m);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(each_kind_is_read),
                cmocka_unit_test(a_kind_nobody_knows_is_refused),
                cmocka_unit_test(a_verdict_not_in_the_table_is_unavailable),
                cmocka_unit_test(keys_stand_where_they_belong_and_once),
                cmocka_unit_test(keys_nobody_knows_are_skipped),
                cmocka_unit_test(texts_are_bounded),
                cmocka_unit_test(a_dictionary_without_end_is_refused),
                cmocka_unit_test(another_shape_is_refused),
                cmocka_unit_test(an_outcome_is_a_done_step),
                cmocka_unit_test(a_context_says_only_what_there_is),
        };

        return cmocka_run_group_tests(tests, setup, teardown);
}
