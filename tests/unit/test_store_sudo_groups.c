/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* sudo command groups: rows in front of all users, beside the roles. */

#include "tests/unit/store_fixture.h"

static const char *const commands[] = { "/usr/bin/systemctl restart backup.service", "/usr/bin/id",
                                        NULL };

static StoreSudoGroup commands_of(const char *name) {
        return (StoreSudoGroup){
                .name = name,
                .description = "nightly",
                .commands = commands,
                .run_as = "root",
                .run_as_group = "adm",
                .no_password = true,
                .broad = true,
                .created_usec = 7,
                .created_by = 70000,
        };
}

static void a_group_comes_back_as_it_was_written(void **state) {
        Bed bed = bed_make();
        StoreSudoGroup group = commands_of("backup"), *out = NULL;
        StoreTxn *txn = begun(bed.store);

        must(store_sudo_group_put(txn, &group));
        must(store_commit(&txn));
        must(store_flush(bed.store));
        bed_reopen(&bed);
        txn = reading(bed.store);
        must(store_sudo_group_get(txn, "backup", &out));
        assert_int_equal(out->version, 1);
        assert_string_equal(out->name, "backup");
        assert_string_equal(out->description, "nightly");
        assert_string_equal(out->commands[0], commands[0]);
        assert_string_equal(out->commands[1], commands[1]);
        assert_null(out->commands[2]);
        assert_string_equal(out->run_as, "root");
        assert_string_equal(out->run_as_group, "adm");
        assert_true(out->no_password);
        assert_true(out->broad);
        assert_int_equal(out->created_usec, 7);
        assert_int_equal(out->created_by, 70000);
        store_sudo_group_free(out);
        assert_int_equal(store_sudo_group_get(txn, "back", &out), STORE_E_MISSING);
        assert_int_equal(store_sudo_group_get(txn, "", &out), STORE_E_MISSING);
        store_txn_abortp(&txn);
        bed_done(&bed);
}

static void of_two_writers_the_second_is_told(void **state) {
        Bed bed = bed_make();
        StoreSudoGroup group = commands_of("backup");
        StoreTxn *txn = begun(bed.store);

        must(store_sudo_group_put(txn, &group));
        assert_int_equal(store_sudo_group_put(txn, &group), STORE_E_CONFLICT); /* it is there */
        group.version = 1;
        must(store_sudo_group_put(txn, &group));
        assert_int_equal(store_sudo_group_put(txn, &group), STORE_E_CONFLICT);
        must(store_sudo_group_delete(txn, "backup"));
        assert_int_equal(store_sudo_group_delete(txn, "backup"), STORE_E_MISSING);
        assert_int_equal(store_sudo_group_delete(txn, ""), STORE_E_MISSING);
        must(store_commit(&txn));
        bed_done(&bed);
}

/* What follows from roles and groups is made anew after a change of either. */
static void they_share_the_stamp_of_the_roles(void **state) {
        uint8_t stamps[3][STORE_ROLE_STAMP_BYTES];
        Bed bed = bed_make();
        StoreSudoGroup group = commands_of("backup");
        StoreTxn *txn = begun(bed.store);

        must(store_role_stamp(txn, stamps[0]));
        must(store_sudo_group_put(txn, &group));
        must(store_role_stamp(txn, stamps[1]));
        must(store_sudo_group_delete(txn, "backup"));
        must(store_role_stamp(txn, stamps[2]));
        assert_memory_not_equal(stamps[0], stamps[1], STORE_ROLE_STAMP_BYTES);
        assert_memory_not_equal(stamps[1], stamps[2], STORE_ROLE_STAMP_BYTES);
        store_txn_abortp(&txn);
        bed_done(&bed);
}

static int name_note(void *userdata, StoreSudoGroup **group) {
        char *seen = userdata;

        sprintf(seen + strlen(seen), "%s;", (*group)->name);
        return 0;
}

static void a_walk_meets_their_rows_alone(void **state) {
        static const char *const none[] = { NULL };
        Bed bed = bed_make();
        StoreSudoGroup web = commands_of("web"), backup = commands_of("backup"),
                       empty = commands_of("");
        StoreRole role = { .name = "backup", .description = "" };
        StoreTxn *txn = begun(bed.store);
        char seen[64] = "";

        must(store_role_put(txn, &role));
        must(store_sudo_group_put(txn, &web));
        backup.commands = none;
        must(store_sudo_group_put(txn, &backup));
        assert_int_equal(store_sudo_group_put(txn, &empty), -EINVAL);
        must(store_sudo_group_each(txn, name_note, seen));
        assert_string_equal(seen, "backup;web;");
        store_txn_abortp(&txn);
        bed_done(&bed);
}

int main(void) {
        static const struct CMUnitTest tests[] = {
                cmocka_unit_test(a_group_comes_back_as_it_was_written),
                cmocka_unit_test(of_two_writers_the_second_is_told),
                cmocka_unit_test(they_share_the_stamp_of_the_roles),
                cmocka_unit_test(a_walk_meets_their_rows_alone),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
