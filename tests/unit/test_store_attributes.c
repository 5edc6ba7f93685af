/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Typed attributes: what they are, what a user has of them, and who is found by them. */

#include "tests/unit/store_fixture.h"

static const StoreAttributeKind cert = { .name = "cert.prod-access",
                                         .description = "may go to production",
                                         .type = ATTRIBUTE_CHOICE,
                                         .choices = "eu,us",
                                         .is_private = true,
                                         .created_usec = 7,
                                         .created_by = 70000 };

static StoreUser *user_get(StoreTxn *txn, uid_t uid) {
        StoreUser *user = NULL;

        must(store_user_get(txn, uid, &user));
        return user;
}

static int kind_put(Store *store, const StoreAttributeKind *kind) {
        StoreTxn *txn = begun(store);
        int r = store_attribute_kind_put(txn, kind);

        if (r == 0)
                must(store_commit(&txn));
        store_txn_abortp(&txn);
        return r;
}

static int note_name(void *userdata, const StoreAttributeKind *kind) {
        base_text_addf(userdata, "%s ", kind->name);
        return 0;
}

static void a_kind_comes_back_as_it_was_written(void **state) {
        Bed bed = bed_make();
        StoreAttributeKind *out = NULL, changed = cert;
        char buf[128];
        StoreTxn *txn;
        Text text;

        must(kind_put(bed.store, &cert));
        must(kind_put(bed.store, &(StoreAttributeKind){ .name = "a",
                                                        .description = "",
                                                        .choices = "",
                                                        .type = ATTRIBUTE_FLAG }));
        must(store_flush(bed.store));
        bed_reopen(&bed);
        txn = reading(bed.store);
        must(store_attribute_kind_get(txn, "cert.prod-access", &out));
        assert_int_equal(out->version, 1);
        assert_string_equal(out->description, cert.description);
        assert_int_equal(out->type, ATTRIBUTE_CHOICE);
        assert_string_equal(out->choices, "eu,us");
        assert_true(out->is_private);
        assert_int_equal(out->created_usec, 7);
        assert_int_equal(out->created_by, 70000);
        store_attribute_kind_free(out);
        assert_int_equal(store_attribute_kind_get(txn, "cert", &out), STORE_E_MISSING);
        assert_int_equal(store_attribute_kind_get(txn, "", &out), STORE_E_MISSING);
        base_text_init(&text, buf, sizeof(buf));
        must(store_attribute_kind_each(txn, note_name, &text));
        assert_string_equal(buf, "a cert.prod-access ");
        store_txn_abortp(&txn);
        assert_int_equal(kind_put(bed.store, &cert), STORE_E_CONFLICT);
        changed.version = 1;
        must(kind_put(bed.store, &changed));
        txn = begun(bed.store);
        must(store_attribute_kind_delete(txn, "cert.prod-access"));
        assert_int_equal(store_attribute_kind_delete(txn, "cert.prod-access"), STORE_E_MISSING);
        must(store_commit(&txn));
        bed_done(&bed);
}

/* Writes what the user has, as core does. */
static void values_put(Store *store, uid_t uid, const StoreAttribute *list, size_t count) {
        StoreTxn *txn = begun(store);
        StoreUser *user = user_get(txn, uid), changed = *user;
        uint8_t *bytes;
        size_t len;

        must(store_attributes_write(list, count, &bytes, &len));
        changed.attributes = bytes;
        changed.attributes_len = len;
        must(store_user_update(txn, &changed));
        must(store_commit(&txn));
        store_user_free(user);
        free(bytes);
}

static const StoreAttribute both[] = {
        { "cert.prod-access", "yes", ATTRIBUTE_FLAG, 1000 },
        { "region", "eu", ATTRIBUTE_CHOICE, USEC_INFINITY },
};

static void what_somebody_has_stands_in_his_record(void **state) {
        Bed bed = bed_make();
        StoreAttribute list[STORE_ATTRIBUTES_MAX];
        StoreTxn *txn;
        StoreUser *user;
        size_t count;

        must(user_add(bed.store, 70000, "alice"));
        txn = reading(bed.store);
        user = user_get(txn, 70000);
        must(store_attributes_read(user, list, &count));
        assert_int_equal(count, 0);
        store_user_free(user);
        store_txn_abortp(&txn);
        values_put(bed.store, 70000, both, 2);
        must(store_flush(bed.store));
        bed_reopen(&bed);
        txn = reading(bed.store);
        user = user_get(txn, 70000);
        must(store_attributes_read(user, list, &count));
        assert_int_equal(count, 2);
        for (size_t i = 0; i < 2; i++) {
                assert_string_equal(list[i].name, both[i].name);
                assert_string_equal(list[i].value, both[i].value);
                assert_int_equal(list[i].type, both[i].type);
                assert_true(list[i].until_usec == both[i].until_usec);
        }
        store_user_free(user);
        store_txn_abortp(&txn);
        bed_done(&bed);
}

