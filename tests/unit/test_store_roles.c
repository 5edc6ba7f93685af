/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Roles of one's own, tenants, and who holds which role: rows in front of all users. */

#include "tests/unit/store_fixture.h"

static const char *const permits[] = { "user.view", "user.password.*", NULL };
static const char *const groups[] = { "adm", NULL };

static StoreRole role_of(const char *name) {
        return (StoreRole){
                .name = name,
                .description = "helps",
                .lists = { [ROLE_LIST_PERMIT] = permits, [ROLE_LIST_LINUX_GROUPS] = groups },
                .only_kind = 2,
                .automatic = "department=sales",
                .one_tenant = true,
                .created_usec = 7,
                .created_by = 70000,
        };
}

static void role_put(Store *store, const StoreRole *role) {
        StoreTxn *txn = begun(store);

        must(store_role_put(txn, role));
        must(store_commit(&txn));
}

static void stamp_get(Store *store, uint8_t *ret) {
        StoreTxn *txn = reading(store);

        must(store_role_stamp(txn, ret));
        store_txn_abortp(&txn);
}

static void a_role_comes_back_as_it_was_written(void **state) {
        Bed bed = bed_make();
        StoreRole role = role_of("help-desk"), *out = NULL;
        StoreTxn *txn;

        role_put(bed.store, &role);
        must(store_flush(bed.store));
        bed_reopen(&bed);
        txn = reading(bed.store);
        must(store_role_get(txn, "help-desk", &out));
        assert_int_equal(out->version, 1);
        assert_string_equal(out->description, "helps");
        assert_string_equal(out->lists[ROLE_LIST_PERMIT][0], "user.view");
        assert_string_equal(out->lists[ROLE_LIST_PERMIT][1], "user.password.*");
        assert_null(out->lists[ROLE_LIST_PERMIT][2]);
        assert_string_equal(out->lists[ROLE_LIST_LINUX_GROUPS][0], "adm");
        assert_null(out->lists[ROLE_LIST_LINUX_GROUPS][1]);
        assert_null(out->lists[ROLE_LIST_DENY][0]);
        assert_int_equal(out->only_kind, 2);
        assert_string_equal(out->automatic, "department=sales");
        assert_true(out->one_tenant);
        assert_int_equal(out->created_usec, 7);
        assert_int_equal(out->created_by, 70000);
        store_role_free(out);
        assert_int_equal(store_role_get(txn, "help", &out), STORE_E_MISSING);
        assert_int_equal(store_role_get(txn, "", &out), STORE_E_MISSING);
        store_txn_abortp(&txn);
        bed_done(&bed);
}

static void of_two_writers_the_second_is_told(void **state) {
        Bed bed = bed_make();
        StoreRole role = role_of("help-desk");
        StoreTxn *txn;

        role_put(bed.store, &role);
        txn = begun(bed.store);
        assert_int_equal(store_role_put(txn, &role), STORE_E_CONFLICT); /* it is there */
        role.version = 2;
        assert_int_equal(store_role_put(txn, &role), STORE_E_CONFLICT);
        role.version = 1;
        must(store_role_put(txn, &role));
        assert_int_equal(store_role_put(txn, &role), STORE_E_CONFLICT);
        must(store_role_delete(txn, "help-desk"));
        assert_int_equal(store_role_delete(txn, "help-desk"), STORE_E_MISSING);
        assert_int_equal(store_role_put(txn, &role), STORE_E_CONFLICT); /* gone */
        must(store_commit(&txn));
        bed_done(&bed);
}

static void what_no_role_can_have_is_not_written(void **state) {
        static const char *const empty[] = { "user.view", "", NULL };
        static const char *const latin[] = { "\xfc", NULL };
        Bed bed = bed_make();
        StoreRole role = role_of("r");
        StoreTxn *txn = begun(bed.store);

        role.lists[ROLE_LIST_DENY] = empty;
        assert_int_equal(store_role_put(txn, &role), -EINVAL);
        role.lists[ROLE_LIST_DENY] = latin;
        assert_int_equal(store_role_put(txn, &role), -EINVAL);
        role = role_of("");
        assert_int_equal(store_role_put(txn, &role), -EINVAL);
        store_txn_abortp(&txn);
        bed_done(&bed);
}

