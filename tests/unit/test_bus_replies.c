/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* bus over the real core, in one loop with its clients: replies wait for the flush, a flush that
 * fails makes errors of them, and calls that wait for the vault survive whoever asked. */

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/base.h"
#include "wire/wire.h"
#include "umd/bus/bus.h"
#include "umd/core/core.h"

#define ALICE WIRE_PATH_USER "/alice"

typedef struct Stand {
        char dir[64], socket[96];
        sd_event *event;
        Core *core;
        Bus *bus;
        sd_bus *client;
        CoreVaultDone vault_done; /* the vault's request under way */
        void *vault_userdata;
        CoreQualityDone quality_done; /* um-quality's */
        void *quality_userdata;
        int logged, flushes_called;
} Stand;

/* ---- the host and the vault ------------------------------------------------------------------ */

static const char *host_name_held(void *userdata, const char *name, bool group) {
        return NULL;
}

static bool host_id_held(void *userdata, uint32_t id, char *ret_holder, size_t size) {
        return false;
}

static bool host_time_zone_known(void *userdata, const char *zone) {
        return true;
}

static bool host_home_held(void *userdata, const char *home, char *ret_holder, size_t size) {
        return false;
}

static void host_refresh(void *userdata) {
}

static void host_flush_wanted(void *userdata) {
        Stand *stand = userdata; /* the test flushes when it wants to */

        stand->flushes_called++;
}

static void host_clock(void *userdata, CoreClock *ret) {
        *ret = (CoreClock){ .boottime_usec = base_boottime_usec() };
}

static void host_wake_at(void *userdata, uint64_t boottime_usec) {
}

static void host_lockout(void *userdata, const CoreLockout *lockout) {
}

static int vault_wait(Stand *stand, CoreVaultDone done, void *userdata) {
        stand->vault_done = done;
        stand->vault_userdata = userdata;
        return 0;
}

static int vault_verify(void *userdata, uid_t uid, CoreFrom from, uint32_t kind,
                        const void *verifier, size_t len, uint64_t version, uint64_t new_version,
                        const Secret *secret, CoreVaultDone done, void *done_userdata) {
        return vault_wait(userdata, done, done_userdata);
}

static int vault_hash(void *userdata, uid_t uid, uint32_t kind, uint64_t new_version,
                      const Secret *secret, CoreVaultDone done, void *done_userdata) {
        return vault_wait(userdata, done, done_userdata);
}

static int vault_spend(void *userdata, uint32_t lane, CoreFrom from, const Secret *secret,
                       CoreVaultDone done, void *done_userdata) {
        return vault_wait(userdata, done, done_userdata);
}

static bool vault_ready(void *userdata) {
        return true;
}

static void vault_answer(Stand *stand) {
        CoreVaultDone done = stand->vault_done;

        assert_non_null(done);
        stand->vault_done = NULL;
        done(stand->vault_userdata, CORE_PROOF_MATCH, "verifier", 8, base_realtime_usec());
}

/* The password is right, and its hash of a good method. */
static void vault_match(Stand *stand) {
        CoreVaultDone done = stand->vault_done;

        assert_non_null(done);
        stand->vault_done = NULL;
        done(stand->vault_userdata, CORE_PROOF_MATCH, NULL, 0, base_realtime_usec());
}

static int quality_check(void *userdata, const CoreQualityRequest *request, CoreQualityDone done,
                         void *done_userdata) {
        Stand *stand = userdata;

        stand->quality_done = done;
        stand->quality_userdata = done_userdata;
        return 0;
}

/* It is asked before the vault is, and finds nothing. */
static void quality_answer(Stand *stand) {
        static const CoreQualityAnswer good = { 0 };
        CoreQualityDone done = stand->quality_done;

        assert_non_null(done);
        stand->quality_done = NULL;
        done(stand->quality_userdata, &good, base_realtime_usec());
}

static void helper_end_sessions(void *userdata, uid_t uid) {
}

static int helper_make_home(void *userdata, uid_t uid, CoreHelperDone done, void *done_userdata) {
        return -ENOTCONN;
}

static void host_log(void *userdata, int fault, const char *text) {
        Stand *stand = userdata;

        stand->logged++;
}

/* ---- the stand ------------------------------------------------------------------------------- */

static void core_start(Stand *stand) {
        const CoreSettings settings = {
                .id_first = 65536,
                .id_last = 524287,
                .shell = "/bin/bash",
                .home_root = "/home",
                .tenant = "local",
        };
        const CoreHost host = {
                stand,          host_name_held, host_id_held,      host_time_zone_known,
                host_home_held, host_refresh,   host_flush_wanted, NULL,
                host_clock,     host_wake_at,   host_lockout,
        };
        const CoreVault vault = { stand,      vault_verify, vault_hash,
                                  vault_hash, vault_spend,  vault_ready };
        const CoreQuality quality = { stand, quality_check };
        const CoreHelper helper = { stand, helper_make_home, helper_end_sessions };
        CoreError error = { 0 };

        assert_int_equal(core_new(stand->dir, &settings, &host, &vault, &quality, &helper,
                                  &stand->core, &error),
                         0);
        assert_int_equal(core_flush(stand->core), 0);
}

