/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* kill -9 under write load: what was acknowledged is there, what is there is whole.
 * 50 cycles; UM_TEST_FULL=1: 1,000. */

#include <signal.h>
#include <sys/wait.h>

#include "tests/unit/store_fixture.h"

#define FIRST_UID 70000U

/* Changes in batches of one to five, each told by its last uid once it is durable. */
static void writer_run(const char *dir, uint32_t next, int fd) {
        Store *store;

        if (store_open(dir, false, &store) != 0)
                _exit(2);
        for (unsigned batch = 1;; batch++) {
                for (unsigned i = 0; i < 1 + batch % 5; i++, next++) {
                        StoreAudit entry = audit_of("user.create", "");
                        StoreUser user;
                        StoreTxn *txn;
                        char name[16];
                        uint64_t seq;

                        snprintf(name, sizeof(name), "u%u", next);
                        user = user_of(next, name);
                        if (store_begin(store, &txn) || store_user_insert(txn, &user) ||
                            store_audit_append(txn, &entry, &seq) || store_commit(&txn))
                                _exit(3);
                }
                if (store_flush(store) || write(fd, &next, sizeof(next)) != sizeof(next))
                        _exit(4);
        }
}

/* The end of what was acknowledged before the kill, which comes after `acks` of them. */
static uint32_t killed_after(const char *dir, uint32_t next, unsigned acks) {
        uint32_t acknowledged = next, end;
        int fds[2], status;
        pid_t pid;

        must(pipe(fds));
        pid = fork();
        assert_true(pid >= 0);
        if (pid == 0) {
                close(fds[0]);
                writer_run(dir, next, fds[1]);
        }
        close(fds[1]);
        for (unsigned i = 0; i < acks && read(fds[0], &end, sizeof(end)) == sizeof(end); i++)
                acknowledged = end;
        must(kill(pid, SIGKILL));
        assert_int_equal(waitpid(pid, &status, 0), pid);
        assert_true(WIFSIGNALED(status)); /* it had not given up */
        while (read(fds[0], &end, sizeof(end)) == sizeof(end))
                acknowledged = end;
        close(fds[0]);
        return acknowledged;
}

static int uid_follows(void *userdata, const StoreUser *user) {
        uint32_t *next = userdata;

        return user->uid == (*next)++ ? 0 : -ESTALE;
}

/* All from the first on without a gap: the next uid.  The check of the chain goes on from the last
 * cycle's, so that a thousand cycles do not read it all a thousand times. */
static uint32_t survivors(Store *store, StoreAuditCheck *check) {
        StoreTxn *txn = reading(store);
        StoreStatistics statistics;
        uint32_t next = FIRST_UID;

        must(store_user_each(txn, uid_follows, &next));
        must(store_audit_verify(txn, UINT64_MAX, check));
        assert_true(check->done);
        assert_int_equal(check->next, next - FIRST_UID + 1);
        store_txn_abortp(&txn);
        must(store_statistics(store, &statistics));
        assert_int_equal(statistics.users, next - FIRST_UID);
        return next;
}

static void what_was_acknowledged_survives(void **state) {
        const char *full = getenv("UM_TEST_FULL");
        unsigned cycles = full && strcmp(full, "1") == 0 ? 1000 : 50;
        StoreAuditCheck running = {}, whole = {};
        uint32_t next = FIRST_UID;
        Bed bed = bed_make();

        srand(4711);
        for (unsigned i = 0; i < cycles; i++) {
                uint32_t acknowledged, found;

                bed.store = store_close(bed.store);
                acknowledged = killed_after(bed.dir, next, (unsigned)rand() % 12);
                must(store_open(bed.dir, false, &bed.store));
                found = survivors(bed.store, &running);
                assert_true(found >= acknowledged);
                next = found;
        }
        assert_true(next > FIRST_UID + cycles);
        assert_int_equal(survivors(bed.store, &whole), next);
        bed_done(&bed);
}

int main(void) {
        static const struct CMUnitTest tests[] = {
                cmocka_unit_test(what_was_acknowledged_survives),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
