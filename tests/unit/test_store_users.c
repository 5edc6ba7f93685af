/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Users, their indexes, and the ids they take. */

#include "tests/unit/store_fixture.h"

static StoreUser *user_get(StoreTxn *txn, uid_t uid) {
        StoreUser *user = NULL;

        must(store_user_get(txn, uid, &user));
        return user;
}

static void every_field_comes_back(void **state) {
        Bed bed = bed_make();
        StoreTxn *txn = begun(bed.store);
        StoreUser in = user_of(70000, "alice"), *out;

        in.full_name = "Alice \xc3\x9c. Example";
        in.email = "Alice@example.org";
        in.phone = "+49 30 1";
        in.title = "Dr";
        in.department = "it";
        in.language = "de";
        in.time_zone = "Europe/Berlin";
        in.notify = "security=mail";
        in.home = "/home/alice";
        in.status = USER_STATUS_SUSPENDED;
        in.status_since_usec = 7;
        in.status_by = 1000;
        in.status_reason = "leave";
        in.suspended_until_usec = 99;
        in.valid_from_usec = 3;
        in.valid_until_usec = 100;
        in.locked = true;
        in.locked_since_usec = 8;
        in.locked_by = 1001;
        in.locked_reason = "lost key";
        in.created_by = 1002;
        in.service = in.read_only = true;
        in.facts_usec = 11;
        must(store_user_insert(txn, &in));
        must(store_commit(&txn));
        must(store_flush(bed.store));
        bed_reopen(&bed);

        txn = reading(bed.store);
        out = user_get(txn, 70000);
        assert_int_equal(out->version, 1);
        assert_int_equal(out->gid, 70000);
        assert_string_equal(out->name, in.name);
        assert_string_equal(out->full_name, in.full_name);
        assert_string_equal(out->email, in.email);
        assert_string_equal(out->phone, in.phone);
        assert_string_equal(out->title, in.title);
        assert_string_equal(out->department, in.department);
        assert_string_equal(out->language, in.language);
        assert_string_equal(out->time_zone, in.time_zone);
        assert_string_equal(out->notify, in.notify);
        assert_string_equal(out->shell, in.shell);
        assert_string_equal(out->home, in.home);
        assert_string_equal(out->tenant, in.tenant);
        assert_int_equal(out->status, USER_STATUS_SUSPENDED);
        assert_int_equal(out->status_since_usec, 7);
        assert_int_equal(out->status_by, 1000);
        assert_string_equal(out->status_reason, "leave");
        assert_int_equal(out->suspended_until_usec, 99);
        assert_int_equal(out->valid_from_usec, 3);
        assert_int_equal(out->valid_until_usec, 100);
        assert_true(out->locked);
        assert_int_equal(out->locked_since_usec, 8);
        assert_int_equal(out->locked_by, 1001);
        assert_string_equal(out->locked_reason, "lost key");
        assert_int_equal(out->created_usec, 1000);
        assert_int_equal(out->created_by, 1002);
        assert_true(out->service);
        assert_true(out->read_only);
        assert_int_equal(out->facts_usec, 11);
        store_user_free(out);
        store_txn_abortp(&txn);
        bed_done(&bed);
}

static void empty_and_endless_are_the_default(void **state) {
        Bed bed = bed_make();
        StoreTxn *txn;
        StoreUser *out;

        must(user_add(bed.store, 70000, "bob"));
        txn = reading(bed.store);
        out = user_get(txn, 70000);
        assert_string_equal(out->full_name, "");
        assert_string_equal(out->email, "");
        assert_int_equal(out->valid_from_usec, 0);
        assert_true(out->valid_until_usec == USEC_INFINITY);
        assert_true(out->suspended_until_usec == USEC_INFINITY);
        store_user_free(out);
        store_txn_abortp(&txn);
        bed_done(&bed);
}

/* What may not be inserted beside alice (70000, alice@example.org in local) and group web (70010).
 */
