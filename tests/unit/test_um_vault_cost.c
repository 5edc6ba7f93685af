/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a hash costs: chosen once for the host, never below the floor, raised and not lowered; by
 * hosts that the test plays, and with the real um-vault. */

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/base.h"
#include "tests/unit/vault_client.h"

/* A host: what a hash of the least cost takes; how often it was asked, and when it is busy. */
typedef struct Host {
        uint64_t least_usec;
        unsigned busy_every;  /* one hash in so many takes ten times as long; 0: none */
        unsigned faulty_from; /* of this cost on there is no memory; 0: there is */
        unsigned asked;
} Host;

static int host_measure(void *userdata, unsigned cost, uint64_t *ret_usec) {
        Host *host = userdata;

        host->asked++;
        if (host->faulty_from > 0 && cost >= host->faulty_from)
                return -EIO;
        *ret_usec = host->least_usec << (cost - VAULT_COST_MIN);
        if (host->busy_every > 0 && host->asked % host->busy_every == 0)
                *ret_usec *= 10;
        return 0;
}

static VaultCostGauge gauge_of(Host *host, unsigned max) {
        return (VaultCostGauge){ .measure = host_measure, .userdata = host, .max = max };
}

/* ---- the line -------------------------------------------------------------------------------- */

static void one_line_and_nothing_else_is_a_cost(void **state) {
        static const struct {
                const char *text;
                unsigned cost; /* 0: not believed */
        } rows[] = {
                { "yescrypt j9T\n", 5 },
                { "yescrypt jAT\n", 6 },
                { "yescrypt jBT\n", 7 },
                { "yescrypt jBT", 7 },
                { "", 0 },
                { "\n", 0 },
                { "yescrypt", 0 },
                { "yescrypt \n", 0 },
                { "yescrypt j8T\n", 0 }, /* below the floor */
                { "yescrypt j75\n", 0 },
                { "yescrypt jCT\n", 0 }, /* above what um takes by itself */
                { "yescrypt j9\n", 0 },
                { "yescrypt j9TT\n", 0 },
                { "yescrypt j9T\n\n", 0 },
                { "yescrypt j9T \n", 0 },
                { " yescrypt j9T\n", 0 },
                { "yescrypt  j9T\n", 0 },
                { "Yescrypt j9T\n", 0 },
                { "bcrypt j9T\n", 0 },
                { "j9T\n", 0 },
                { "yescrypt none\n", 0 },
        };

        for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
                unsigned cost = 0;
                int r = vault_cost_parse(rows[i].text, strlen(rows[i].text), &cost);

                if (r != (rows[i].cost > 0 ? 0 : -EBADMSG) || cost != rows[i].cost)
                        fail_msg("row %zu: %s", i, rows[i].text);
        }
        {
                unsigned cost = 0;

                assert_int_equal(vault_cost_parse("yescrypt j9T\0", 13, &cost), -EBADMSG);
                assert_int_equal(cost, 0);
        }
}

/* ---- choosing -------------------------------------------------------------------------------- */

static void the_lowest_cost_that_takes_40_ms_is_chosen(void **state) {
        static const struct {
                uint64_t least_usec;
                unsigned max, cost;
        } rows[] = {
                { 500000, VAULT_COST_MAX, 5 }, { 40000, VAULT_COST_MAX, 5 },
                { 39999, VAULT_COST_MAX, 6 },  { 20000, VAULT_COST_MAX, 6 },
                { 19999, VAULT_COST_MAX, 7 },  { 10000, VAULT_COST_MAX, 7 },
                { 100, VAULT_COST_MAX, 7 },    { 100, VAULT_COST_MAX - 1, 6 },
                { 100, VAULT_COST_MIN, 5 },
        };

        for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
                Host host = { .least_usec = rows[i].least_usec };
                VaultCostGauge gauge = gauge_of(&host, rows[i].max);
                VaultCostChoice choice;

                assert_int_equal(vault_cost_choose(&gauge, &choice), 0);
                if (choice.cost != rows[i].cost)
                        fail_msg("row %zu: %u", i, choice.cost);
                assert_int_equal(choice.usec, rows[i].least_usec << (choice.cost - VAULT_COST_MIN));
        }
}

static void a_busy_machine_is_not_taken_for_a_slow_one(void **state) {
        Host host = { .least_usec = 15000, .busy_every = 2 };
        VaultCostGauge gauge = gauge_of(&host, VAULT_COST_MAX);
        VaultCostChoice choice;

        host.asked = 1; /* the first of all is a slow one */
        assert_int_equal(vault_cost_choose(&gauge, &choice), 0);
        assert_int_equal(choice.cost, 7);
}

