/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* VAULT_COMPARE, over the real um-vault's socket: what it answers, that it is counted by itself and
 * for each time, and that it holds up nobody's login. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "base/base.h"
#include "tests/unit/vault_client.h"

/* Of the person, who proved who he is, or of an admin. */
static VaultStatus compare_as(const Vault *vault, uint32_t flag, const VaultSubject *subject,
                              const char *secret, const Answer *from, Answer *ret) {
        Answer answer;
        VaultStatus status;

        request_send_flags(vault->fd, VAULT_COMPARE, flag, 77, subject, secret, strlen(secret),
                           from);
        status = answer_receive(vault->fd, &answer);
        assert_int_equal(answer.head.id, 77);
        if (ret)
                *ret = answer;
        return status;
}

static VaultStatus compare(const Vault *vault, const VaultSubject *subject, const char *secret,
                           const Answer *from, Answer *ret) {
        return compare_as(vault, VAULT_FLAG_KNOWN, subject, secret, from, ret);
}

static void compare_send(const Vault *vault, uint64_t id, const VaultSubject *subject,
                         const Answer *from) {
        request_send_flags(vault->fd, VAULT_COMPARE, VAULT_FLAG_KNOWN, id, subject, "px", 2, from);
}

static void hash_make(const Vault *vault, const VaultSubject *subject, Answer *ret) {
        assert_int_equal(ask_text(vault, VAULT_HASH, subject, "pw", NULL, ret), VAULT_OK);
}

static VaultSubject other_user(uint32_t offset) {
        VaultSubject other = alice;

        other.uid += offset;
        return other;
}

static void it_says_whether_it_is_the_same(void **state) {
        const Vault *vault = *state;
        VaultSubject others[] = { alice, alice, alice };
        Answer made, answer;

        hash_make(vault, &alice, &made);
        assert_int_equal(compare(vault, &alice, "pw", &made, &answer), VAULT_MATCH);
        assert_int_equal(answer.head.verifier_bytes, 0);
        assert_int_equal(answer.head.flags, 0);
        assert_int_equal(compare(vault, &alice, "px", &made, NULL), VAULT_NO_MATCH);
        assert_int_equal(compare(vault, &alice, "", &made, NULL), VAULT_NO_MATCH);
        others[0].uid++;
        others[1].version--;
        others[2].store_id[15] = 1;
        for (size_t i = 0; i < ARRAY_LENGTH(others); i++)
                assert_int_equal(compare(vault, &others[i], "pw", &made, NULL), VAULT_BAD_RECORD);
}

static void an_old_method_is_compared_and_left_as_it_is(void **state) {
        const Vault *vault = *state;
        Answer old, answer;

        import_make(vault, &alice, "pw", "$6$rounds=1000$s$", &old);
        assert_int_equal(compare(vault, &alice, "pw", &old, &answer), VAULT_MATCH);
        assert_int_equal(answer.head.flags, 0);
        assert_int_equal(answer.head.verifier_bytes, 0);
        assert_int_equal(compare(vault, &alice, "px", &old, NULL), VAULT_NO_MATCH);
}

static void it_is_of_passwords_alone_and_says_for_whom(void **state) {
        const Vault *vault = *state;
        VaultSubject code = alice;
        Answer made;

        code.kind = VAULT_KIND_SETUP_CODE;
        hash_make(vault, &code, &made);
        assert_int_equal(compare(vault, &code, "pw", &made, NULL), VAULT_BAD_REQUEST);
        assert_int_equal(compare(vault, &alice, "pw", NULL, NULL), VAULT_BAD_REQUEST);
        hash_make(vault, &alice, &made);
        for (uint32_t flags = 0; flags < 2 * VAULT_FLAG_NOTHING; flags++)
                assert_int_equal(compare_as(vault, flags, &alice, "pw", &made, NULL),
                                 flags == VAULT_FLAG_HERE || flags == VAULT_FLAG_KNOWN
                                         ? VAULT_MATCH
                                         : VAULT_BAD_REQUEST);
}

/* A match is what somebody who guesses is after: it costs as much. */
static void each_one_counts_and_locks_nobody_out(void **state) {
        const VaultSubject bob = other_user(1);
        const Vault *vault = *state;
        Answer made, bobs;
        VaultStatus status;
        unsigned looked = 0;

        import_make(vault, &alice, "pw", CHEAP_SETTING, &made);
        import_make(vault, &bob, "pw", CHEAP_SETTING, &bobs);
        for (unsigned i = 0; i < THROTTLE_COMPARE_BURST + 40; i++) {
                status = compare(vault, &alice, i % 2 ? "px" : "pw", &made, NULL);
                assert_int_equal(status, status == VAULT_THROTTLED ? VAULT_THROTTLED
                                         : i % 2                   ? VAULT_NO_MATCH
                                                                   : VAULT_MATCH);
                looked += status != VAULT_THROTTLED;
        }
        /* some come back while it takes its time */
        assert_in_range(looked, THROTTLE_COMPARE_BURST, THROTTLE_COMPARE_BURST + 20);
        assert_int_equal(ask_text(vault, VAULT_VERIFY, &alice, "pw", &made, NULL), VAULT_MATCH);
        assert_int_equal(compare(vault, &bob, "pw", &bobs, NULL), VAULT_MATCH);
        /* a stolen password does not keep an admin from setting another */
        assert_int_equal(compare_as(vault, VAULT_FLAG_HERE, &alice, "pw", &made, NULL),
                         VAULT_MATCH);
}