static void a_name_id_or_address_is_one_users_alone(void **state) {
        static const struct {
                uid_t uid;
                const char *name, *email, *tenant;
                int r;
        } rows[] = {
                { 70001, "alice", "", "local", STORE_E_EXISTS },
                { 70000, "bob", "", "local", STORE_E_EXISTS },
                { 70001, "bob", "ALICE@Example.ORG", "local", STORE_E_EXISTS },
                { 70001, "web", "", "local", STORE_E_EXISTS },
                { 70010, "bob", "", "local", STORE_E_EXISTS },
                { 70001, "gone", "", "local", STORE_E_EXISTS }, /* a tombstone's */
                { 70002, "bob", "", "local", STORE_E_EXISTS },  /* its uid */
                { 70001, "bob", "gone@example.org", "local", STORE_E_EXISTS },
                { 70001, "bob", "alice@example.org", "other", 0 },
                { 70003, "carol", "", "local", 0 }, /* no address is nobody's */
        };
        Bed bed = bed_make();
        StoreTxn *txn = begun(bed.store);
        StoreUser alice = user_of(70000, "alice"), gone = user_of(70002, "gone");
        StoreGroup web = group_of(70010, "web");

        alice.email = "alice@example.org";
        gone.email = "gone@example.org";
        gone.status = USER_STATUS_DELETED;
        must(store_user_insert(txn, &alice));
        must(store_user_insert(txn, &gone));
        must(store_group_insert(txn, &web));
        for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
                StoreUser user = user_of(rows[i].uid, rows[i].name);

                user.email = rows[i].email;
                user.tenant = rows[i].tenant;
                assert_int_equal(store_user_insert(txn, &user), rows[i].r);
        }
        must(store_commit(&txn));
        bed_done(&bed);
}

static void what_cannot_be_written_is_refused(void **state) {
        static const struct {
                const char *name;
                gid_t gid;
                UserStatus status;
        } rows[] = {
                { "", 70000, USER_STATUS_ACTIVE },      { "a\xff", 70000, USER_STATUS_ACTIVE },
                { "alice", 70001, USER_STATUS_ACTIVE }, { "alice", 70000, USER_STATUS_INVALID },
                { "alice", 70000, _USER_STATUS_MAX },
        };
        Bed bed = bed_make();
        StoreTxn *txn = begun(bed.store);

        for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
                StoreUser user = user_of(70000, rows[i].name);

                user.gid = rows[i].gid;
                user.status = rows[i].status;
                assert_int_equal(store_user_insert(txn, &user), -EINVAL);
        }
        must(store_commit(&txn)); /* a refused record leaves the transaction as it was */
        assert_false(user_is_there(bed.store, "alice"));
        bed_done(&bed);
}

static void an_update_needs_the_version_that_was_read(void **state) {
        Bed bed = bed_make();
        StoreUser user = user_of(70000, "alice"), *out;
        StoreTxn *txn;

        must(user_add(bed.store, 70000, "alice"));
        txn = begun(bed.store);
        assert_int_equal(store_user_update(txn, &user), STORE_E_CONFLICT); /* version 0 */
        user.version = 1;
        must(store_user_update(txn, &user));
        assert_int_equal(store_user_update(txn, &user), STORE_E_CONFLICT);
        out = user_get(txn, 70000);
        assert_int_equal(out->version, 2);
        store_user_free(out);
        user.uid = user.gid = 70001;
        assert_int_equal(store_user_update(txn, &user), STORE_E_MISSING);
        store_txn_abortp(&txn);
        bed_done(&bed);
}

static void the_indexes_follow_an_update(void **state) {
        Bed bed = bed_make();
        StoreTxn *txn = begun(bed.store);
        StoreUser user = user_of(70000, "alice"), *out = NULL;

        user.email = "a@example.org";
        must(store_user_insert(txn, &user));
        user.version = 1;
        user.name = "alicia";
        user.email = "b@example.org";
        must(store_user_rename(txn, &user, 9));
        assert_int_equal(store_user_get_by_name(txn, "alice", &out), STORE_E_MISSING);
        assert_int_equal(store_user_get_by_email(txn, "local", "a@example.org", &out),
                         STORE_E_MISSING);
        assert_int_equal(store_user_get_by_email(txn, "other", "b@example.org", &out),
                         STORE_E_MISSING);
        assert_int_equal(store_user_get_by_email(txn, "local", "", &out), STORE_E_MISSING);
        must(store_user_get_by_name(txn, "alicia", &out));
        out = store_user_free(out);
        must(store_user_get_by_email(txn, "local", "B@EXAMPLE.org", &out));
        assert_int_equal(out->version, 2);
        out = store_user_free(out);
        user.version = 2; /* the same address in other letters, another tenant */
        user.email = "B@example.org";
        user.tenant = "other";
        must(store_user_update(txn, &user));
        must(store_user_get_by_email(txn, "other", "b@example.org", &out));
        store_user_free(out);
        must(store_commit(&txn));
        bed_done(&bed);
}