static void a_list_is_texts_with_their_ends(void **state) {
        static const struct {
                const char *bytes;
                size_t len;
                int r;
        } rows[] = {
                { "", 0, 0 },           { "a", 2, 0 },
                { "a\0bc", 5, 0 },      { "a\0bc", 4, -EBADMSG }, /* no end */
                { "a", 1, -EBADMSG },   { "", 1, -EBADMSG },      /* no text */
                { "a\0", 3, -EBADMSG }, { "\xff", 2, -EBADMSG },
        };

        for (size_t i = 0; i < ARRAY_LENGTH(rows); i++)
                assert_int_equal(role_list_read((const uint8_t *)rows[i].bytes, rows[i].len, NULL),
                                 rows[i].r);
}

/* Whoever keeps the set sees each change by the stamp, and one that was let go too. */
static void the_stamp_is_another_after_each_change(void **state) {
        static const uint8_t none[STORE_ROLE_STAMP_BYTES] = { 0 };
        uint8_t stamps[4][STORE_ROLE_STAMP_BYTES], inside[STORE_ROLE_STAMP_BYTES];
        Bed bed = bed_make();
        StoreRole role = role_of("r");
        StoreTxn *txn;

        stamp_get(bed.store, stamps[0]);
        assert_memory_equal(stamps[0], none, sizeof(none));
        role_put(bed.store, &role);
        stamp_get(bed.store, stamps[1]);
        role.version = 1;
        role_put(bed.store, &role);
        stamp_get(bed.store, stamps[2]);
        txn = begun(bed.store);
        must(store_role_delete(txn, "r"));
        must(store_role_stamp(txn, inside));
        store_txn_abortp(&txn);
        stamp_get(bed.store, stamps[3]);
        assert_memory_equal(stamps[2], stamps[3], sizeof(inside));
        assert_memory_not_equal(stamps[0], stamps[1], sizeof(inside));
        assert_memory_not_equal(stamps[1], stamps[2], sizeof(inside));
        assert_memory_not_equal(stamps[2], inside, sizeof(inside));
        bed_done(&bed);
}

static int name_note(void *userdata, StoreRole **role) {
        char *seen = userdata;

        sprintf(seen + strlen(seen), "%s;", (*role)->name);
        return strcmp((*role)->name, "stop") == 0 ? 9 : 0;
}

static int tenant_note(void *userdata, const StoreTenant *tenant) {
        char *seen = userdata;

        sprintf(seen + strlen(seen), "%s %u%s;", tenant->name, tenant->seats,
                tenant->deleted ? " gone" : "");
        return 0;
}

static void walks_meet_their_own_rows_alone(void **state) {
        static const char *const names[] = { "b", "a", "stop", "z" };
        const StorePolicyValue value = { 'c', "local", "lockout.attempts", "3", 1, 0 };
        const StoreGrant grant = {
                .uid = 70000, .role = "r", .tenant = "t", .reason = "", .over = ""
        };
        StoreTenant tenant = { 0, "acme", "", 50, "member", false, 1, 0 };
        Bed bed = bed_make();
        StoreTxn *txn;
        char seen[256] = "";

        must(user_add(bed.store, 70000, "alice"));
        for (size_t i = 0; i < ARRAY_LENGTH(names); i++) {
                StoreRole role = role_of(names[i]);

                role_put(bed.store, &role);
        }
        txn = begun(bed.store);
        must(store_policy_value_put(txn, &value));
        must(store_grant_put(txn, &grant));
        must(store_tenant_put(txn, &tenant));
        assert_int_equal(store_tenant_put(txn, &tenant), STORE_E_CONFLICT);
        tenant.version = 1;
        tenant.deleted = true;
        tenant.seats = 51;
        must(store_tenant_put(txn, &tenant));
        assert_int_equal(store_role_each(txn, name_note, seen), 9);
        assert_string_equal(seen, "a;b;stop;");
        seen[0] = '\0';
        must(store_tenant_each(txn, tenant_note, seen));
        assert_string_equal(seen, "acme 51 gone;");
        must(store_commit(&txn));
        bed_done(&bed);
}

/* ---- who holds a role ------------------------------------------------------------------------ */

static int holder_note(void *userdata, const char *role, uid_t uid) {
        char *seen = userdata;

        sprintf(seen + strlen(seen), "%s %u;", role, uid);
        return 0;
}