/* Nobody logs in meanwhile. */
static void it_takes_no_more_hashes_than_it_must(void **state) {
        static const struct {
                uint64_t least_usec;
                unsigned max, asked;
        } rows[] = {
                { 40000, VAULT_COST_MAX, 3 }, /* is the fastest as slow? */
                { 20000, VAULT_COST_MAX, 1 + 3 },
                { 10000, VAULT_COST_MAX, 1 + 1 + 1 }, /* it is the highest, whatever it takes */
                { 100, VAULT_COST_MAX, 1 + 1 + 1 },
                { 90000, VAULT_COST_MIN, 1 },
        };

        for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
                Host host = { .least_usec = rows[i].least_usec };
                VaultCostGauge gauge = gauge_of(&host, rows[i].max);
                VaultCostChoice choice;

                assert_int_equal(vault_cost_choose(&gauge, &choice), 0);
                assert_int_equal(host.asked, rows[i].asked);
        }
}

static void a_cost_there_is_no_memory_for_is_not_chosen(void **state) {
        Host host = { .least_usec = 1000, .faulty_from = 7 };
        VaultCostGauge gauge = gauge_of(&host, VAULT_COST_MAX);
        VaultCostChoice choice = { .cost = 99 };

        assert_int_equal(vault_cost_choose(&gauge, &choice), 0);
        assert_int_equal(choice.cost, 6);
        assert_int_equal(choice.usec, 2000);
        host.faulty_from = VAULT_COST_MIN;
        choice.cost = 99;
        assert_int_equal(vault_cost_choose(&gauge, &choice), -EIO);
        assert_int_equal(choice.cost, 99);
}

static void all_workers_take_a_quarter_of_the_memory_at_most(void **state) {
        static const struct {
                uint64_t mib;
                unsigned workers, cost;
        } rows[] = {
                { 0, 8, 5 },    { 128, 8, 5 },  { 512, 2, 7 },  { 511, 2, 6 },   { 1024, 8, 6 },
                { 1023, 8, 5 }, { 2048, 8, 7 }, { 2047, 8, 6 }, { 65536, 8, 7 }, { 65536, 0, 7 },
        };

        for (size_t i = 0; i < ARRAY_LENGTH(rows); i++)
                if (vault_cost_bound(rows[i].mib << 20, rows[i].workers) != rows[i].cost)
                        fail_msg("row %zu", i);
}

/* ---- the file -------------------------------------------------------------------------------- */

typedef struct Place {
        char dir[40], file[80];
} Place;

static int place_make(void **state) {
        Place *place = calloc(1, sizeof(*place));

        snprintf(place->dir, sizeof(place->dir), "/tmp/um-vault-cost.XXXXXX");
        if (!mkdtemp(place->dir))
                return -1;
        snprintf(place->file, sizeof(place->file), "%s/" VAULT_COST_NAME, place->dir);
        *state = place;
        return 0;
}

static int place_remove(void **state) {
        Place *place = *state;
        char key[80];
        int r;

        snprintf(key, sizeof(key), "%s/" VAULT_KEY_NAME, place->dir);
        unlink(key);
        unlink(place->file);
        rmdir(place->file);
        r = rmdir(place->dir); /* nothing else may be left behind */
        free(place);
        return r;
}

static void file_is(const Place *place, const char *text) {
        char buf[128];
        FILE *file = fopen(place->file, "re");
        size_t len;

        assert_non_null(file);
        len = fread(buf, 1, sizeof(buf) - 1, file);
        fclose(file);
        buf[len] = '\0';
        assert_string_equal(buf, text);
}

static void it_is_measured_once_and_read_from_then_on(void **state) {
        const Place *place = *state;
        Host host = { .least_usec = 20000 };
        VaultCostGauge gauge = gauge_of(&host, VAULT_COST_MAX);
        VaultCostChoice choice;
        struct stat st;

        assert_int_equal(vault_cost_load(place->dir, &gauge, &choice), 0);
        assert_int_equal(choice.cost, 6);
        assert_int_equal(choice.usec, 40000);
        file_is(place, "yescrypt jAT\n");
        assert_int_equal(stat(place->file, &st), 0);
        assert_int_equal(st.st_mode, S_IFREG | 0600);
        host = (Host){ .least_usec = 10 }; /* another time of the day */
        assert_int_equal(vault_cost_load(place->dir, &gauge, &choice), 0);
        assert_int_equal(choice.cost, 6);
        assert_int_equal(choice.usec, 0);
        assert_int_equal(host.asked, 0);
}

