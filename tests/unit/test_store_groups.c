/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Groups and who stands in which, seen from both sides; grants. */

#include "tests/unit/store_fixture.h"

typedef int (*Relation)(StoreTxn *txn, uint32_t id, gid_t **ret, size_t *ret_count);

static void relation_is(StoreTxn *txn, Relation relation, uint32_t id, const gid_t *gids,
                        size_t count) {
        _cleanup_free_ gid_t *found = NULL;
        size_t found_count = 99;

        must(relation(txn, id, &found, &found_count));
        assert_int_equal(found_count, count);
        if (count > 0)
                assert_memory_equal(found, gids, count * sizeof(gid_t));
        else
                assert_null(found);
}

static StoreGroup *group_get(StoreTxn *txn, gid_t gid) {
        StoreGroup *group = NULL;

        must(store_group_get(txn, gid, &group));
        return group;
}

static void every_field_comes_back(void **state) {
        static const uid_t members[] = { 70000, 70001, 4000000000 }, owners[] = { 0 };
        static const gid_t nested[] = { 70011, 70012 };
        Bed bed = bed_make();
        StoreGroup in = group_of(70010, "web"), *out;
        StoreTxn *txn = begun(bed.store);

        in.description = "those who serve";
        in.members = members;
        in.member_count = 3;
        in.nested = nested;
        in.nested_count = 2;
        in.owners = owners;
        in.owner_count = 1;
        in.created_by = 5;
        must(store_group_insert(txn, &in));
        must(store_commit(&txn));
        must(store_flush(bed.store));
        bed_reopen(&bed);
        txn = reading(bed.store);
        out = group_get(txn, 70010);
        assert_int_equal(out->version, 1);
        assert_string_equal(out->name, "web");
        assert_string_equal(out->description, "those who serve");
        assert_string_equal(out->tenant, "local");
        assert_int_equal(out->member_count, 3);
        assert_memory_equal(out->members, members, sizeof(members));
        assert_int_equal(out->nested_count, 2);
        assert_memory_equal(out->nested, nested, sizeof(nested));
        assert_int_equal(out->owner_count, 1);
        assert_memory_equal(out->owners, owners, sizeof(owners));
        assert_false(out->deleted);
        assert_int_equal(out->created_usec, 1);
        assert_int_equal(out->created_by, 5);
        store_group_free(out);
        store_txn_abortp(&txn);
        bed_done(&bed);
}

static void names_and_numbers_are_one_space_with_the_users(void **state) {
        static const struct {
                gid_t gid;
                const char *name;
                int r;
        } rows[] = {
                { 70010, "other", STORE_E_EXISTS },
                { 70011, "web", STORE_E_EXISTS },
                { 70000, "other", STORE_E_EXISTS },
                { 70011, "alice", STORE_E_EXISTS },
                { (gid_t)-1, "other", -EINVAL },
                { 70011, "", -EINVAL },
                { 70011, "other", 0 },
        };
        Bed bed = bed_make();
        StoreGroup group = group_of(70010, "web");
        StoreTxn *txn;

        must(user_add(bed.store, 70000, "alice"));
        txn = begun(bed.store);
        group.deleted = true; /* a tombstone keeps both */
        must(store_group_insert(txn, &group));
        for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
                group = group_of(rows[i].gid, rows[i].name);
                assert_int_equal(store_group_insert(txn, &group), rows[i].r);
        }
        group.version = 1;
        group.name = "alice";
        assert_int_equal(store_group_update(txn, &group), STORE_E_EXISTS);
        group.name = "web";
        assert_int_equal(store_group_update(txn, &group), STORE_E_EXISTS);
        group.name = "renamed";
        must(store_group_update(txn, &group));
        assert_int_equal(store_group_update(txn, &group), STORE_E_CONFLICT);
        group.gid = 70099;
        assert_int_equal(store_group_update(txn, &group), STORE_E_MISSING);
        must(store_commit(&txn));
        bed_done(&bed);
}

