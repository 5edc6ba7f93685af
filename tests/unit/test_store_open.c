/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What stands in the directory, and what store_open() makes of it. */

#include "tests/unit/store_fixture.h"

static void file_write(const char *path, const void *data, size_t len) {
        int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

        assert_true(fd >= 0);
        assert_int_equal(write(fd, data, len), (ssize_t)len);
        close(fd);
}

/* What an opening that is not to create says. */
static int opened(Bed *bed) {
        int r = store_open(bed->dir, false, &bed->store);

        bed->store = store_close(bed->store);
        return r;
}

static void a_missing_store_is_made_only_when_asked(void **state) {
        Bed bed;
        struct stat st;

        bed_dir_make(&bed);
        assert_int_equal(opened(&bed), -ENOENT);
        must(store_open(bed.dir, true, &bed.store));
        must(stat(bed.data, &st));
        assert_int_equal(st.st_mode & 07777, 0600);
        assert_true(st.st_blocks * 512 < 1 << 20); /* sparse */
        bed_reopen(&bed);
        bed_done(&bed);
        assert_int_equal(store_open("/nonexistent/um", true, &bed.store), -ENOENT);
}

static void a_store_keeps_its_id(void **state) {
        uint8_t id[16], zeros[16] = {};
        Bed bed = bed_make(), other = bed_make();

        memcpy(id, store_id(bed.store), 16);
        assert_memory_not_equal(id, zeros, 16);
        assert_memory_not_equal(id, store_id(other.store), 16);
        bed_reopen(&bed);
        assert_memory_equal(id, store_id(bed.store), 16);
        bed_done(&bed);
        bed_done(&other);
}

static void a_second_opener_is_turned_away(void **state) {
        Bed bed = bed_make();
        Store *second = NULL;

        assert_int_equal(store_open(bed.dir, false, &second), -EBUSY);
        assert_int_equal(store_open(bed.dir, true, &second), -EBUSY);
        bed_reopen(&bed);
        bed_done(&bed);
}

static void what_is_no_store_is_damaged_and_left_alone(void **state) {
        char garbage[16384];
        struct stat st;
        Bed bed;

        for (size_t i = 0; i < sizeof(garbage); i++)
                garbage[i] = (char)(i * 7 + i / 256);
        bed_dir_make(&bed);
        for (size_t len = 0; len <= sizeof(garbage); len += 4096) {
                file_write(bed.data, garbage, len);
                assert_int_equal(opened(&bed), STORE_E_DAMAGED);
                assert_int_equal(store_open(bed.dir, true, &bed.store), STORE_E_DAMAGED);
                must(stat(bed.data, &st));
                assert_int_equal(st.st_size, len);
        }
        bed_done(&bed);
}

/* Every length a copy that was cut off can have, up to its last page. */
static void a_store_that_was_cut_off_is_damaged(void **state) {
        Bed bed = bed_make();
        StoreStatistics statistics;
        off_t used;
        int damaged = 0;

        for (uint32_t i = 0; i < 300; i++) {
                char name[16];

                snprintf(name, sizeof(name), "u%u", i);
                must(user_add(bed.store, 70000 + i, name));
        }
        must(store_flush(bed.store));
        must(store_statistics(bed.store, &statistics));
        used = (off_t)statistics.used_bytes;
        bed.store = store_close(bed.store);
        must(truncate(bed.data, used)); /* nothing but the hole is gone */
        must(opened(&bed));
        for (off_t len = used - 1; len > 0; len -= 1531, damaged++) {
                must(truncate(bed.data, len));
                assert_int_equal(opened(&bed), STORE_E_DAMAGED);
        }
        assert_true(damaged > 20);
        bed_done(&bed);
}

typedef void (*Alter)(MDB_txn *mdb, MDB_dbi main_dbi);

static void lmdb_alter(const Bed *bed, Alter alter) {
        MDB_env *env;
        MDB_txn *mdb;
        MDB_dbi dbi;

        must(mdb_env_create(&env));
        must(mdb_env_set_maxdbs(env, 32));
        must(mdb_env_open(env, bed->dir, 0, 0600));
        must(mdb_txn_begin(env, NULL, 0, &mdb));
        must(mdb_dbi_open(mdb, NULL, 0, &dbi));
        if (alter)
                alter(mdb, dbi);
        must(mdb_txn_commit(mdb));
        mdb_env_close(env);
}

