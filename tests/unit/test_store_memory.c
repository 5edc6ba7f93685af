/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Every allocation of the store fails once: the call says -ENOMEM, nothing of it happened, and the
 * same call works the next time. */

#include "tests/unit/store_fixture.h"

static struct {
        int countdown; /* the allocation that fails, from 1; 0: none */
        bool hit;
} fault;

static bool fault_strikes(void) {
        if (fault.countdown == 0 || --fault.countdown != 0)
                return false;
        fault.hit = true;
        return true;
}

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *at, size_t size);
void *__real_reallocarray(void *at, size_t count, size_t size);
char *__real_strdup(const char *s);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *at, size_t size);
void *__wrap_reallocarray(void *at, size_t count, size_t size);
char *__wrap_strdup(const char *s);

void *__wrap_malloc(size_t size) {
        return fault_strikes() ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t count, size_t size) {
        return fault_strikes() ? NULL : __real_calloc(count, size);
}

void *__wrap_realloc(void *at, size_t size) {
        return fault_strikes() ? NULL : __real_realloc(at, size);
}

void *__wrap_reallocarray(void *at, size_t count, size_t size) {
        return fault_strikes() ? NULL : __real_reallocarray(at, count, size);
}

char *__wrap_strdup(const char *s) {
        return fault_strikes() ? NULL : __real_strdup(s);
}

static const uid_t members[] = { 70000 };
static const char *const permits[] = { "user.view", NULL };

/* A change that has all there is to write. */
static int change_make(Store *store) {
        static const StoreValue value = { "full_name", NULL, "Alice" };
        _cleanup_(store_txn_abortp) StoreTxn *txn = NULL;
        StoreUser user = user_of(70000, "alice");
        StoreGroup group = group_of(70010, "web");
        StoreCredential credential = { .uid = 70000, .verifier_version = 1 };
        StoreGrant grant = {
                .uid = 70000, .role = "login", .tenant = "local", .reason = "", .over = ""
        };
        StoreRole role = { .name = "dba", .description = "", .lists[ROLE_LIST_PERMIT] = permits };
        StoreTenant tenant = { .name = "acme", .title = "", .default_role = "member" };
        StorePast past = { 70000, { (const uint8_t *)"s", 1, 3 }, 5 };
        StoreAudit entry = audit_of("user.create", "user/alice");
        uint64_t seq;
        int r;

        user.email = "a@example.org";
        group.members = members;
        group.member_count = 1;
        entry.values = &value;
        entry.value_count = 1;
        r = store_begin(store, &txn);
        if (r == 0)
                r = store_user_insert(txn, &user);
        if (r == 0)
                r = store_group_insert(txn, &group);
        if (r == 0)
                r = store_credential_put(txn, &credential);
        if (r == 0)
                r = store_grant_put(txn, &grant);
        if (r == 0)
                r = store_role_put(txn, &role);
        if (r == 0)
                r = store_tenant_put(txn, &tenant);
        user.version = group.version = credential.version = 1;
        if (r == 0)
                r = store_user_update(txn, &user);
        if (r == 0)
                r = store_group_update(txn, &group);
        if (r == 0)
                r = store_credential_put(txn, &credential);
        if (r == 0)
                r = store_history_put(txn, &past);
        if (r == 0)
                r = store_audit_append(txn, &entry, &seq);
        if (r == 0)
                r = store_event_append(txn, "user.created", "user/alice", 1, &seq);
        if (r == 0)
                r = store_commit(&txn);
        return r == 0 ? store_flush(store) : r;
}

static int user_pass(void *userdata, const StoreUser *user) {
        return 0;
}

static int group_pass(void *userdata, const StoreGroup *group) {
        return 0;
}

static int grant_pass(void *userdata, const StoreGrant *grant) {
        return 0;
}

static int event_read(StoreTxn *txn) {
        _cleanup_free_ char *type = NULL, *object = NULL;
        uint64_t at;

        return store_event_get(txn, 1, &type, &object, &at);
}

