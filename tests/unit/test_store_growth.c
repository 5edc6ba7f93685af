/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A map that is too small grows; at its limit, what ends something still works. */

#include <sys/stat.h>

#include "tests/unit/store_fixture.h"

#define MIB ((size_t)1 << 20)

/* A user whose record is a kilobyte, so that few make a map too small. */
static int user_add_numbered(Store *store, uid_t uid) {
        _cleanup_(store_txn_abortp) StoreTxn *txn = NULL;
        char name[16], title[1001];
        StoreUser user;
        int r;

        snprintf(name, sizeof(name), "u%u", uid);
        memset(title, 'x', sizeof(title) - 1);
        title[sizeof(title) - 1] = '\0';
        user = user_of(uid, name);
        user.title = title;
        r = store_begin(store, &txn);
        if (r == 0)
                r = store_user_insert(txn, &user);
        return r == 0 ? store_commit(&txn) : r;
}

static uint64_t map_of(Store *store) {
        StoreStatistics statistics;

        must(store_statistics(store, &statistics));
        return statistics.map_bytes;
}

static void a_map_grows_between_batches(void **state) {
        Bed bed = bed_make_sized(MIB, 64 * MIB);
        uid_t uid;

        for (uid = 70000; uid < 72000; uid++) {
                must(user_add_numbered(bed.store, uid));
                if (uid % 100 == 0)
                        must(store_flush(bed.store));
        }
        must(store_flush(bed.store));
        assert_true(map_of(bed.store) > MIB);
        assert_true(user_is_there(bed.store, "u70000"));
        assert_true(user_is_there(bed.store, "u71999"));
        bed_reopen(&bed); /* as any other */
        assert_true(user_is_there(bed.store, "u71999"));
        bed_done(&bed);
}

static void a_batch_nobody_flushes_outgrows_nothing(void **state) {
        Bed bed = bed_make_sized(MIB, 64 * MIB);
        StoreStatistics statistics;
        uid_t uid;

        for (uid = 70000; uid < 72000; uid++)
                must(user_add_numbered(bed.store, uid));
        must(store_statistics(bed.store, &statistics));
        assert_int_equal(statistics.users, 2000);
        assert_true(statistics.batches > 0); /* flushed by itself */
        assert_true(store_has_batch(bed.store));
        must(store_flush(bed.store));
        bed_reopen(&bed);
        assert_true(user_is_there(bed.store, "u71999"));
        bed_done(&bed);
}

static void one_transaction_too_large_is_refused_and_then_fits(void **state) {
        _cleanup_free_ uid_t *members = calloc(1000000, sizeof(*members));
        Bed bed = bed_make_sized(MIB, 64 * MIB);
        StoreGroup group = group_of(80000, "all");
        StoreTxn *txn;
        int r = -ENOSPC, tries = 0;

        for (uint32_t i = 0; i < 500000; i++)
                members[i] = i;
        must(user_add(bed.store, 70000, "alice"));
        must(store_flush(bed.store));
        group.members = members; /* 2 MB of record, 500,000 relations */
        group.member_count = 500000;
        for (; r == -ENOSPC && tries < 10; tries++) {
                txn = begun(bed.store);
                r = store_group_insert(txn, &group);
                if (r == -ENOSPC) /* what failed cannot be committed */
                        assert_int_equal(store_commit(&txn), -ENOSPC);
                store_txn_abortp(&txn);
                assert_true(user_is_there(bed.store, "alice"));
        }
        must(r);
        assert_true(tries > 1);
        bed_done(&bed);
}

static void a_reader_does_not_lose_its_map(void **state) {
        Bed bed = bed_make_sized(MIB, 64 * MIB);
        StoreUser *user = NULL;
        StoreTxn *reader;
        uid_t uid = 70001;
        int r = 0;

        must(user_add(bed.store, 70000, "alice"));
        must(store_flush(bed.store));
        reader = reading(bed.store);
        for (; r == 0 && uid < 90000; uid++) { /* cannot grow as long as it reads */
                r = user_add_numbered(bed.store, uid);
                if (r == 0)
                        r = store_flush(bed.store);
        }
        assert_int_equal(r, -ENOSPC);
        must(store_user_get_by_name(reader, "alice", &user));
        store_user_free(user);
        store_txn_abortp(&reader);
        must(store_flush(bed.store));
        must(user_add_numbered(bed.store, uid));
        must(store_flush(bed.store));
        assert_true(map_of(bed.store) > MIB);
        bed_done(&bed);
}

static void tombstone(Store *store, uid_t uid) {
        const StoreGrant grant = { .uid = uid, .role = "login", .tenant = "local", .over = "" };
        StoreAudit entry = audit_of("user.delete", "user/x");
        _cleanup_(store_user_freep) StoreUser *user = NULL;
        StoreTxn *txn = begun(store);
        uint64_t seq;

        must(store_user_get(txn, uid, &user));
        user->status = USER_STATUS_DELETED;
        must(store_user_update(txn, user));
        must(store_grant_delete(txn, &grant));
        must(store_audit_append(txn, &entry, &seq));
        must(store_event_append(txn, "user.deleted", "user/x", 1, &seq));
        must(store_commit(&txn));
        must(store_flush(store));
}