static void meta_byte_set(MDB_txn *mdb, MDB_dbi dbi, size_t at, uint8_t value) {
        MDB_val key = { 4, (char[]){ "meta" } }, data;
        uint8_t copy[256];

        must(mdb_get(mdb, dbi, &key, &data));
        memcpy(copy, data.mv_data, data.mv_size);
        copy[at] = value;
        data.mv_data = copy;
        must(mdb_put(mdb, dbi, &key, &data, 0));
}

static void schema_raise(MDB_txn *mdb, MDB_dbi dbi) {
        meta_byte_set(mdb, dbi, 1, STORE_SCHEMA + 1);
}

static void schema_zero(MDB_txn *mdb, MDB_dbi dbi) {
        meta_byte_set(mdb, dbi, 1, 0);
}

static void meta_break(MDB_txn *mdb, MDB_dbi dbi) {
        meta_byte_set(mdb, dbi, 6, 99);
}

static void meta_remove(MDB_txn *mdb, MDB_dbi dbi) {
        MDB_val key = { 4, (char[]){ "meta" } };

        must(mdb_del(mdb, dbi, &key, NULL));
}

static void users_drop(MDB_txn *mdb, MDB_dbi dbi) {
        MDB_dbi users;

        must(mdb_dbi_open(mdb, "users", 0, &users));
        must(mdb_drop(mdb, users, 1));
}

static void the_meta_record_decides(void **state) {
        static const struct {
                Alter alter;
                int r;
        } rows[] = {
                { NULL, 0 },
                { schema_raise, STORE_E_TOO_NEW },
                { schema_zero, STORE_E_DAMAGED },
                { meta_break, STORE_E_DAMAGED },
                { meta_remove, STORE_E_DAMAGED },
                { users_drop, STORE_E_DAMAGED },
        };

        for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
                Bed bed = bed_make();

                bed.store = store_close(bed.store);
                lmdb_alter(&bed, rows[i].alter);
                assert_int_equal(opened(&bed), rows[i].r);
                bed_done(&bed);
        }
}

static void schema_first(MDB_txn *mdb, MDB_dbi dbi) {
        meta_byte_set(mdb, dbi, 1, 1);
}

static void schema_first_and_broken(MDB_txn *mdb, MDB_dbi dbi) {
        meta_byte_set(mdb, dbi, 1, 1);
        meta_byte_set(mdb, dbi, 6, 99);
}

static uint8_t schema_found;

static void schema_read(MDB_txn *mdb, MDB_dbi dbi) {
        MDB_val key = { 4, (char[]){ "meta" } }, data;

        must(mdb_get(mdb, dbi, &key, &data));
        schema_found = ((const uint8_t *)data.mv_data)[1];
}

static void a_store_of_the_first_schema_is_made_one_of_this(void **state) {
        Bed bed = bed_make();
        uint8_t id[16];

        must(user_add(bed.store, 70000, "alice"));
        must(store_flush(bed.store));
        memcpy(id, store_id(bed.store), 16);
        bed.store = store_close(bed.store);
        lmdb_alter(&bed, schema_first);
        must(store_open(bed.dir, false, &bed.store));
        assert_memory_equal(id, store_id(bed.store), 16);
        assert_true(user_is_there(bed.store, "alice"));
        must(user_add(bed.store, 70001, "bob")); /* and it is written to as before */
        must(store_flush(bed.store));
        bed.store = store_close(bed.store);
        lmdb_alter(&bed, schema_read);
        assert_int_equal(schema_found, STORE_SCHEMA);
        must(store_open(bed.dir, false, &bed.store));
        assert_true(user_is_there(bed.store, "bob"));
        bed_done(&bed);
}

/* Nothing is upgraded that does not decode: it stays as it is. */
static void a_broken_store_of_the_first_schema_is_left_alone(void **state) {
        Bed bed = bed_make();

        bed.store = store_close(bed.store);
        lmdb_alter(&bed, schema_first_and_broken);
        assert_int_equal(opened(&bed), STORE_E_DAMAGED);
        lmdb_alter(&bed, schema_read);
        assert_int_equal(schema_found, 1);
        bed_done(&bed);
}

