/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Areas of permissions that applications registered: rows in front of all users, beside roles. */

#include "tests/unit/store_fixture.h"

static const StoreAreaPermission permissions[] = {
        { "crm.deal.view", "see deals", PERMISSION_CATEGORY_DATA, true, false },
        { "crm.deal.close", "close deals", PERMISSION_CATEGORY_ACTION, false, true },
};

static StoreArea area_of(const char *name) {
        return (StoreArea){
                .name = name,
                .app = "sales",
                .permissions = permissions,
                .permission_count = ARRAY_LENGTH(permissions),
                .created_usec = 7,
                .created_by = 70000,
        };
}

static void area_put(Store *store, const StoreArea *area) {
        StoreTxn *txn = begun(store);

        must(store_area_put(txn, area));
        must(store_commit(&txn));
}

static void an_area_comes_back_as_it_was_written(void **state) {
        Bed bed = bed_make();
        StoreArea area = area_of("crm"), *out = NULL;
        StoreTxn *txn;

        area_put(bed.store, &area);
        must(store_flush(bed.store));
        bed_reopen(&bed);
        txn = reading(bed.store);
        must(store_area_get(txn, "crm", &out));
        assert_int_equal(out->version, 1);
        assert_string_equal(out->app, "sales");
        assert_int_equal(out->permission_count, 2);
        for (size_t i = 0; i < ARRAY_LENGTH(permissions); i++) {
                assert_string_equal(out->permissions[i].name, permissions[i].name);
                assert_string_equal(out->permissions[i].meaning, permissions[i].meaning);
                assert_int_equal(out->permissions[i].category, permissions[i].category);
                assert_int_equal(out->permissions[i].reads, permissions[i].reads);
                assert_int_equal(out->permissions[i].gone, permissions[i].gone);
        }
        assert_int_equal(out->created_usec, 7);
        assert_int_equal(out->created_by, 70000);
        store_area_free(out);
        assert_int_equal(store_area_get(txn, "cr", &out), STORE_E_MISSING);
        assert_int_equal(store_area_get(txn, "", &out), STORE_E_MISSING);
        store_txn_abortp(&txn);
        bed_done(&bed);
}

static void of_two_writers_the_second_is_told(void **state) {
        Bed bed = bed_make();
        StoreArea area = area_of("crm");
        StoreTxn *txn;

        area_put(bed.store, &area);
        txn = begun(bed.store);
        assert_int_equal(store_area_put(txn, &area), STORE_E_CONFLICT);
        area.version = 1;
        must(store_area_put(txn, &area));
        must(store_area_delete(txn, "crm"));
        assert_int_equal(store_area_delete(txn, "crm"), STORE_E_MISSING);
        must(store_commit(&txn));
        bed_done(&bed);
}

static void what_no_area_can_have_is_not_written(void **state) {
        static const StoreAreaPermission bad[] = {
                { "", "see deals", 0, false, false },
                { "crm.x", "", 0, false, false },
                { "crm.\xfc", "see", 0, false, false },
                { "crm.x", "see", _PERMISSION_CATEGORY_MAX, false, false },
        };
        Bed bed = bed_make();

        for (size_t i = 0; i <= ARRAY_LENGTH(bad); i++) {
                StoreArea area = area_of("crm");
                StoreTxn *txn = begun(bed.store);

                area.permissions = &bad[i];
                area.permission_count = i < ARRAY_LENGTH(bad) ? 1 : 0;
                assert_int_equal(store_area_put(txn, &area), -EINVAL);
                store_txn_abortp(&txn);
        }
        bed_done(&bed);
}

static void a_list_is_read_strictly(void **state) {
        static const struct {
                const char *bytes;
                size_t len;
                int r;
                size_t count;
        } rows[] = {
                { "\0\0a\0b", 6, 0, 1 },
                { "\5\3a\0b\0\0\0c\0d", 12, 0, 2 },
                { "\0\0a\0b", 5, -EBADMSG, 0 },     /* no end */
                { "\0\0a\0b\0\0", 7, -EBADMSG, 0 }, /* a byte behind the last */
                { "\0\0\0b\0", 6, -EBADMSG, 0 },    /* no name */
                { "\0\0a\0\0", 6, -EBADMSG, 0 },    /* means nothing */
                { "\0\0abc", 6, -EBADMSG, 0 },      /* no meaning at all */
                { "\6\0a\0b", 6, -EBADMSG, 0 },     /* a category that is none */
                { "\0\4a\0b", 6, -EBADMSG, 0 },     /* a flag that is none */
                { "\0\0\xff\0b", 6, -EBADMSG, 0 },  /* no UTF-8 */
        };

        for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
                StoreAreaPermission list[4];
                size_t count = 0;

                assert_int_equal(area_list_read((const uint8_t *)rows[i].bytes, rows[i].len, list,
                                                &count),
                                 rows[i].r);
                assert_int_equal(count, rows[i].count);
        }
}

static void no_area_has_more_than_there_may_be(void **state) {
        uint8_t bytes[(STORE_AREA_MAX + 1) * 6];
        StoreAreaPermission list[STORE_AREA_MAX + 1];
        size_t count = 0;

        for (size_t i = 0; i <= STORE_AREA_MAX; i++)
                memcpy(bytes + i * 6, "\0\0a\0b", 6);
        must(area_list_read(bytes, STORE_AREA_MAX * 6, list, &count));
        assert_int_equal(count, STORE_AREA_MAX);
        assert_int_equal(area_list_read(bytes, sizeof(bytes), list, &count), -EBADMSG);
}

static int name_note(void *userdata, StoreArea **area) {
        char *seen = userdata;

        sprintf(seen + strlen(seen), "%s;", (*area)->name);
        return strcmp((*area)->name, "stop") == 0 ? 9 : 0;
}

static void a_walk_meets_areas_alone_and_roles_see_the_change(void **state) {
        static const char *const names[] = { "b", "a", "stop", "z" };
        uint8_t before[STORE_ROLE_STAMP_BYTES], after[STORE_ROLE_STAMP_BYTES];
        const StoreRole role = { .name = "r", .description = "" };
        Bed bed = bed_make();
        StoreTxn *txn = begun(bed.store);
        char seen[64] = "";

        must(store_role_put(txn, &role));
        for (size_t i = 0; i < ARRAY_LENGTH(names); i++) {
                const StoreArea area = area_of(names[i]);

                must(store_role_stamp(txn, before));
                must(store_area_put(txn, &area));
                must(store_role_stamp(txn, after));
                assert_memory_not_equal(before, after, sizeof(before));
        }
        assert_int_equal(store_area_each(txn, name_note, seen), 9);
        assert_string_equal(seen, "a;b;stop;");
        must(store_area_delete(txn, "stop"));
        must(store_role_stamp(txn, before));
        assert_memory_not_equal(before, after, sizeof(before));
        must(store_commit(&txn));
        bed_done(&bed);
}

int main(void) {
        static const struct CMUnitTest tests[] = {
                cmocka_unit_test(an_area_comes_back_as_it_was_written),
                cmocka_unit_test(of_two_writers_the_second_is_told),
                cmocka_unit_test(what_no_area_can_have_is_not_written),
                cmocka_unit_test(a_list_is_read_strictly),
                cmocka_unit_test(no_area_has_more_than_there_may_be),
                cmocka_unit_test(a_walk_meets_areas_alone_and_roles_see_the_change),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