static void a_list_that_is_not_sorted_is_refused(void **state) {
        static const uid_t lists[][3] = { { 2, 1, 3 }, { 1, 1, 2 }, { 1, 3, 3 } };
        Bed bed = bed_make();
        StoreTxn *txn = begun(bed.store);

        for (size_t i = 0; i < ARRAY_LENGTH(lists); i++) {
                StoreGroup group = group_of(70010, "web");

                group.members = lists[i];
                group.member_count = 3;
                assert_int_equal(store_group_insert(txn, &group), -EINVAL);
        }
        must(store_commit(&txn));
        bed_done(&bed);
}

static void relations_follow_every_change(void **state) {
        static const uid_t first[] = { 1, 2, 4 }, second[] = { 2, 3, 4, 5 };
        static const gid_t both[] = { 70010, 70011 }, one[] = { 70010 }, other[] = { 70011 };
        Bed bed = bed_make();
        StoreTxn *txn = begun(bed.store);
        StoreGroup a = group_of(70010, "a"), b = group_of(70011, "b");

        a.members = first;
        a.member_count = 3;
        a.nested = other;
        a.nested_count = 1;
        b.members = second;
        b.member_count = 4;
        b.owners = first;
        b.owner_count = 1;
        must(store_group_insert(txn, &a));
        must(store_group_insert(txn, &b));
        relation_is(txn, store_groups_of_user, 1, one, 1);
        relation_is(txn, store_groups_of_user, 2, both, 2);
        relation_is(txn, store_groups_of_user, 5, other, 1);
        relation_is(txn, store_groups_of_user, 6, NULL, 0);
        relation_is(txn, store_groups_of_group, 70011, one, 1);
        relation_is(txn, store_groups_of_group, 70010, NULL, 0);
        relation_is(txn, store_groups_owned, 1, other, 1);
        relation_is(txn, store_groups_owned, 2, NULL, 0);

        a.version = 1;
        a.members = second;
        a.member_count = 4;
        a.nested_count = 0;
        must(store_group_update(txn, &a));
        relation_is(txn, store_groups_of_user, 1, NULL, 0);
        relation_is(txn, store_groups_of_user, 3, both, 2);
        relation_is(txn, store_groups_of_group, 70011, NULL, 0);

        a.version = 2;
        a.deleted = true;
        must(store_group_update(txn, &a));
        relation_is(txn, store_groups_of_user, 3, other, 1);
        a.version = 3;
        a.deleted = false; /* the list was kept */
        must(store_group_update(txn, &a));
        relation_is(txn, store_groups_of_user, 3, both, 2);
        must(store_commit(&txn));
        bed_done(&bed);
}

static int group_seen(void *userdata, const StoreGroup *group) {
        size_t *seen = userdata;

        assert_int_equal(group->gid, 70010 + (*seen)++);
        return group->gid == 70012 ? 7 : 0;
}

static void walks_and_counts(void **state) {
        static const char *const names[] = { "c", "a", "b" }; /* by gid; by name: 11, 12, 10 */
        static const gid_t by_name[] = { 70011, 70012, 70010 };
        Bed bed = bed_make();
        StoreTxn *txn;
        StoreStatistics statistics;
        StoreGroup *out = NULL;
        size_t seen = 0;

        must(user_add(bed.store, 70000, "alice"));
        txn = begun(bed.store);
        for (uint32_t i = 0; i < 3; i++) {
                StoreGroup group = group_of(70010 + i, names[i]);

                group.deleted = i == 2;
                must(store_group_insert(txn, &group));
        }
        for (size_t i = 0; i < 3; i++) {
                char after[2] = { i == 0 ? '\0' : (char)('a' + i - 1) };

                must(store_group_next(txn, after, &out));
                assert_int_equal(out->gid, by_name[i]);
                out = store_group_free(out);
        }
        assert_int_equal(store_group_next(txn, "c", &out), STORE_E_MISSING);
        assert_int_equal(store_group_each(txn, group_seen, &seen), 7);
        assert_int_equal(store_group_get_by_name(txn, "alice", &out), STORE_E_MISSING);
        must(store_group_get_by_name(txn, "b", &out));
        out = store_group_free(out);
        must(store_commit(&txn));
        must(store_statistics(bed.store, &statistics));
        assert_int_equal(statistics.groups, 2);
        bed_done(&bed);
}