static void a_file_that_says_nothing_stays_and_is_told(void **state) {
        const Place *place = *state;
        Host host = { .least_usec = 10 };
        VaultCostGauge gauge = gauge_of(&host, VAULT_COST_MAX);
        VaultCostChoice choice = { .cost = 99 };

        cost_write(place->dir, "yescrypt j8T\n");
        assert_int_equal(vault_cost_load(place->dir, &gauge, &choice), -EBADMSG);
        file_is(place, "yescrypt j8T\n");
        cost_write(place->dir,
                   "0123456789012345678901234567890123456789012345678901234567890123456");
        assert_int_equal(vault_cost_load(place->dir, &gauge, &choice), -EBADMSG);
        assert_int_equal(unlink(place->file), 0);
        assert_int_equal(symlink("/etc/hostname", place->file), 0);
        assert_int_equal(vault_cost_load(place->dir, &gauge, &choice), -EBADMSG);
        assert_int_equal(unlink(place->file), 0);
        assert_int_equal(mkdir(place->file, 0700), 0);
        assert_int_equal(vault_cost_load(place->dir, &gauge, &choice), -EBADMSG);
        assert_int_equal(vault_cost_load("/nonexistent/um", &gauge, &choice), -ENOENT);
        assert_int_equal(choice.cost, 99);
        assert_int_equal(host.asked, 0);
}

static void it_is_raised_and_not_lowered(void **state) {
        const Place *place = *state;
        Host host = { .least_usec = 20000 };
        VaultCostGauge gauge = gauge_of(&host, VAULT_COST_MAX);
        VaultCostChoice choice;
        unsigned old = 99;

        assert_int_equal(vault_cost_raise(place->dir, &gauge, &old, &choice), 0);
        assert_int_equal(old, 0);
        file_is(place, "yescrypt jAT\n");
        host.least_usec = 10000;
        assert_int_equal(vault_cost_raise(place->dir, &gauge, &old, &choice), 0);
        assert_int_equal(old, 6);
        assert_int_equal(choice.cost, 7);
        file_is(place, "yescrypt jBT\n");
        host.least_usec = 90000;
        assert_int_equal(vault_cost_raise(place->dir, &gauge, &old, &choice), 0);
        assert_int_equal(old, 7);
        assert_int_equal(choice.cost, 5);
        file_is(place, "yescrypt jBT\n");
        cost_write(place->dir, "damaged\n");
        assert_int_equal(vault_cost_raise(place->dir, &gauge, &old, &choice), 0);
        assert_int_equal(old, 0);
        file_is(place, "yescrypt j9T\n");
}

/* ---- the real um-vault ----------------------------------------------------------------------- */

static void vault_start(const Place *place, Vault *ret) {
        const char *const argv[] = { vault_program, "--key-dir", place->dir, NULL };

        *ret = (Vault){ 0 };
        service_start(&ret->service, true, argv);
        ret->fd = ret->service.fd;
}

static void vault_stop(Vault *vault, char *ret_error, size_t size) {
        kill(vault->service.pid, SIGTERM);
        assert_int_equal(service_wait(&vault->service, ret_error, size), 0);
}

/* The setting of what was sealed: "$y$j9T$" and so on. */
static void made_is_of(const Place *place, const VaultSubject *subject, const Answer *made,
                       const char *prefix) {
        _cleanup_secret_ Secret *key = NULL, *hash = NULL;
        char path[PATH_MAX];

        assert_int_equal(vault_key_load(place->dir, NULL, &key, path), 0);
        assert_int_equal(vault_unseal(key, subject, made->verifier, made->head.verifier_bytes,
                                      &hash),
                         0);
        assert_memory_equal(base_secret_bytes(hash), prefix, strlen(prefix));
}

static void a_fresh_vault_chooses_and_hashes_by_it(void **state) {
        const Place *place = *state;
        _cleanup_free_ char *text = NULL;
        char error[512], prefix[16];
        Answer made, again;
        Vault vault;
        unsigned cost;
        size_t len;

        vault_start(place, &vault);
        assert_int_equal(ask_text(&vault, VAULT_HASH, &alice, "pw", NULL, &made), VAULT_OK);
        vault_stop(&vault, error, sizeof(error));
        assert_non_null(strstr(error, "ms of a core"));
        assert_int_equal(base_file_read(AT_FDCWD, place->file, 64, &text, &len), 0);
        assert_int_equal(vault_cost_parse(text, len, &cost), 0);
        snprintf(prefix, sizeof(prefix), "$y$%s$", vault_cost_name(cost));
        assert_non_null(strstr(error, vault_cost_name(cost)));
        made_is_of(place, &alice, &made, prefix);
        vault_start(place, &vault);
        assert_int_equal(ask_text(&vault, VAULT_VERIFY, &alice, "pw", &made, &again), VAULT_MATCH);
        assert_int_equal(again.head.flags, 0);
        vault_stop(&vault, error, sizeof(error));
        assert_string_equal(error, "");
}