static void guesses_at_the_password_use_none_up(void **state) {
        const Vault *vault = *state;
        Answer made;

        hash_make(vault, &alice, &made);
        for (unsigned i = 0; i < THROTTLE_BURST + 2; i++)
                (void)ask_text(vault, VAULT_VERIFY, &alice, "px", &made, NULL);
        assert_int_equal(ask_text(vault, VAULT_VERIFY, &alice, "pw", &made, NULL), VAULT_THROTTLED);
        assert_int_equal(compare(vault, &alice, "pw", &made, NULL), VAULT_MATCH);
}

/* Behind a change of 24 former passwords a login waits for one of them at most. */
static void logins_come_first(void **state) {
        const VaultSubject bob = other_user(1);
        const Vault *vault = *state;
        unsigned before = 0, after = 0;
        Answer made, bobs, answer;

        hash_make(vault, &alice, &made);
        hash_make(vault, &bob, &bobs);
        for (unsigned i = 0; i < VAULT_COMPARES_UID_MAX; i++)
                compare_send(vault, i, &alice, &made);
        request_send(vault->fd, VAULT_VERIFY, 99, &bob, "pw", 2, &bobs);
        for (bool seen = false; before + after < VAULT_COMPARES_UID_MAX || !seen;) {
                VaultStatus status = answer_receive(vault->fd, &answer);

                if (answer.head.id == 99) {
                        assert_int_equal(status, VAULT_MATCH);
                        seen = true;
                } else {
                        assert_int_equal(status, VAULT_NO_MATCH);
                        before += !seen;
                        after += seen;
                }
        }
        assert_in_range(before, 0, 2); /* the one that ran, and one more that ended first */
        assert_true(after >= 2);
}

/* However many users change their passwords at once, the queue is open to logins and admins. */
static void many_of_them_leave_room_for_others(void **state) {
        const VaultSubject bob = other_user(100);
        const Vault *vault = *state;
        unsigned busy = 0, of_first = 0;
        Answer made[8], bobs, answer;
        VaultSubject who[8];

        hash_make(vault, &bob, &bobs);
        for (uint32_t u = 0; u < ARRAY_LENGTH(who); u++) {
                who[u] = other_user(u);
                hash_make(vault, &who[u], &made[u]);
        }
        for (uint64_t i = 0; i < 80; i++)
                compare_send(vault, i, &who[i / 10], &made[i / 10]);
        for (uint64_t i = 0; i < 3; i++)
                request_send(vault->fd, VAULT_VERIFY, 100 + i, &bob, "pw", 2, &bobs);
        request_send_flags(vault->fd, VAULT_COMPARE, VAULT_FLAG_HERE, 103, &bob, "pw", 2, &bobs);
        for (unsigned i = 0; i < 84; i++) {
                VaultStatus status = answer_receive(vault->fd, &answer);

                if (answer.head.id >= 100)
                        assert_int_equal(status, VAULT_MATCH);
                else {
                        assert_true(status == VAULT_NO_MATCH || status == VAULT_BUSY);
                        busy += status == VAULT_BUSY;
                        of_first += status == VAULT_NO_MATCH && answer.head.id < 10;
                }
        }
        assert_true(busy >= 20);
        assert_in_range(of_first, 1, 9); /* one user does not take all the places */
}

#define BY_HAND(f) cmocka_unit_test_setup_teardown(f, vault_by_hand, vault_end)

int main(int argc, char **argv) {
        const struct CMUnitTest tests[] = {
                BY_HAND(it_says_whether_it_is_the_same),
                BY_HAND(an_old_method_is_compared_and_left_as_it_is),
                BY_HAND(it_is_of_passwords_alone_and_says_for_whom),
                BY_HAND(each_one_counts_and_locks_nobody_out),
                BY_HAND(guesses_at_the_password_use_none_up),
                BY_HAND(logins_come_first),
                BY_HAND(many_of_them_leave_room_for_others),
        };

        if (argc != 2)
                return 2;
        vault_program = argv[1];
        return cmocka_run_group_tests(tests, NULL, NULL);
}
