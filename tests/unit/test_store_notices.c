/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Notices: a short queue in one row a user. */

#include "tests/unit/store_fixture.h"

static void notices_come_back_as_they_were(void **state) {
        Bed bed = bed_make();
        StoreTxn *txn = begun(bed.store);
        char longest[STORE_NOTICE_MAX + 1];
        StoreNotices in = { .uid = 70000, .dropped = 3, .shown_usec = 9 };
        StoreNotices *out = NULL;

        memset(longest, 'x', STORE_NOTICE_MAX);
        longest[STORE_NOTICE_MAX] = '\0';
        assert_int_equal(store_notices_get(txn, 70000, &out), STORE_E_MISSING);
        for (; in.count < STORE_NOTICES_MAX; in.count++)
                in.list[in.count] =
                        (StoreNotice){ UINT64_MAX - in.count, in.count == 0 ? "a" : longest };
        must(store_notices_put(txn, &in));
        must(store_commit(&txn));
        must(store_flush(bed.store));
        bed_reopen(&bed);
        txn = begun(bed.store);
        must(store_notices_get(txn, 70000, &out));
        assert_int_equal(out->uid, 70000);
        assert_int_equal(out->dropped, 3);
        assert_int_equal(out->shown_usec, 9);
        assert_int_equal(out->count, STORE_NOTICES_MAX);
        for (size_t i = 0; i < out->count; i++) {
                assert_true(out->list[i].time_usec == in.list[i].time_usec);
                assert_string_equal(out->list[i].text, in.list[i].text);
        }
        must(store_notices_put(txn, out)); /* over what it was read from */
        store_notices_free(out);
        must(store_notices_delete(txn, 70000));
        assert_int_equal(store_notices_delete(txn, 70000), STORE_E_MISSING);
        store_txn_abortp(&txn);
        bed_done(&bed);
}

static void what_makes_no_sense_is_refused(void **state) {
        static const uint8_t good[11] = { [8] = 1, 'x' };
        Bed bed = bed_make();
        StoreTxn *txn = begun(bed.store);
        StoreNotices notices = { .uid = 70000 };
        uint8_t bad[11 * (STORE_NOTICES_MAX + 1)];
        char longer[STORE_NOTICE_MAX + 2];

        must(notices_list_read(good, sizeof(good), &notices));
        assert_string_equal(notices.list[0].text, "x");
        for (size_t cut = 0; cut < sizeof(good); cut++)
                assert_int_equal(notices_list_read(good, cut, &notices), -EBADMSG);
        for (size_t i = 0; i <= STORE_NOTICES_MAX; i++)
                memcpy(bad + 11 * i, good, 11);
        assert_int_equal(notices_list_read(bad, sizeof(bad), &notices), -EBADMSG);
        must(notices_list_read(bad, sizeof(bad) - 11, &notices));
        memcpy(bad, good, 11);
        bad[10] = 'y'; /* without its end */
        assert_int_equal(notices_list_read(bad, 11, &notices), -EBADMSG);
        bad[9] = 0xff;
        bad[10] = 0;
        assert_int_equal(notices_list_read(bad, 11, &notices), -EBADMSG);
        bad[8] = 0;
        assert_int_equal(notices_list_read(bad, 11, &notices), -EBADMSG);
        notices = (StoreNotices){ .uid = 70000 };
        assert_int_equal(store_notices_put(txn, &notices), -EINVAL); /* none at all */
        memset(longer, 'x', sizeof(longer) - 1);
        longer[sizeof(longer) - 1] = '\0';
        notices.list[0] = (StoreNotice){ 1, longer };
        notices.count = 1;
        assert_int_equal(store_notices_put(txn, &notices), -EINVAL);
        notices.list[0].text = "";
        assert_int_equal(store_notices_put(txn, &notices), -EINVAL);
        store_txn_abortp(&txn);
        bed_done(&bed);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(notices_come_back_as_they_were),
                cmocka_unit_test(what_makes_no_sense_is_refused),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