static int socket_listen(const char *path) {
        struct sockaddr_un address = { .sun_family = AF_UNIX };
        int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

        (void)snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
        assert_true(fd >= 0);
        assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
        assert_int_equal(listen(fd, 16), 0);
        return fd;
}

static sd_bus *client_new(Stand *stand) {
        sd_bus *client = NULL;
        char address[128];

        (void)snprintf(address, sizeof(address), "unix:path=%s", stand->socket);
        assert_true(sd_bus_new(&client) >= 0);
        assert_true(sd_bus_set_address(client, address) >= 0);
        assert_true(sd_bus_start(client) >= 0);
        assert_true(sd_bus_attach_event(client, stand->event, 0) >= 0);
        return client;
}

static void bus_start(Stand *stand, Core *core, const char *why) {
        const BusHost host = { .userdata = stand, .log = host_log };

        assert_int_equal(bus_new(stand->event, core, why, &host, &stand->bus), 0);
        assert_int_equal(bus_listen(stand->bus, socket_listen(stand->socket)), 0);
        stand->client = client_new(stand);
}

static int stand_up(void **state) {
        Stand *stand = calloc(1, sizeof(*stand));

        assert_non_null(stand);
        (void)snprintf(stand->dir, sizeof(stand->dir), "/tmp/um-test-bus-XXXXXX");
        assert_non_null(mkdtemp(stand->dir));
        (void)snprintf(stand->socket, sizeof(stand->socket), "%s/bus", stand->dir);
        assert_true(sd_event_new(&stand->event) >= 0);
        core_start(stand);
        *state = stand;
        return 0;
}

static void client_free(sd_bus *client) {
        if (client)
                (void)sd_bus_detach_event(client);
        sd_bus_close_unref(client);
}

static int stand_down(void **state) {
        static const char *const files[] = { "bus", "data.mdb", "lock.mdb", "store-was-made" };
        Stand *stand = *state;

        client_free(stand->client);
        bus_free(stand->bus);
        core_free(stand->core);
        if (stand->quality_done)
                quality_answer(stand); /* to nobody, who frees the request */
        if (stand->vault_done)
                vault_answer(stand);
        sd_event_unref(stand->event);
        for (size_t i = 0; i < ARRAY_LENGTH(files); i++) {
                char path[128];

                (void)snprintf(path, sizeof(path), "%s/%s", stand->dir, files[i]);
                (void)unlink(path);
        }
        (void)rmdir(stand->dir);
        free(stand);
        return 0;
}

/* ---- calls ----------------------------------------------------------------------------------- */

typedef struct Answer {
        bool here;
        char error[128];
        char text[64]; /* its first argument, if that is a string */
        int order;
} Answer;

static int answers; /* in the order they come; reset by each test */

static int answer_take(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        const sd_bus_error *e = sd_bus_message_get_error(m);
        Answer *answer = userdata;
        const char *text;

        if (sd_bus_message_read_basic(m, 's', &text) > 0)
                (void)snprintf(answer->text, sizeof(answer->text), "%s", text);
        answer->here = true;
        answer->order = ++answers;
        (void)snprintf(answer->error, sizeof(answer->error), "%s", e ? e->name : "");
        return 0;
}

static void ask(sd_bus *client, Answer *answer, const char *path, const char *interface,
                const char *member, const char *types, ...) {
        sd_bus_message *m = NULL;
        va_list arguments;

        *answer = (Answer){ 0 };
        assert_true(sd_bus_message_new_method_call(client, &m, NULL, path, interface, member) >= 0);
        va_start(arguments, types);
        assert_true(sd_bus_message_appendv(m, types, arguments) >= 0);
        va_end(arguments);
        assert_true(sd_bus_call_async(client, NULL, m, answer_take, answer, 0) >= 0);
        sd_bus_message_unref(m);
}

static void create(sd_bus *client, Answer *answer, const char *name) {
        ask(client, answer, WIRE_PATH, WIRE_MANAGER, "CreateUser", "sa{sv}a{sv}", name, 0, 0);
}

/* Runs the loop until *done, or until nothing happened for a while. */
static void run(Stand *stand, const bool *done) {
        for (;;) {
                int r = sd_event_run(stand->event, done ? 5 * USEC_PER_SEC : 50 * USEC_PER_MSEC);

                assert_true(r >= 0);
                if (r == 0 || (done && *done))
                        return;
        }
}