static void an_environment_of_somebody_else_is_damaged(void **state) {
        Bed bed;

        bed_dir_make(&bed);
        lmdb_alter(&bed, NULL); /* LMDB's, but nothing of um's in it */
        assert_int_equal(opened(&bed), STORE_E_DAMAGED);
        bed_done(&bed);
}

static void only_plain_private_files_are_opened(void **state) {
        static const char *const names[] = { "data.mdb", "lock.mdb", "lock" };
        char path[160], other[160];

        for (size_t i = 0; i < ARRAY_LENGTH(names); i++) {
                Bed bed = bed_make();

                bed.store = store_close(bed.store);
                snprintf(path, sizeof(path), "%s/%s", bed.dir, names[i]);
                snprintf(other, sizeof(other), "%s/other", bed.dir);
                must(rename(path, other));
                must(symlink("other", path));
                assert_int_equal(opened(&bed), -EPERM);
                must(unlink(path));
                must(rename(other, path));
                must(opened(&bed));
                if (i < 2) { /* "lock" has nothing in it */
                        must(chmod(path, 0640));
                        assert_int_equal(opened(&bed), -EPERM);
                        must(chmod(path, 0600));
                }
                bed_done(&bed);
        }
}

static void a_directory_that_others_may_enter_is_refused(void **state) {
        Bed bed;

        bed_dir_make(&bed);
        must(chmod(bed.dir, 0750));
        assert_int_equal(store_open(bed.dir, true, &bed.store), -EPERM);
        must(chmod(bed.dir, 0700));
        if (geteuid() == 0) {
                must(chown(bed.dir, 12345, 12345));
                assert_int_equal(store_open(bed.dir, true, &bed.store), -EPERM);
                must(chown(bed.dir, 0, 0));
        }
        bed_done(&bed);
}

static void a_record_that_does_not_decode_is_made_nothing_of(void **state) {
        Bed bed = bed_make();
        StoreTxn *txn;
        StoreUser *user = NULL;
        uint8_t key[4];
        MDB_val data;
        char copy[512];

        must(user_add(bed.store, 70000, "alice"));
        must(user_add(bed.store, 70001, "bob"));
        txn = begun(bed.store);
        key_u32(key, 70000);
        must(table_get(txn, TABLE_USERS, key, 4, &data));
        memcpy(copy, data.mv_data, data.mv_size);
        key_u32(key, 70001); /* alice's record as bob's */
        must(table_put(txn, TABLE_USERS, key, 4, copy, data.mv_size, 0));
        assert_int_equal(store_user_get(txn, 70001, &user), -EBADMSG);
        assert_int_equal(store_user_get_by_name(txn, "bob", &user), -EBADMSG);
        must(index_put(txn, INDEX_USER, "eve", 3, 70000)); /* a name that is not hers */
        assert_int_equal(store_user_get_by_name(txn, "eve", &user), -EBADMSG);
        must(table_delete(txn, TABLE_USERS, key, 4)); /* an index that leads nowhere */
        assert_int_equal(store_user_get_by_name(txn, "bob", &user), -EBADMSG);
        assert_int_equal(store_user_next(txn, "alice", &user), -EBADMSG);
        assert_null(user);
        store_txn_abortp(&txn);
        bed_done(&bed);
}

int main(void) {
        static const struct CMUnitTest tests[] = {
                cmocka_unit_test(a_missing_store_is_made_only_when_asked),
                cmocka_unit_test(a_store_keeps_its_id),
                cmocka_unit_test(a_second_opener_is_turned_away),
                cmocka_unit_test(what_is_no_store_is_damaged_and_left_alone),
                cmocka_unit_test(a_store_that_was_cut_off_is_damaged),
                cmocka_unit_test(the_meta_record_decides),
                cmocka_unit_test(a_store_of_the_first_schema_is_made_one_of_this),
                cmocka_unit_test(a_broken_store_of_the_first_schema_is_left_alone),
                cmocka_unit_test(an_environment_of_somebody_else_is_damaged),
                cmocka_unit_test(only_plain_private_files_are_opened),
                cmocka_unit_test(a_directory_that_others_may_enter_is_refused),
                cmocka_unit_test(a_record_that_does_not_decode_is_made_nothing_of),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
