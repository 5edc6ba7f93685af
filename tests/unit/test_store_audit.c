/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The audit chain: what was appended comes back, and whatever is done to it behind um's back is
 * found, at the entry it was done to. */

#include "tests/unit/store_fixture.h"

static const StoreValue alice_values[] = {
        { "full_name", NULL, "Alice" },
        { "email", "", "a@example.org" },
        { "title", "Dr", NULL },
        { "none", NULL, NULL },
};

/* Entries 1 to count; every third has no values. */
static void entries_append(Store *store, uint64_t count) {
        StoreTxn *txn = begun(store);
        uint64_t seq;

        for (uint64_t i = 1; i <= count; i++) {
                StoreAudit entry = audit_of("user.update", "user/alice");

                entry.actor = (uid_t)i;
                if (i % 3 != 0) {
                        entry.values = alice_values;
                        entry.value_count = ARRAY_LENGTH(alice_values);
                }
                must(store_audit_append(txn, &entry, &seq));
                assert_int_equal(seq, i);
        }
        must(store_commit(&txn));
        must(store_flush(store));
}

static void an_entry_comes_back_as_it_was(void **state) {
        Bed bed = bed_make();
        StoreTxn *txn = begun(bed.store);
        StoreAudit in = {
                .time_usec = 12,
                .type = "login",
                .verb = "authenticate",
                .object = "user/alice",
                .object_id = 70000,
                .actor = 0,
                .login_uid = 1000,
                .via = "pam",
                .service = "sshd",
                .source = "192.0.2.1",
                .tty = "ssh",
                .outcome = "deny",
                .reason = "locked",
                .values = alice_values,
                .value_count = ARRAY_LENGTH(alice_values),
        };
        StoreAudit *out = NULL;
        uint64_t seq, first, last;

        must(store_audit_range(txn, &first, &last));
        assert_int_equal(first, 0);
        assert_int_equal(last, 0);
        must(store_audit_append(txn, &in, &seq));
        must(store_audit_range(txn, &first, &last));
        assert_int_equal(first, 1);
        assert_int_equal(last, 1);
        assert_int_equal(store_audit_get(txn, 2, &out), STORE_E_MISSING);
        assert_int_equal(store_audit_get(txn, 0, &out), STORE_E_MISSING);
        must(store_audit_get(txn, 1, &out));
        assert_int_equal(out->seq, 1);
        assert_int_equal(out->time_usec, 12);
        assert_string_equal(out->type, "login");
        assert_string_equal(out->verb, "authenticate");
        assert_string_equal(out->object, "user/alice");
        assert_int_equal(out->object_id, 70000);
        assert_int_equal(out->actor, 0);
        assert_int_equal(out->login_uid, 1000);
        assert_string_equal(out->via, "pam");
        assert_string_equal(out->service, "sshd");
        assert_string_equal(out->source, "192.0.2.1");
        assert_string_equal(out->tty, "ssh");
        assert_string_equal(out->outcome, "deny");
        assert_string_equal(out->reason, "locked");
        assert_int_equal(out->value_count, ARRAY_LENGTH(alice_values));
        assert_string_equal(out->values[0].field, "full_name");
        assert_null(out->values[0].before);
        assert_string_equal(out->values[0].after, "Alice");
        assert_string_equal(out->values[1].before, ""); /* empty is not absent */
        assert_null(out->values[2].after);
        assert_null(out->values[3].before);
        assert_null(out->values[3].after);
        store_audit_free(out);
        must(store_commit(&txn));
        bed_done(&bed);
}

static void what_is_too_large_is_refused_and_leaves_no_half(void **state) {
        _cleanup_free_ char *large = malloc(CODEC_VALUE_MAX + 2);
        StoreValue value = { "x", NULL, large };
        StoreAudit entry = audit_of("v", "");
        StoreAuditCheck check = {};
        Bed bed = bed_make();
        StoreTxn *txn = begun(bed.store);
        uint64_t seq;

        memset(large, 'a', CODEC_VALUE_MAX + 1);
        large[CODEC_VALUE_MAX + 1] = '\0';
        entry.values = &value;
        entry.value_count = 1;
        assert_int_equal(store_audit_append(txn, &entry, &seq), -EINVAL);
        entry.value_count = 257;
        assert_int_equal(store_audit_append(txn, &entry, &seq), -EINVAL);
        entry.value_count = 1;
        entry.type = ""; /* the values alone would do */
        large[CODEC_VALUE_MAX] = '\0';
        assert_int_equal(store_audit_append(txn, &entry, &seq), -EINVAL);
        entry.type = "change";
        must(store_audit_append(txn, &entry, &seq));
        assert_int_equal(seq, 1);
        must(store_audit_verify(txn, 10, &check));
        assert_true(check.done);
        must(store_commit(&txn));
        bed_done(&bed);
}

/* The whole chain in pieces of `piece`. */
static StoreAuditCheck verified(Store *store, uint64_t piece) {
        StoreTxn *txn = reading(store);
        StoreAuditCheck check = {};

        while (!check.done && check.bad_seq == 0)
                must(store_audit_verify(txn, piece, &check));
        store_txn_abortp(&txn);
        return check;
}