static void an_update_cannot_take_what_is_anothers(void **state) {
        Bed bed = bed_make();
        StoreTxn *txn = begun(bed.store);
        StoreUser alice = user_of(70000, "alice"), bob = user_of(70001, "bob");
        StoreGroup web = group_of(70010, "web");

        alice.email = "a@example.org";
        must(store_user_insert(txn, &alice));
        must(store_user_insert(txn, &bob));
        must(store_group_insert(txn, &web));
        bob.version = 1;
        bob.name = "alice";
        assert_int_equal(store_user_rename(txn, &bob, 9), STORE_E_EXISTS);
        bob.name = "web";
        assert_int_equal(store_user_rename(txn, &bob, 9), STORE_E_EXISTS);
        bob.name = "rob";
        assert_int_equal(store_user_update(txn, &bob), -EINVAL); /* a name goes with a time */
        bob.name = "bob";
        bob.email = "A@example.org";
        assert_int_equal(store_user_update(txn, &bob), STORE_E_EXISTS);
        bob.email = "";
        bob.gid = 5;
        assert_int_equal(store_user_update(txn, &bob), -EINVAL);
        must(store_commit(&txn));
        bed_done(&bed);
}

/* The holder's name, and until when the name was his; "" where it is nobody's former one. */
static const char *former_of(StoreTxn *txn, const char *name, uint64_t *ret_until_usec) {
        _cleanup_(store_user_freep) StoreUser *user = NULL;
        static char holder[32];
        int r = store_user_get_by_former_name(txn, name, &user, ret_until_usec);

        if (r == STORE_E_MISSING)
                return "";
        must(r);
        snprintf(holder, sizeof(holder), "%s", user->name);
        return holder;
}

static void a_former_name_stays_his_and_opens_nothing(void **state) {
        Bed bed = bed_make();
        StoreTxn *txn = begun(bed.store);
        StoreUser user = user_of(70000, "alice"), other = user_of(70001, "alice"), *out = NULL;
        StoreGroup group = group_of(70010, "alice");
        uint64_t until = 0;

        must(store_user_insert(txn, &user));
        user.version = 1;
        user.name = "alicia";
        must(store_user_rename(txn, &user, 1234567890123456));
        must(store_commit(&txn));
        must(store_flush(bed.store));
        bed_reopen(&bed);

        txn = begun(bed.store);
        assert_string_equal(former_of(txn, "alice", &until), "alicia");
        assert_true(until == 1234567890123456);
        assert_string_equal(former_of(txn, "alicia", &until), "");
        assert_string_equal(former_of(txn, "", &until), "");
        assert_int_equal(store_user_get_by_name(txn, "alice", &out), STORE_E_MISSING);
        must(store_user_next(txn, "", &out)); /* a walk by name meets him once */
        assert_string_equal(out->name, "alicia");
        out = store_user_free(out);
        assert_int_equal(store_user_next(txn, "alicia", &out), STORE_E_MISSING);
        assert_int_equal(store_user_insert(txn, &other), STORE_E_EXISTS);
        assert_int_equal(store_group_insert(txn, &group), STORE_E_EXISTS);
        group.name = "web";
        must(store_group_insert(txn, &group));
        group.name = "alice";
        group.version = 1;
        assert_int_equal(store_group_update(txn, &group), STORE_E_EXISTS);
        other.name = "bob";
        must(store_user_insert(txn, &other));
        other.version = 1;
        other.name = "alice";
        assert_int_equal(store_user_rename(txn, &other, 9), STORE_E_EXISTS);
        must(store_commit(&txn));
        bed_done(&bed);
}

static void he_may_take_a_former_name_again(void **state) {
        Bed bed = bed_make();
        StoreTxn *txn = begun(bed.store);
        StoreUser user = user_of(70000, "a"), *out = NULL;
        static const char *const names[] = { "b", "c", "a", "b", "a", "a" };
        uint64_t until = 0;

        must(store_user_insert(txn, &user));
        for (size_t i = 0; i < ARRAY_LENGTH(names); i++) {
                user.version = i + 1;
                user.name = names[i];
                must(store_user_rename(txn, &user, 10 + i));
        }
        assert_string_equal(former_of(txn, "a", &until), "");
        assert_string_equal(former_of(txn, "b", &until), "a");
        assert_int_equal(until, 14);
        assert_string_equal(former_of(txn, "c", &until), "a");
        assert_int_equal(until, 12);
        must(store_user_get_by_name(txn, "a", &out));
        assert_int_equal(out->version, 7);
        store_user_free(out);
        user.version = 7; /* a tombstone keeps them */
        user.status = USER_STATUS_DELETED;
        must(store_user_update(txn, &user));
        assert_string_equal(former_of(txn, "c", &until), "a");
        must(store_commit(&txn));
        bed_done(&bed);
}

