/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* See people.h.  What a user brings along is what core/users.c writes, so that a store filled here
 * costs umd what a real one would. */

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "tests/bench/people.h"

#define BATCH 500U /* as store.h asks: flush every few hundred */

void people_name(uint32_t n, char *ret) {
        snprintf(ret, PEOPLE_NAME_BYTES, "u%08x", n * 2654435761U);
}

static StoreUser user_of(uid_t uid, const char *name, const char *email, const char *home) {
        return (StoreUser){
                .uid = uid,
                .gid = uid,
                .name = name,
                .full_name = "Alice Example",
                .email = email,
                .phone = "",
                .title = "",
                .department = "it",
                .language = "de",
                .time_zone = "Europe/Berlin",
                .notify = "",
                .shell = "/bin/bash",
                .home = home,
                .tenant = "local",
                .status = USER_STATUS_ACTIVE,
                .status_reason = "",
                .suspended_until_usec = USEC_INFINITY,
                .valid_until_usec = USEC_INFINITY,
                .locked_by = (uid_t)-1,
                .locked_reason = "",
                .created_usec = 1000,
        };
}

static int user_insert(StoreTxn *txn, const char *name, uid_t *ret) {
        char email[64], home[64];
        StoreUser user;
        int r;

        r = store_id_allocate(txn, PEOPLE_FIRST, PEOPLE_LAST, NULL, NULL, ret);
        if (r != 0)
                return r;
        snprintf(email, sizeof(email), "%s@example.org", name);
        snprintf(home, sizeof(home), "/home/%s", name);
        user = user_of(*ret, name, email, home);
        return store_user_insert(txn, &user);
}

static int audit_append(StoreTxn *txn, uid_t uid) {
        static const StoreValue values[] = { { "full_name", NULL, "Alice Example" },
                                             { "email", NULL, "alice@example.org" } };
        StoreAudit entry = {
                .time_usec = 1,
                .type = "change",
                .verb = "user.create",
                .object = "user/alice",
                .object_id = uid,
                .login_uid = (uid_t)-1,
                .via = "socket",
                .service = "",
                .source = "",
                .tty = "",
                .outcome = "done",
                .reason = "",
                .values = values,
                .value_count = ARRAY_LENGTH(values),
        };
        uint64_t seq;

        return store_audit_append(txn, &entry, &seq);
}

int people_create(Store *store, uint32_t n) {
        _cleanup_(store_txn_abortp) StoreTxn *txn = NULL;
        StoreGrant grant = {
                .role = "self-service",
                .tenant = "local",
                .reason = "",
                .over = "",
                .until_usec = USEC_INFINITY,
        };
        char name[PEOPLE_NAME_BYTES];
        uint64_t seq;
        int r;

        people_name(n, name);
        r = store_begin(store, &txn);
        if (r == 0)
                r = user_insert(txn, name, &grant.uid);
        if (r == 0)
                r = store_grant_put_first(txn, &grant);
        if (r == 0)
                r = audit_append(txn, grant.uid);
        if (r == 0)
                r = store_event_append(txn, "user.create", "user/alice", 1, &seq);
        return r != 0 ? r : store_commit(&txn);
}

int people_fill(Store *store, uint32_t count) {
        int r = 0;

        for (uint32_t n = 0; r == 0 && n < count; n++) {
                r = people_create(store, n);
                if (r == 0 && n % BATCH == BATCH - 1)
                        r = store_flush(store);
        }
        return r != 0 ? r : store_flush(store);
}