static void a_whole_chain_verifies_in_pieces_of_any_size(void **state) {
        static const uint64_t pieces[] = { 1, 2, 7, 30, 1000 };
        Bed bed = bed_make();
        StoreAuditCheck check = verified(bed.store, 5);

        assert_true(check.done); /* an empty one too */
        entries_append(bed.store, 30);
        bed_reopen(&bed);
        for (size_t i = 0; i < ARRAY_LENGTH(pieces); i++) {
                check = verified(bed.store, pieces[i]);
                assert_true(check.done);
                assert_int_equal(check.bad_seq, 0);
                assert_int_equal(check.next, 31);
        }
        bed_done(&bed);
}

static void a_check_goes_on_where_it_ended(void **state) {
        Bed bed = bed_make();
        StoreAudit entry = audit_of("v", "");
        StoreAuditCheck check = {};
        StoreTxn *txn = begun(bed.store);
        uint64_t seq;

        must(store_audit_append(txn, &entry, &seq));
        must(store_audit_verify(txn, 10, &check));
        assert_true(check.done);
        must(store_audit_append(txn, &entry, &seq));
        must(store_audit_verify(txn, 10, &check));
        assert_true(check.done);
        assert_int_equal(check.next, 3);
        must(store_commit(&txn));
        bed_done(&bed);
}

/* ---- what is done behind um's back, with the same parts it uses ---------------------------- */

static void bytes_flip(StoreTxn *txn, LogPart part, uint64_t seq, size_t from_end) {
        uint8_t key[LOG_KEY_BYTES], copy[1024];
        MDB_val data;

        key_log(key, seq, part);
        must(table_get(txn, TABLE_LOG, key, sizeof(key), &data));
        assert_true(data.mv_size < sizeof(copy) && from_end < data.mv_size);
        memcpy(copy, data.mv_data, data.mv_size);
        copy[data.mv_size - 1 - from_end] ^= 1;
        must(table_put(txn, TABLE_LOG, key, sizeof(key), copy, data.mv_size, 0));
}

static void row_copy(StoreTxn *txn, LogPart part, uint64_t from, uint64_t to) {
        uint8_t key[LOG_KEY_BYTES], copy[1024];
        MDB_val data;

        key_log(key, from, part);
        must(table_get(txn, TABLE_LOG, key, sizeof(key), &data));
        memcpy(copy, data.mv_data, data.mv_size);
        key_log(key, to, part);
        must(table_put(txn, TABLE_LOG, key, sizeof(key), copy, data.mv_size, 0));
}

static void row_delete(StoreTxn *txn, LogPart part, uint64_t seq) {
        uint8_t key[LOG_KEY_BYTES];

        key_log(key, seq, part);
        must(table_delete(txn, TABLE_LOG, key, sizeof(key)));
}

static void public_part_altered(StoreTxn *txn) {
        bytes_flip(txn, LOG_ENTRY, 5, STORE_HASH_BYTES + 40); /* inside a text or the digest */
}

static void hash_altered(StoreTxn *txn) {
        bytes_flip(txn, LOG_ENTRY, 5, 0);
}

static void structure_broken(StoreTxn *txn) {
        uint8_t key[LOG_KEY_BYTES];

        key_log(key, 5, LOG_ENTRY);
        must(table_put(txn, TABLE_LOG, key, sizeof(key), "x", 1, 0));
}

static void values_altered(StoreTxn *txn) {
        bytes_flip(txn, LOG_VALUES, 5, 0);
}

static void values_of_another(StoreTxn *txn) {
        row_copy(txn, LOG_VALUES, 4, 5);
}

static void values_added(StoreTxn *txn) {
        row_copy(txn, LOG_VALUES, 5, 6); /* 6 was made without */
}

static void entry_removed(StoreTxn *txn) {
        row_delete(txn, LOG_ENTRY, 5);
}

static void entries_swapped(StoreTxn *txn) {
        row_copy(txn, LOG_ENTRY, 5, 90);
        row_copy(txn, LOG_ENTRY, 7, 5);
        row_copy(txn, LOG_ENTRY, 90, 7);
        row_delete(txn, LOG_ENTRY, 90);
}

static void end_cut_off(StoreTxn *txn) {
        row_delete(txn, LOG_ENTRY, 10);
        row_delete(txn, LOG_VALUES, 10);
}

static void end_cut_off_and_head_lowered(StoreTxn *txn) {
        end_cut_off(txn);
        txn->meta.audit_last = 9; /* but nobody can make the hash of the ninth the head's */
        txn->meta_changed = true;
}

static void head_altered(StoreTxn *txn) {
        txn->meta.audit_hash[0] ^= 1;
        txn->meta_changed = true;
}

static void entry_added_at_the_end(StoreTxn *txn) {
        row_copy(txn, LOG_ENTRY, 10, 11);
}

static void values_added_at_the_end(StoreTxn *txn) {
        row_copy(txn, LOG_VALUES, 10, 11);
}