static void a_former_name_that_leads_nowhere_is_damage(void **state) {
        Bed bed = bed_make();
        StoreTxn *txn = begun(bed.store);
        StoreUser *out = NULL, user = user_of(70000, "short");
        static const uint8_t key[] = "fshort";
        uint64_t until = 0;

        must(former_put(txn, "nobody", 70009, 5));
        assert_int_equal(store_user_get_by_former_name(txn, "nobody", &out, &until), -EBADMSG);
        must(table_put(txn, TABLE_INDEX, key, sizeof(key) - 1, "1234", 4, 0));
        assert_int_equal(store_user_get_by_former_name(txn, "short", &out, &until), -EBADMSG);
        assert_int_equal(store_user_insert(txn, &user), -EBADMSG); /* and gives nothing away */
        store_txn_abortp(&txn);
        bed_done(&bed);
}

static int count_up(void *userdata, const StoreUser *user) {
        uint32_t *last = userdata;

        assert_true(user->uid > *last);
        *last = user->uid;
        return user->uid == 70099 ? 42 : 0;
}

static void walks_go_by_name_and_by_uid(void **state) {
        Bed bed = bed_make();
        StoreTxn *txn = begun(bed.store);
        StoreUser *out = NULL;
        StoreGroup group = group_of(70500, "b-group");
        char name[16] = "", after[16] = "";
        uint32_t last = 0, seen = 0;

        must(store_group_insert(txn, &group)); /* no user: walks pass it by */
        for (uint32_t i = 0; i < 50; i++) {
                StoreUser user;

                snprintf(name, sizeof(name), "u%02u", (i * 7) % 50);
                user = user_of(70000 + i, name);
                must(store_user_insert(txn, &user));
        }
        while (store_user_next(txn, after, &out) == 0) {
                snprintf(name, sizeof(name), "u%02u", seen++);
                assert_string_equal(out->name, name);
                strcpy(after, out->name);
                out = store_user_free(out);
        }
        assert_int_equal(seen, 50);
        must(store_user_next(txn, "u10x", &out)); /* a name that is not there */
        assert_string_equal(out->name, "u11");
        store_user_free(out);
        must(store_user_each(txn, count_up, &last));
        assert_int_equal(last, 70049);
        store_txn_abortp(&txn);
        must(user_add(bed.store, 70099, "last"));
        txn = reading(bed.store);
        last = 0;
        assert_int_equal(store_user_each(txn, count_up, &last), 42);
        store_txn_abortp(&txn);
        bed_done(&bed);
}

static bool is_taken(void *userdata, uint32_t id) {
        return id == *(uint32_t *)userdata;
}

static void an_id_is_given_once(void **state) {
        Bed bed = bed_make();
        StoreTxn *txn = begun(bed.store);
        StoreUser user = user_of(1001, "alice");
        uint32_t id = 0, taken = 1002;
        bool used;

        must(store_user_insert(txn, &user));
        must(store_id_allocate(txn, 1000, 1004, is_taken, &taken, &id));
        assert_int_equal(id, 1000);
        must(store_id_allocate(txn, 1000, 1004, is_taken, &taken, &id));
        assert_int_equal(id, 1003); /* 1001 is alice's, 1002 somebody else's */
        must(store_commit(&txn));
        txn = begun(bed.store);
        must(store_id_allocate(txn, 1000, 1004, NULL, NULL, &id));
        assert_int_equal(id, 1004);
        assert_int_equal(store_id_allocate(txn, 1000, 1004, NULL, NULL, &id), STORE_E_FULL);
        store_txn_abortp(&txn); /* not given after all */
        txn = begun(bed.store);
        must(store_id_allocate(txn, 1000, 1004, NULL, NULL, &id));
        assert_int_equal(id, 1004);
        must(store_id_used(txn, 1001, &used));
        assert_true(used);
        must(store_id_used(txn, 1002, &used));
        assert_false(used);
        assert_int_equal(store_id_allocate(txn, 1, UINT32_MAX, NULL, NULL, &id), -EINVAL);
        store_txn_abortp(&txn);
        bed_done(&bed);
}