static void holders_are_found_by_what_they_have(void **state) {
        Bed bed = bed_make();
        StoreTxn *txn;
        uid_t uid;

        must(user_add(bed.store, 70000, "alice"));
        must(user_add(bed.store, 70001, "bob"));
        values_put(bed.store, 70000, both, 2);
        values_put(bed.store, 70001, both + 1, 1);
        txn = reading(bed.store);
        must(store_attribute_holder_next(txn, "region", 0, &uid));
        assert_int_equal(uid, 70000);
        must(store_attribute_holder_next(txn, "region", uid, &uid));
        assert_int_equal(uid, 70001);
        assert_int_equal(store_attribute_holder_next(txn, "region", uid, &uid), STORE_E_MISSING);
        assert_int_equal(store_attribute_holder_next(txn, "regio", 0, &uid), STORE_E_MISSING);
        assert_int_equal(store_attribute_holder_next(txn, "region", (uid_t)-1, &uid),
                         STORE_E_MISSING);
        must(store_attribute_holder_next(txn, "cert.prod-access", 0, &uid));
        assert_int_equal(uid, 70000);
        store_txn_abortp(&txn);
        values_put(bed.store, 70000, both, 1);
        values_put(bed.store, 70001, NULL, 0);
        txn = reading(bed.store);
        assert_int_equal(store_attribute_holder_next(txn, "region", 0, &uid), STORE_E_MISSING);
        must(store_attribute_holder_next(txn, "cert.prod-access", 0, &uid));
        store_txn_abortp(&txn);
        bed_done(&bed);
}

static void what_is_out_of_order_is_not_written(void **state) {
        StoreAttribute many[STORE_ATTRIBUTES_MAX + 1];
        const StoreAttribute wrong[][2] = {
                { both[1], both[0] },
                { both[0], both[0] },
                { both[0], { "region", "", ATTRIBUTE_TEXT, 1 } },
                { both[0], { "region", "eu", 0, 1 } },
        };
        char names[STORE_ATTRIBUTES_MAX + 1][8];
        uint8_t *bytes = NULL;
        size_t len;

        for (size_t i = 0; i < ARRAY_LENGTH(wrong); i++)
                assert_int_equal(store_attributes_write(wrong[i], 2, &bytes, &len), -EINVAL);
        for (size_t i = 0; i < ARRAY_LENGTH(many); i++) {
                snprintf(names[i], sizeof(names[i]), "a%03zu", i);
                many[i] = (StoreAttribute){ names[i], "x", ATTRIBUTE_TEXT, USEC_INFINITY };
        }
        assert_int_equal(store_attributes_write(many, ARRAY_LENGTH(many), &bytes, &len), -EINVAL);
        must(store_attributes_write(many, STORE_ATTRIBUTES_MAX, &bytes, &len));
        free(bytes);
}

/* Cut off anywhere, or with any byte of a head or an end another: what is read is in order, or it
 * is refused. */
static void bytes_are_read_strictly(void **state) {
        StoreAttribute list[STORE_ATTRIBUTES_MAX];
        StoreUser user = { 0 };
        size_t count, len, whole = 0;
        uint8_t *bytes;

        must(store_attributes_write(both, 2, &bytes, &len));
        for (size_t cut = 0; cut <= len; cut++) {
                uint8_t *copy = malloc(cut + 1); /* so that a byte too far is seen */

                assert_non_null(copy);
                memcpy(copy, bytes, cut);
                copy = realloc(copy, cut > 0 ? cut : 1);
                user.attributes = copy;
                user.attributes_len = cut;
                whole += store_attributes_read(&user, list, &count) == 0;
                free(copy);
        }
        assert_int_equal(whole, 3); /* none, the first, both */
        bytes[0] = 0;
        user.attributes = bytes;
        user.attributes_len = len;
        assert_int_equal(store_attributes_read(&user, list, &count), -EBADMSG);
        bytes[0] = ATTRIBUTE_FLAG;
        bytes[9] = 'z'; /* behind the second */
        assert_int_equal(store_attributes_read(&user, list, &count), -EBADMSG);
        bytes[9] = 0xff;
        assert_int_equal(store_attributes_read(&user, list, &count), -EBADMSG);
        free(bytes);
}

int main(void) {
        static const struct CMUnitTest tests[] = {
                cmocka_unit_test(a_kind_comes_back_as_it_was_written),
                cmocka_unit_test(what_somebody_has_stands_in_his_record),
                cmocka_unit_test(holders_are_found_by_what_they_have),
                cmocka_unit_test(what_is_out_of_order_is_not_written),
                cmocka_unit_test(bytes_are_read_strictly),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