static void flush(Stand *stand) {
        bus_flushed(stand->bus, core_flush(stand->core));
        core_wake(stand->core, base_realtime_usec());
}

static void make_alice(Stand *stand) {
        Answer answer;

        create(stand->client, &answer, "alice");
        run(stand, NULL);
        flush(stand);
        run(stand, &answer.here);
        assert_string_equal(answer.error, "");
}

/* ---- the rules ------------------------------------------------------------------------------- */

static void a_reply_waits_for_the_flush(void **state) {
        Stand *stand = *state;
        Answer made, read;

        bus_start(stand, stand->core, NULL);
        create(stand->client, &made, "alice");
        ask(stand->client, &read, WIRE_PATH, WIRE_MANAGER, "GetUserByName", "s", "alice");
        run(stand, NULL);
        assert_true(core_has_unflushed(stand->core));
        assert_false(made.here);
        assert_false(read.here); /* it has read what may not be there tomorrow */
        answers = 0;
        flush(stand);
        run(stand, &read.here);
        assert_string_equal(made.error, "");
        assert_string_equal(read.error, "");
        assert_int_equal(made.order, 1);
        assert_int_equal(read.order, 2);
        ask(stand->client, &read, WIRE_PATH, WIRE_MANAGER, "GetUserByName", "s", "alice");
        run(stand, &read.here);
        assert_true(read.here); /* nothing is open: at once */
}

static void a_flush_that_fails_makes_errors_of_all_that_waited(void **state) {
        Answer made, read, refused, after;
        Stand *stand = *state;

        bus_start(stand, stand->core, NULL);
        create(stand->client, &made, "alice");
        ask(stand->client, &read, WIRE_PATH, WIRE_MANAGER, "GetUserByName", "s", "alice");
        ask(stand->client, &refused, WIRE_PATH, WIRE_MANAGER, "GetUserByName", "s", "nobody");
        run(stand, NULL);
        bus_flushed(stand->bus, -EIO);
        run(stand, NULL);
        assert_string_equal(made.error, "org.um1.Error.Fault");
        assert_string_equal(read.error, "org.um1.Error.Fault");
        assert_string_equal(refused.error, "org.um1.Error.Fault");
        assert_int_equal(core_flush(stand->core), 0);
        bus_flushed(stand->bus, 0);
        ask(stand->client, &after, WIRE_PATH, WIRE_MANAGER, "Status", "");
        run(stand, &after.here);
        assert_string_equal(after.error, "");
}

static void a_store_that_is_not_served_is_said_to_everybody(void **state) {
        Stand *stand = *state;
        Answer answer;

        bus_start(stand, NULL, "the store is damaged");
        create(stand->client, &answer, "alice");
        run(stand, &answer.here);
        assert_string_equal(answer.error, "org.um1.Error.Unavailable");
        ask(stand->client, &answer, WIRE_PATH, WIRE_NSS, "GetUserByName", "s", "alice");
        run(stand, &answer.here);
        assert_string_equal(answer.error, "org.um1.Error.Unavailable");
        ask(stand->client, &answer, WIRE_PATH, WIRE_MANAGER, "Status", "");
        run(stand, &answer.here);
        assert_string_equal(answer.error, "");
}

static void password_ask(Stand *stand, Answer *answer) {
        ask(stand->client, answer, ALICE, WIRE_USER, "SetPassword", "aya{sv}a{sv}", 4, 'a', 'b',
            'c', 'd', 0, 0);
        run(stand, NULL);
}

static void a_call_waits_for_the_vault_and_others_do_not(void **state) {
        Answer password, status;
        Stand *stand = *state;

        bus_start(stand, stand->core, NULL);
        make_alice(stand);
        password_ask(stand, &password);
        ask(stand->client, &status, WIRE_PATH, WIRE_MANAGER, "Status", "");
        run(stand, &status.here);
        assert_true(status.here);
        assert_false(password.here);
        quality_answer(stand);
        vault_answer(stand);
        run(stand, NULL);
        assert_false(password.here); /* not durable yet */
        flush(stand);
        run(stand, &password.here);
        assert_string_equal(password.error, "");
}

static void a_change_goes_on_when_who_asked_has_left(void **state) {
        Answer password, look;
        Stand *stand = *state;

        bus_start(stand, stand->core, NULL);
        make_alice(stand);
        password_ask(stand, &password);
        client_free(stand->client);
        stand->client = NULL;
        run(stand, NULL);
        quality_answer(stand);
        vault_answer(stand);
        flush(stand);
        stand->client = client_new(stand);
        ask(stand->client, &look, ALICE, "org.freedesktop.DBus.Properties", "Get", "ss", WIRE_USER,
            "HasPassword");
        run(stand, &look.here);
        assert_string_equal(look.error, "");
        assert_int_equal(stand->logged, 0); /* to be left is no fault */
}