static void a_verifier_of_less_cost_is_made_anew_at_the_next_login(void **state) {
        const Place *place = *state;
        VaultSubject upgraded = alice;
        Answer old, new, again;
        char error[512];
        Vault vault;

        upgraded.version = alice.version + 1;
        cost_write(place->dir, "yescrypt j9T\n");
        vault_start(place, &vault);
        assert_int_equal(ask_text(&vault, VAULT_HASH, &alice, "pw", NULL, &old), VAULT_OK);
        made_is_of(place, &alice, &old, "$y$j9T$");
        vault_stop(&vault, error, sizeof(error));
        cost_write(place->dir, "yescrypt jAT\n");
        vault_start(place, &vault);
        assert_int_equal(ask_text(&vault, VAULT_VERIFY, &alice, "px", &old, NULL), VAULT_NO_MATCH);
        assert_int_equal(ask_text(&vault, VAULT_VERIFY, &alice, "pw", &old, &new), VAULT_MATCH);
        assert_int_equal(new.head.flags, VAULT_FLAG_OLD_METHOD);
        made_is_of(place, &upgraded, &new, "$y$jAT$");
        assert_int_equal(ask_text(&vault, VAULT_VERIFY, &upgraded, "pw", &new, &again),
                         VAULT_MATCH);
        assert_int_equal(again.head.flags, 0);
        vault_stop(&vault, error, sizeof(error));
        assert_string_equal(error, "");
}

/* Nobody is kept out by it. */
static void a_damaged_cost_is_told_and_the_vault_serves_at_the_floor(void **state) {
        const Place *place = *state;
        char error[512];
        Answer made;
        Vault vault;

        cost_write(place->dir, "yescrypt j75\n");
        vault_start(place, &vault);
        assert_int_equal(ask_text(&vault, VAULT_HASH, &alice, "pw", NULL, &made), VAULT_OK);
        vault_stop(&vault, error, sizeof(error));
        assert_non_null(strstr(error, place->file));
        assert_non_null(strstr(error, "j9T"));
        made_is_of(place, &alice, &made, "$y$j9T$");
}

static void calibrating_says_what_was_and_is(void **state) {
        const Place *place = *state;
        char command[256], said[512];
        struct stat st;
        FILE *from;
        size_t len;

        cost_write(place->dir, "yescrypt jBT\n");
        snprintf(command, sizeof(command), "%s --calibrate --key-dir %s", vault_program,
                 place->dir);
        from = popen(command, "re");
        assert_non_null(from);
        len = fread(said, 1, sizeof(said) - 1, from);
        said[len] = '\0';
        assert_int_equal(pclose(from), 0);
        assert_non_null(strstr(said, "ms of a core"));
        assert_non_null(strstr(said, "the cost was jBT and stays"));
        assert_int_equal(unlink(place->file), 0);
        assert_int_equal(chown(place->dir, 65534, 65534), 0);
        from = popen(command, "re");
        assert_non_null(from);
        len = fread(said, 1, sizeof(said) - 1, from);
        said[len] = '\0';
        assert_int_equal(pclose(from), 0);
        assert_non_null(strstr(said, "the cost was none and is j"));
        assert_int_equal(stat(place->file, &st), 0);
        assert_int_equal(st.st_uid, 65534); /* whom the folder belongs to can read it */
        assert_int_equal(st.st_mode, S_IFREG | 0600);
}

#define IN_PLACE(f) cmocka_unit_test_setup_teardown(f, place_make, place_remove)

int main(int argc, char **argv) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(one_line_and_nothing_else_is_a_cost),
                cmocka_unit_test(the_lowest_cost_that_takes_40_ms_is_chosen),
                cmocka_unit_test(a_busy_machine_is_not_taken_for_a_slow_one),
                cmocka_unit_test(it_takes_no_more_hashes_than_it_must),
                cmocka_unit_test(a_cost_there_is_no_memory_for_is_not_chosen),
                cmocka_unit_test(all_workers_take_a_quarter_of_the_memory_at_most),
                IN_PLACE(it_is_measured_once_and_read_from_then_on),
                IN_PLACE(a_file_that_says_nothing_stays_and_is_told),
                IN_PLACE(it_is_raised_and_not_lowered),
                IN_PLACE(a_fresh_vault_chooses_and_hashes_by_it),
                IN_PLACE(a_verifier_of_less_cost_is_made_anew_at_the_next_login),
                IN_PLACE(a_damaged_cost_is_told_and_the_vault_serves_at_the_floor),
                IN_PLACE(calibrating_says_what_was_and_is),
        };

        if (argc != 2)
                return 2;
        vault_program = argv[1];
        return cmocka_run_group_tests(tests, NULL, NULL);
}