/* Reads all of it. */
static int change_read(Store *store) {
        _cleanup_(store_txn_abortp) StoreTxn *txn = NULL;
        _cleanup_(store_user_freep) StoreUser *user = NULL;
        _cleanup_(store_group_freep) StoreGroup *group = NULL;
        _cleanup_(store_credential_freep) StoreCredential *credential = NULL;
        _cleanup_(store_history_done) StoreHistory history = { 0 };
        _cleanup_(store_audit_freep) StoreAudit *entry = NULL;
        _cleanup_free_ gid_t *gids = NULL;
        StoreAuditCheck check = {};
        StoreStatistics statistics;
        size_t count;
        int r;

        r = store_begin_read(store, &txn);
        if (r == 0)
                r = store_user_get_by_email(txn, "local", "a@example.org", &user);
        if (r == 0)
                r = store_group_get_by_name(txn, "web", &group);
        if (r == 0)
                r = store_credential_get(txn, 70000, &credential);
        if (r == 0)
                r = store_history_of_user(txn, 70000, &history);
        if (r == 0)
                r = store_audit_get(txn, 1, &entry);
        if (r == 0)
                r = store_groups_of_user(txn, 70000, &gids, &count);
        if (r == 0)
                r = store_user_each(txn, user_pass, NULL);
        if (r == 0)
                r = store_group_each(txn, group_pass, NULL);
        if (r == 0)
                r = store_grant_each(txn, 70000, grant_pass, NULL);
        if (r == 0)
                r = event_read(txn);
        if (r == 0)
                r = store_audit_verify(txn, 10, &check);
        return r == 0 ? store_statistics(store, &statistics) : r;
}

static int open_read(Store *store) {
        return 0;
}

/* Opens the bed's store and does it, with the nth allocation failing. */
static int struck(Bed *bed, int (*story)(Store *store), int nth) {
        int r;

        fault.hit = false;
        fault.countdown = nth;
        r = bed->store ? 0 : store_open(bed->dir, true, &bed->store);
        if (r == 0)
                r = story(bed->store);
        fault.countdown = 0;
        return r;
}

static void a_change_that_runs_dry_never_happened(void **state) {
        for (int nth = 1; nth == 1 || fault.hit; nth++) {
                Bed bed = bed_make();
                StoreStatistics statistics;
                int r = struck(&bed, change_make, nth);

                assert_int_equal(r, fault.hit ? -ENOMEM : 0);
                must(store_statistics(bed.store, &statistics));
                assert_int_equal(statistics.users, r == 0);
                assert_int_equal(statistics.groups, r == 0);
                assert_int_equal(statistics.audit_entries, r == 0);
                if (r < 0)
                        must(change_make(bed.store));
                must(change_read(bed.store));
                bed_done(&bed);
                assert_true(nth < 64 && (nth > 5 || fault.hit));
        }
}

static void a_read_that_runs_dry_says_so(void **state) {
        Bed bed = bed_make();

        must(change_make(bed.store));
        for (int nth = 1; nth == 1 || fault.hit; nth++) {
                int r = struck(&bed, change_read, nth);

                assert_int_equal(r, fault.hit ? -ENOMEM : 0);
                must(change_read(bed.store));
                assert_true(nth < 64 && (nth > 12 || fault.hit));
        }
        bed_done(&bed);
}

static void an_opening_that_runs_dry_can_be_tried_again(void **state) {
        for (int nth = 1; nth == 1 || fault.hit; nth++) {
                Bed bed;
                int r;

                bed_dir_make(&bed);
                r = struck(&bed, open_read, nth);
                assert_int_equal(r, fault.hit ? -ENOMEM : 0);
                if (fault.hit)
                        must(store_open(bed.dir, true, &bed.store));
                must(change_make(bed.store));
                bed_done(&bed);
                assert_true(nth < 64 && (nth > 2 || fault.hit));
        }
}

int main(void) {
        static const struct CMUnitTest tests[] = {
                cmocka_unit_test(a_change_that_runs_dry_never_happened),
                cmocka_unit_test(a_read_that_runs_dry_says_so),
                cmocka_unit_test(an_opening_that_runs_dry_can_be_tried_again),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
