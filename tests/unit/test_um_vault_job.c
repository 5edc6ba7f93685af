/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a guess is made of: of which cost the hashes are that a job makes, one after the other. */

#include <crypt.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/base.h"
#include "um_vault/vault.h"

#define A43 "./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcde"
#define A86 A43 A43

char *__wrap_crypt_rn(const char *phrase, const char *setting, void *data, int size);

static char made[64]; /* the costs of the hashes since it was cleared, in order */

/* No hash at all: what it would have been of is noted, and nothing matches. */
char *__wrap_crypt_rn(const char *phrase, const char *setting, void *data, int size) {
        const char *name = strncmp(setting, "$y$", 3) == 0 ? setting + 3 : setting;
        char *text = ((struct crypt_data *)data)->output;
        size_t len = strlen(made);

        snprintf(made + len, sizeof(made) - len, "%.3s ", name);
        if (strlen(setting) < 32) /* one to be made, and not one to compare with */
                snprintf(text, CRYPT_OUTPUT_SIZE, "%s$" A43, setting);
        else
                snprintf(text, CRYPT_OUTPUT_SIZE, "%s", setting);
        if (strcmp(phrase, "right") != 0)
                text[strlen(text) - 1] ^= 1;
        return text;
}

static const VaultSubject subject = { .uid = 70000, .kind = VAULT_KIND_PASSWORD, .version = 5 };

static Secret *secret_of(const char *s) {
        Secret *secret;

        assert_int_equal(base_secret_new(s, strlen(s), &secret), 0);
        return secret;
}

static Secret *key_of(void) {
        static const uint8_t bytes[VAULT_KEY_BYTES] = { 1 };
        Secret *key;

        assert_int_equal(base_secret_new(bytes, sizeof(bytes), &key), 0);
        return key;
}

/* A vault of that cost does op with the password, and the sealed hash where there is one. */
static VaultHead work(unsigned cost, VaultOp op, const char *password, const char *hash) {
        _cleanup_secret_ Secret *key = key_of();
        VaultHead head = { .op = op, .subject = subject, .upgrade_version = 6 };
        _cleanup_(vault_job_freep) VaultJob *job = calloc(1, sizeof(*job));
        VaultContext context;
        VaultRoom *room;

        assert_int_equal(vault_room_new(&room), 0);
        assert_int_equal(vault_context_init(&context, key, VAULT_RECOVERY_NONE, cost), 0);
        job->head = head;
        job->secret = secret_of(password);
        if (hash)
                assert_int_equal(vault_seal(key, &subject, hash, strlen(hash), job->verifier,
                                            &job->head.verifier_bytes),
                                 0);
        made[0] = '\0';
        vault_job_work(&context, room, job);
        vault_room_free(room);
        return job->head;
}

static void a_name_nobody_has_costs_what_the_host_does(void **state) {
        static const char *const hashes[] = { "j9T ", "jAT ", "jBT " };

        for (unsigned cost = VAULT_COST_MIN; cost <= VAULT_COST_MAX; cost++) {
                assert_int_equal(work(cost, VAULT_SPEND, "wrong", NULL).status, VAULT_NO_MATCH);
                assert_string_equal(made, hashes[cost - VAULT_COST_MIN]);
                assert_int_equal(work(cost, VAULT_HASH, "right", NULL).status, VAULT_OK);
                assert_string_equal(made, hashes[cost - VAULT_COST_MIN]);
        }
}

/* j9T is a quarter of jBT's time, jAT half of it: each row adds up to one hash of the host's cost,
 * but for what is no yescrypt, which is quick, and what is dearer. */
static void a_failed_guess_takes_one_hash_of_the_hosts_cost(void **state) {
        static const struct {
                unsigned cost;
                const char *hash, *made;
        } rows[] = {
                { VAULT_COST_MIN, "$y$j9T$saltsaltsalt$" A43, "j9T " },
                { VAULT_COST_MIN + 1, "$y$j9T$saltsaltsalt$" A43, "j9T j9T " },
                { VAULT_COST_MIN + 1, "$y$jAT$saltsaltsalt$" A43, "jAT " },
                { VAULT_COST_MAX, "$y$j9T$saltsaltsalt$" A43, "j9T j9T jAT " },
                { VAULT_COST_MAX, "$y$jAT$saltsaltsalt$" A43, "jAT jAT " },
                { VAULT_COST_MAX, "$y$jBT$saltsaltsalt$" A43, "jBT " },
                { VAULT_COST_MAX, "$y$jCT$saltsaltsalt$" A43, "jCT " },
                { VAULT_COST_MAX, "$y$j85$saltsaltsalt$" A43, "j85 jBT " },
                { VAULT_COST_MAX, "$6$salt$" A86, "$6$ jBT " },
        };

        for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
                VaultHead head = work(rows[i].cost, VAULT_VERIFY, "wrong", rows[i].hash);

                assert_int_equal(head.status, VAULT_NO_MATCH);
                assert_int_equal(head.flags, 0);
                assert_string_equal(made, rows[i].made);
        }
}

static void a_match_of_less_cost_is_made_anew_and_no_other(void **state) {
        static const struct {
                unsigned cost;
                const char *hash, *made;
                uint32_t flags;
        } rows[] = {
                { VAULT_COST_MIN, "$y$j9T$saltsaltsalt$" A43, "j9T ", 0 },
                { VAULT_COST_MIN, "$y$jBT$saltsaltsalt$" A43, "jBT ", 0 },
                { VAULT_COST_MAX, "$y$jBT$saltsaltsalt$" A43, "jBT ", 0 },
                { VAULT_COST_MAX, "$y$jAT$saltsaltsalt$" A43, "jAT jBT ", VAULT_FLAG_OLD_METHOD },
                { VAULT_COST_MIN + 1, "$y$j9T$saltsaltsalt$" A43, "j9T jAT ",
                  VAULT_FLAG_OLD_METHOD },
                { VAULT_COST_MIN + 1, "$6$salt$" A86, "$6$ jAT ", VAULT_FLAG_OLD_METHOD },
        };

        for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
                VaultHead head = work(rows[i].cost, VAULT_VERIFY, "right", rows[i].hash);

                assert_int_equal(head.status, VAULT_MATCH);
                assert_int_equal(head.flags, rows[i].flags);
                assert_int_equal(head.verifier_bytes > 0, rows[i].flags != 0);
                assert_string_equal(made, rows[i].made);
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(a_name_nobody_has_costs_what_the_host_does),
                cmocka_unit_test(a_failed_guess_takes_one_hash_of_the_hosts_cost),
                cmocka_unit_test(a_match_of_less_cost_is_made_anew_and_no_other),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