/* What else is asked meanwhile waits, and calls for the flush. */
static void a_right_password_is_answered_before_the_flush_and_nothing_else(void **state) {
        Answer password, begun, proved, status;
        Stand *stand = *state;

        if (getuid() != 0)
                skip(); /* others may not log alice in */
        bus_start(stand, stand->core, NULL);
        make_alice(stand);
        password_ask(stand, &password);
        quality_answer(stand);
        vault_answer(stand);
        flush(stand);
        ask(stand->client, &begun, WIRE_PATH, WIRE_LOGIN, "Begin", "a{sv}", 3, "operation", "s",
            "authenticate", "user", "s", "alice", "service", "s", "sshd");
        run(stand, &begun.here);
        ask(stand->client, &proved, WIRE_PATH, WIRE_LOGIN, "Answer", "say", begun.text, 4, 'a', 'b',
            'c', 'd');
        run(stand, NULL);
        flush(stand); /* the attempt is charged */
        stand->flushes_called = 0;
        vault_match(stand);
        run(stand, &proved.here);
        assert_string_equal(proved.error, "");
        assert_true(core_has_unflushed(stand->core));
        assert_int_equal(stand->flushes_called, 0);
        ask(stand->client, &status, WIRE_PATH, WIRE_MANAGER, "Status", "");
        run(stand, NULL);
        assert_false(status.here);
        assert_int_equal(stand->flushes_called, 1);
        flush(stand);
        run(stand, &status.here);
        assert_string_equal(status.error, "");
}

static void a_login_ends_with_its_connection(void **state) {
        Stand *stand = *state;
        Answer begun, status;

        bus_start(stand, stand->core, NULL);
        make_alice(stand);
        ask(stand->client, &begun, WIRE_PATH, WIRE_LOGIN, "Begin", "a{sv}", 3, "operation", "s",
            "authenticate", "user", "s", "nobody-has-this", "service", "s", "sshd");
        run(stand, NULL);
        client_free(stand->client);
        stand->client = client_new(stand);
        ask(stand->client, &status, WIRE_PATH, WIRE_MANAGER, "Status", "");
        run(stand, &status.here);
        assert_string_equal(status.error, "");
}

static void the_bus_may_be_freed_while_calls_wait(void **state) {
        Answer password, made;
        Stand *stand = *state;

        bus_start(stand, stand->core, NULL);
        make_alice(stand);
        password_ask(stand, &password);
        create(stand->client, &made, "bob");
        run(stand, NULL);
        stand->bus = bus_free(stand->bus);
        run(stand, NULL);
        assert_true(made.here && made.error[0] != '\0'); /* hung up */
}

/* The eight in flight all wait; the ninth waits at the gate, and nothing is lost. */
static void calls_beyond_the_limit_wait_their_turn(void **state) {
        Stand *stand = *state;
        Answer made[20];

        bus_start(stand, stand->core, NULL);
        for (int i = 0; i < 20; i++) {
                char name[16];

                (void)snprintf(name, sizeof(name), "user%d", i);
                create(stand->client, &made[i], name);
        }
        for (int rounds = 0; rounds < 20 && !made[19].here; rounds++) {
                run(stand, NULL);
                flush(stand);
        }
        run(stand, NULL);
        for (int i = 0; i < 20; i++) {
                assert_true(made[i].here);
                assert_string_equal(made[i].error, "");
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(a_reply_waits_for_the_flush, stand_up, stand_down),
                cmocka_unit_test_setup_teardown(a_flush_that_fails_makes_errors_of_all_that_waited,
                                                stand_up, stand_down),
                cmocka_unit_test_setup_teardown(a_store_that_is_not_served_is_said_to_everybody,
                                                stand_up, stand_down),
                cmocka_unit_test_setup_teardown(a_call_waits_for_the_vault_and_others_do_not,
                                                stand_up, stand_down),
                cmocka_unit_test_setup_teardown(a_change_goes_on_when_who_asked_has_left, stand_up,
                                                stand_down),
                cmocka_unit_test_setup_teardown(a_login_ends_with_its_connection, stand_up,
                                                stand_down),
                cmocka_unit_test_setup_teardown(
                        a_right_password_is_answered_before_the_flush_and_nothing_else, stand_up,
                        stand_down),
                cmocka_unit_test_setup_teardown(the_bus_may_be_freed_while_calls_wait, stand_up,
                                                stand_down),
                cmocka_unit_test_setup_teardown(calls_beyond_the_limit_wait_their_turn, stand_up,
                                                stand_down),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