static void a_hundred_thousand_members(void **state) {
        _cleanup_free_ uid_t *members = calloc(100001, sizeof(*members));
        Bed bed = bed_make();
        StoreTxn *txn = begun(bed.store);
        StoreGroup group = group_of(70010, "all"), *out;
        static const gid_t gid = 70010;

        for (uint32_t i = 0; i < 100001; i++)
                members[i] = i * 2;
        group.members = members;
        group.member_count = 100000;
        must(store_group_insert(txn, &group));
        must(store_commit(&txn));
        must(store_flush(bed.store));
        txn = begun(bed.store);
        group.version = 1;
        group.member_count = 100001;
        must(store_group_update(txn, &group));
        relation_is(txn, store_groups_of_user, 200000, &gid, 1);
        out = group_get(txn, 70010);
        assert_int_equal(out->member_count, 100001);
        assert_memory_equal(out->members, members, 100001 * sizeof(*members));
        store_group_free(out);
        must(store_commit(&txn));
        must(store_flush(bed.store));
        bed_done(&bed);
}

/* ---- grants ---------------------------------------------------------------------------------- */

static int grant_note(void *userdata, const StoreGrant *grant) {
        char *seen = userdata;

        assert_true(strlen(seen) + 40 < 256);
        sprintf(seen + strlen(seen), "%s@%s until %llu %s;", grant->role, grant->tenant,
                (unsigned long long)grant->until_usec, grant->reason);
        return strcmp(grant->role, "stop") == 0 ? 9 : 0;
}

static void grants_are_keyed_by_user_role_and_tenant(void **state) {
        static const StoreGrant grants[] = {
                { .uid = 1,
                  .role = "login",
                  .tenant = "local",
                  .until_usec = 5,
                  .reason = "a",
                  .over = "" },
                { .uid = 1,
                  .role = "login",
                  .tenant = "other",
                  .until_usec = 6,
                  .reason = "b",
                  .over = "" },
                { .uid = 1,
                  .role = "dba",
                  .tenant = "local",
                  .until_usec = 7,
                  .reason = "",
                  .over = "" },
                { .uid = 2,
                  .role = "stop",
                  .tenant = "local",
                  .until_usec = 8,
                  .reason = "",
                  .over = "" },
                { .uid = 2,
                  .role = "tail",
                  .tenant = "local",
                  .until_usec = 8,
                  .reason = "",
                  .over = "" },
                { .uid = 1,
                  .role = "login",
                  .tenant = "local",
                  .until_usec = 9,
                  .reason = "c",
                  .over = "" },
        };
        Bed bed = bed_make();
        StoreTxn *txn = begun(bed.store);
        char seen[256] = "";

        for (size_t i = 0; i < ARRAY_LENGTH(grants); i++)
                must(store_grant_put(txn, &grants[i]));
        must(store_grant_each(txn, 1, grant_note, seen));
        assert_string_equal(seen,
                            "dba@local until 7 ;login@local until 9 c;login@other until 6 b;");
        seen[0] = '\0';
        assert_int_equal(store_grant_each(txn, 2, grant_note, seen), 9);
        assert_string_equal(seen, "stop@local until 8 ;");
        seen[0] = '\0';
        must(store_grant_each(txn, 3, grant_note, seen));
        assert_string_equal(seen, "");
        must(store_grant_delete(txn, &grants[5]));
        assert_int_equal(store_grant_delete(txn, &grants[5]), STORE_E_MISSING);
        must(store_grant_each(txn, 1, grant_note, seen));
        assert_string_equal(seen, "dba@local until 7 ;login@other until 6 b;");
        must(store_commit(&txn));
        bed_done(&bed);
}

int main(void) {
        static const struct CMUnitTest tests[] = {
                cmocka_unit_test(every_field_comes_back),
                cmocka_unit_test(names_and_numbers_are_one_space_with_the_users),
                cmocka_unit_test(a_list_that_is_not_sorted_is_refused),
                cmocka_unit_test(relations_follow_every_change),
                cmocka_unit_test(walks_and_counts),
                cmocka_unit_test(a_hundred_thousand_members),
                cmocka_unit_test(grants_are_keyed_by_user_role_and_tenant),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