static void chain_emptied(StoreTxn *txn) {
        for (uint64_t seq = 1; seq <= 10; seq++)
                row_delete(txn, LOG_ENTRY, seq);
}

static void whatever_is_done_to_the_chain_is_found(void **state) {
        static const struct {
                void (*tamper)(StoreTxn *txn);
                uint64_t bad_seq;
        } rows[] = {
                { public_part_altered, 5 },
                { hash_altered, 5 },
                { structure_broken, 5 },
                { values_altered, 5 },
                { values_of_another, 5 },
                { values_added, 6 },
                { entry_removed, 5 },
                { entries_swapped, 5 },
                { end_cut_off, 10 },
                { end_cut_off_and_head_lowered, 9 },
                { head_altered, 10 },
                { entry_added_at_the_end, 11 },
                { values_added_at_the_end, 11 },
                { chain_emptied, 1 },
        };

        for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
                Bed bed = bed_make();
                StoreAuditCheck check;
                StoreTxn *txn;

                entries_append(bed.store, 10);
                txn = begun(bed.store);
                rows[i].tamper(txn);
                must(store_commit(&txn));
                must(store_flush(bed.store));
                check = verified(bed.store, 3);
                assert_false(check.done);
                if (check.bad_seq != rows[i].bad_seq)
                        fail_msg("row %zu: found at %d, not at %d", i, (int)check.bad_seq,
                                 (int)rows[i].bad_seq);
                assert_non_null(check.bad_why);
                bed_done(&bed);
        }
}

/* Every single bit of an entry's row and of its values' row. */
static void no_bit_can_change_unnoticed(void **state) {
        static const LogPart parts[] = { LOG_ENTRY, LOG_VALUES };
        Bed bed = bed_make();

        entries_append(bed.store, 4);
        for (size_t t = 0; t < ARRAY_LENGTH(parts); t++)
                for (size_t bit = 0;; bit++) {
                        StoreTxn *txn = begun(bed.store);
                        StoreAuditCheck check = {};
                        uint8_t key[LOG_KEY_BYTES], copy[1024];
                        MDB_val data;

                        key_log(key, 2, parts[t]);
                        must(table_get(txn, TABLE_LOG, key, sizeof(key), &data));
                        if (bit == data.mv_size * 8) {
                                store_txn_abortp(&txn);
                                break;
                        }
                        memcpy(copy, data.mv_data, data.mv_size);
                        copy[bit / 8] ^= (uint8_t)(1U << bit % 8);
                        must(table_put(txn, TABLE_LOG, key, sizeof(key), copy, data.mv_size, 0));
                        must(store_audit_verify(txn, 100, &check));
                        assert_int_equal(check.bad_seq, 2);
                        store_txn_abortp(&txn);
                }
        bed_done(&bed);
}

static void erased_values_leave_a_chain_that_verifies(void **state) {
        Bed bed = bed_make();
        StoreAuditCheck check;
        StoreAudit *out = NULL;
        StoreTxn *txn;

        entries_append(bed.store, 10);
        txn = begun(bed.store);
        row_delete(txn, LOG_VALUES, 5);
        must(store_audit_get(txn, 5, &out));
        assert_int_equal(out->value_count, 0);
        assert_null(out->values);
        store_audit_free(out);
        must(store_commit(&txn));
        check = verified(bed.store, 100);
        assert_true(check.done);
        bed_done(&bed);
}

static void a_chain_does_not_verify_in_another_store(void **state) {
        Bed one = bed_make(), other = bed_make();
        StoreAuditCheck check;
        StoreTxn *from, *to;

        entries_append(one.store, 1);
        from = reading(one.store);
        to = begun(other.store);
        for (int i = 0; i < 2; i++) {
                uint8_t key[LOG_KEY_BYTES];
                MDB_val data;

                key_log(key, 1, i ? LOG_VALUES : LOG_ENTRY);
                must(table_get(from, TABLE_LOG, key, sizeof(key), &data));
                must(table_put(to, TABLE_LOG, key, sizeof(key), data.mv_data, data.mv_size, 0));
        }
        to->meta.audit_last = 1;
        memcpy(to->meta.audit_hash, from->meta.audit_hash, STORE_HASH_BYTES);
        to->meta_changed = true;
        must(store_commit(&to));
        store_txn_abortp(&from);
        check = verified(one.store, 10);
        assert_true(check.done);
        check = verified(other.store, 10);
        assert_int_equal(check.bad_seq, 1);
        bed_done(&one);
        bed_done(&other);
}

int main(void) {
        static const struct CMUnitTest tests[] = {
                cmocka_unit_test(an_entry_comes_back_as_it_was),
                cmocka_unit_test(what_is_too_large_is_refused_and_leaves_no_half),
                cmocka_unit_test(a_whole_chain_verifies_in_pieces_of_any_size),
                cmocka_unit_test(a_check_goes_on_where_it_ended),
                cmocka_unit_test(whatever_is_done_to_the_chain_is_found),
                cmocka_unit_test(no_bit_can_change_unnoticed),
                cmocka_unit_test(erased_values_leave_a_chain_that_verifies),
                cmocka_unit_test(a_chain_does_not_verify_in_another_store),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