static void counts_leave_tombstones_out(void **state) {
        Bed bed = bed_make();
        StoreUser user = user_of(70000, "alice");
        StoreStatistics statistics;
        StoreTxn *txn;

        must(user_add(bed.store, 70000, "alice"));
        must(user_add(bed.store, 70001, "bob"));
        must(store_statistics(bed.store, &statistics));
        assert_int_equal(statistics.users, 2);
        txn = begun(bed.store);
        user.version = 1;
        user.status = USER_STATUS_DELETED;
        must(store_user_update(txn, &user));
        must(store_commit(&txn));
        must(store_statistics(bed.store, &statistics));
        assert_int_equal(statistics.users, 1);
        txn = begun(bed.store);
        user.version = 2;
        user.status = USER_STATUS_INACTIVE; /* restored */
        must(store_user_update(txn, &user));
        must(store_commit(&txn));
        must(store_statistics(bed.store, &statistics));
        assert_int_equal(statistics.users, 2);
        assert_true(user_is_there(bed.store, "alice"));
        bed_done(&bed);
}

static int name_note(void *userdata, uid_t uid, const char *name) {
        char *seen = userdata;

        sprintf(seen + strlen(seen), "%u=%s ", uid, name);
        return uid == 70009 ? 7 : 0;
}

static void names_of_many_leave_out_who_is_not_there(void **state) {
        static const uid_t uids[] = { 69999, 70000, 70001, 70002, 70005, 70009, 70010 };
        _cleanup_(store_user_freep) StoreUser *user = NULL;
        Bed bed = bed_make();
        char seen[128] = "";
        StoreTxn *txn;

        must(user_add(bed.store, 70000, "zoe"));
        must(user_add(bed.store, 70001, "gone"));
        must(user_add(bed.store, 70002, "bob"));
        must(user_add(bed.store, 70009, "last"));
        must(user_add(bed.store, 70010, "never"));
        txn = begun(bed.store);
        must(store_user_get(txn, 70001, &user));
        user->status = USER_STATUS_DELETED;
        must(store_user_update(txn, user));
        assert_int_equal(store_user_names(txn, uids, 4, name_note, seen), 0);
        assert_string_equal(seen, "70000=zoe 70002=bob ");
        assert_int_equal(store_user_names(txn, uids + 4, 3, name_note, seen), 7);
        assert_string_equal(seen, "70000=zoe 70002=bob 70009=last ");
        store_txn_abortp(&txn);
        bed_done(&bed);
}

static void a_name_is_not_read_from_a_broken_record(void **state) {
        static const uid_t uid = 70000;
        static const char broken[] = { 2, 1, 3, 0, 0, 0, 4, 1 };
        Bed bed = bed_make();
        char seen[64] = "";
        uint8_t key[4];
        StoreTxn *txn;

        txn = begun(bed.store);
        key_u32(key, uid);
        must(table_put(txn, TABLE_USERS, key, sizeof(key), broken, sizeof(broken), 0));
        assert_int_equal(store_user_names(txn, &uid, 1, name_note, seen), -EBADMSG);
        assert_string_equal(seen, "");
        store_txn_abortp(&txn);
        bed_done(&bed);
}

int main(void) {
        static const struct CMUnitTest tests[] = {
                cmocka_unit_test(every_field_comes_back),
                cmocka_unit_test(empty_and_endless_are_the_default),
                cmocka_unit_test(a_name_id_or_address_is_one_users_alone),
                cmocka_unit_test(what_cannot_be_written_is_refused),
                cmocka_unit_test(an_update_needs_the_version_that_was_read),
                cmocka_unit_test(the_indexes_follow_an_update),
                cmocka_unit_test(an_update_cannot_take_what_is_anothers),
                cmocka_unit_test(a_former_name_stays_his_and_opens_nothing),
                cmocka_unit_test(he_may_take_a_former_name_again),
                cmocka_unit_test(a_former_name_that_leads_nowhere_is_damage),
                cmocka_unit_test(walks_go_by_name_and_by_uid),
                cmocka_unit_test(an_id_is_given_once),
                cmocka_unit_test(counts_leave_tombstones_out),
                cmocka_unit_test(names_of_many_leave_out_who_is_not_there),
                cmocka_unit_test(a_name_is_not_read_from_a_broken_record),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