static void holders_follow_the_grants(void **state) {
        static const StoreGrant grants[] = {
                { .uid = 7, .role = "dba", .tenant = "local", .reason = "", .over = "" },
                { .uid = 7, .role = "dba", .tenant = "acme", .reason = "", .over = "" },
                { .uid = 9, .role = "dba", .tenant = "local", .reason = "", .over = "" },
                { .uid = 8, .role = "db", .tenant = "local", .reason = "", .over = "" },
        };
        const StoreGrant first = {
                .uid = 10, .role = "dba", .tenant = "local", .reason = "", .over = ""
        };
        Bed bed = bed_make();
        StoreTxn *txn = begun(bed.store);
        char seen[256] = "";
        uid_t uid = 0;

        for (size_t i = 0; i < ARRAY_LENGTH(grants); i++)
                must(store_grant_put(txn, &grants[i]));
        must(store_grant_put_first(txn, &first));
        must(store_grant_holders(txn, holder_note, seen));
        assert_string_equal(seen, "db 8;dba 7;dba 9;");
        must(store_grant_holder_next(txn, "dba", 0, &uid));
        assert_int_equal(uid, 7);
        must(store_grant_holder_next(txn, "dba", 7, &uid));
        assert_int_equal(uid, 9);
        assert_int_equal(store_grant_holder_next(txn, "dba", 9, &uid), STORE_E_MISSING);
        assert_int_equal(store_grant_holder_next(txn, "dba", (uid_t)-1, &uid), STORE_E_MISSING);
        assert_int_equal(store_grant_holder_next(txn, "d", 0, &uid), STORE_E_MISSING);
        must(store_grant_delete(txn, &grants[0]));
        must(store_grant_holds(txn, "dba", 7)); /* at acme still */
        must(store_grant_delete(txn, &grants[1]));
        assert_int_equal(store_grant_holds(txn, "dba", 7), STORE_E_MISSING);
        must(store_grant_holds(txn, "dba", 9));
        must(store_grant_delete(txn, &first)); /* without a key there, and that is no fault */
        must(store_commit(&txn));
        bed_done(&bed);
}

static int over_note(void *userdata, const StoreGrant *grant) {
        char *seen = userdata;

        sprintf(seen + strlen(seen), "%s %u=%s;", grant->role, grant->scope, grant->over);
        return 0;
}

static void one_role_may_be_given_over_several(void **state) {
        static const StoreGrant grants[] = {
                { .uid = 7, .role = "t", .tenant = "l", .reason = "", .over = "" },
                { .uid = 7, .role = "t", .tenant = "l", .reason = "", .scope = 1, .over = "sales" },
                { .uid = 7, .role = "t", .tenant = "l", .reason = "", .scope = 2, .over = "sales" },
        };
        static const StoreGrant bad[] = {
                { .uid = 7, .role = "t", .tenant = "l", .reason = "", .scope = 1, .over = "" },
                { .uid = 7, .role = "t", .tenant = "l", .reason = "", .over = "sales" },
                { .uid = 7, .role = "t", .tenant = "l", .reason = "", .scope = 256, .over = "x" },
        };
        Bed bed = bed_make();
        StoreTxn *txn = begun(bed.store);
        char seen[256] = "";

        for (size_t i = 0; i < ARRAY_LENGTH(grants); i++) {
                must(store_grant_put(txn, &grants[i]));
                must(store_grant_put(txn, &grants[i])); /* replaced */
        }
        must(store_grant_each(txn, 7, over_note, seen));
        assert_string_equal(seen, "t 0=;t 1=sales;t 2=sales;");
        must(store_grant_delete(txn, &grants[1]));
        seen[0] = '\0';
        must(store_grant_each(txn, 7, over_note, seen));
        assert_string_equal(seen, "t 0=;t 2=sales;");
        must(store_commit(&txn));
        for (size_t i = 0; i < ARRAY_LENGTH(bad); i++) {
                txn = begun(bed.store);
                assert_int_equal(store_grant_put(txn, &bad[i]), -EINVAL);
                store_txn_abortp(&txn);
        }
        bed_done(&bed);
}

int main(void) {
        static const struct CMUnitTest tests[] = {
                cmocka_unit_test(a_role_comes_back_as_it_was_written),
                cmocka_unit_test(of_two_writers_the_second_is_told),
                cmocka_unit_test(what_no_role_can_have_is_not_written),
                cmocka_unit_test(a_list_is_texts_with_their_ends),
                cmocka_unit_test(the_stamp_is_another_after_each_change),
                cmocka_unit_test(walks_meet_their_own_rows_alone),
                cmocka_unit_test(holders_follow_the_grants),
                cmocka_unit_test(one_role_may_be_given_over_several),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