static void at_the_limit_deletions_still_work(void **state) {
        Bed bed = bed_make_sized(4 * MIB, 4 * MIB);
        StoreGroup group = group_of(69999, "late");
        uid_t uid, last = 70000;
        StoreTxn *txn;
        int r = 0;

        for (; r == 0; last++) {
                StoreGrant grant = {
                        .uid = last, .role = "login", .tenant = "local", .reason = "", .over = ""
                };

                r = user_add_numbered(bed.store, last);
                if (r != 0)
                        break;
                txn = begun(bed.store);
                must(store_grant_put_first(txn, &grant));
                must(store_commit(&txn));
                if (last % 20 == 0)
                        must(store_flush(bed.store));
        }
        assert_int_equal(r, -ENOSPC);
        assert_true(last > 71000);
        (void)store_flush(bed.store);
        txn = begun(bed.store);
        assert_int_equal(store_group_insert(txn, &group), -ENOSPC);
        store_txn_abortp(&txn);
        for (uid = 70000; uid < 70100; uid++)
                tombstone(bed.store, uid);
        assert_int_equal(map_of(bed.store), 4 * MIB);
        bed.store = store_close(bed.store);
        must(store_open_sized(bed.dir, false, 4 * MIB, 4 * MIB, &bed.store));
        assert_int_equal(user_add_numbered(bed.store, last), -ENOSPC);
        bed.store = store_close(bed.store); /* a higher limit ends the plight */
        must(store_open_sized(bed.dir, false, 4 * MIB, 16 * MIB, &bed.store));
        must(user_add_numbered(bed.store, last));
        must(store_flush(bed.store));
        bed_done(&bed);
}

static uint64_t disk_bytes(const Bed *bed) {
        char path[160];
        struct stat st;

        snprintf(path, sizeof(path), "%s/data.mdb", bed->dir);
        must(stat(path, &st));
        return (uint64_t)st.st_blocks * 512;
}

/* What others do to the disk takes nothing of it away. */
static void the_disk_has_blocks_ahead_of_what_is_used(void **state) {
        Bed bed = bed_make_sized(64 * MIB, 64 * MIB);
        StoreStatistics statistics;
        uint64_t before;
        uid_t uid = 70000;

        must(user_add_numbered(bed.store, uid++));
        before = disk_bytes(&bed);
        assert_true(before >= 4 * MIB && before < 6 * MIB);
        for (; uid < 76000; uid++) {
                must(user_add_numbered(bed.store, uid));
                if (uid % 50 == 0)
                        must(store_flush(bed.store));
        }
        must(store_flush(bed.store));
        must(user_add_numbered(bed.store, uid));
        must(store_statistics(bed.store, &statistics));
        assert_false(store_disk_is_full(bed.store));
        assert_true(statistics.used_bytes > 6 * MIB);
        assert_true(disk_bytes(&bed) >= statistics.used_bytes + 2 * MIB);
        assert_true(disk_bytes(&bed) < statistics.used_bytes + 6 * MIB);
        bed_done(&bed);
}

/* Until the last page is gone: what is there stays there, and removing something helps. */
static void a_full_map_is_not_the_end(void **state) {
        Bed bed = bed_make_sized(MIB, MIB);
        char text[4001];
        StoreValue value = { "text", NULL, text };
        StoreAudit entry = audit_of("fill", "");
        StoreCredential credential = { .uid = 70000 };
        StoreAuditCheck check = {};
        StoreTxn *txn;
        uint64_t seq;
        int r = 0;

        memset(text, 'x', sizeof(text));
        text[4000] = '\0';
        entry.values = &value;
        entry.value_count = 1;
        txn = begun(bed.store);
        must(store_credential_put(txn, &credential));
        must(store_commit(&txn));
        for (int i = 0; r == 0; i++) {
                assert_true(i < 1000);
                txn = begun(bed.store);
                r = store_audit_append(txn, &entry, &seq);
                if (r == 0)
                        r = store_commit(&txn);
                store_txn_abortp(&txn);
                if (r == 0)
                        r = store_flush(bed.store);
        }
        assert_int_equal(r, -ENOSPC);
        (void)store_flush(bed.store);
        txn = begun(bed.store);
        must(store_credential_delete(txn, 70000));
        must(store_commit(&txn));
        must(store_flush(bed.store));
        txn = reading(bed.store);
        must(store_audit_verify(txn, UINT64_MAX, &check));
        assert_true(check.done);
        store_txn_abortp(&txn);
        bed_done(&bed);
}

int main(void) {
        static const struct CMUnitTest tests[] = {
                cmocka_unit_test(a_map_grows_between_batches),
                cmocka_unit_test(a_batch_nobody_flushes_outgrows_nothing),
                cmocka_unit_test(one_transaction_too_large_is_refused_and_then_fits),
                cmocka_unit_test(a_reader_does_not_lose_its_map),
                cmocka_unit_test(at_the_limit_deletions_still_work),
                cmocka_unit_test(the_disk_has_blocks_ahead_of_what_is_used),
                cmocka_unit_test(a_full_map_is_not_the_end),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
