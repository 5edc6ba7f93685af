/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A store in a directory of its own, and records to put into it. */

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "umd/store/internal.h"

/* cmocka knows no abort in an inline function of ours; a test that breaks here should say where. */
#define must(r) assert_int_equal((r), 0)

typedef struct Bed {
        char dir[64], data[96];
        Store *store;
} Bed;

static inline void bed_dir_make(Bed *bed) {
        *bed = (Bed){};
        /* kill -9 takes nothing from a tmpfs, and a flush costs nothing there */
        snprintf(bed->dir, sizeof(bed->dir), "%s/um-test-store-XXXXXX",
                 access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
        assert_non_null(mkdtemp(bed->dir));
        snprintf(bed->data, sizeof(bed->data), "%s/data.mdb", bed->dir);
}

static inline Bed bed_make(void) {
        Bed bed;

        bed_dir_make(&bed);
        must(store_open(bed.dir, true, &bed.store));
        return bed;
}

static inline Bed bed_make_sized(size_t map_bytes, size_t map_limit) {
        Bed bed;

        bed_dir_make(&bed);
        must(store_open_sized(bed.dir, true, map_bytes, map_limit, &bed.store));
        return bed;
}

static inline void bed_reopen(Bed *bed) {
        bed->store = store_close(bed->store);
        must(store_open(bed->dir, false, &bed->store));
}

static inline void bed_done(Bed *bed) {
        static const char *const names[] = { "data.mdb",     "lock.mdb",     "lock", "other",
                                             "new/data.mdb", "new/lock.mdb", NULL };
        char path[160];

        bed->store = store_close(bed->store);
        for (size_t i = 0; names[i]; i++) {
                snprintf(path, sizeof(path), "%s/%s", bed->dir, names[i]);
                unlink(path);
        }
        snprintf(path, sizeof(path), "%s/new", bed->dir);
        rmdir(path);
        must(rmdir(bed->dir));
}

static inline StoreTxn *begun(Store *store) {
        StoreTxn *txn = NULL;

        must(store_begin(store, &txn));
        return txn;
}

static inline StoreTxn *reading(Store *store) {
        StoreTxn *txn = NULL;

        must(store_begin_read(store, &txn));
        return txn;
}

static inline StoreUser user_of(uid_t uid, const char *name) {
        return (StoreUser){
                .uid = uid,
                .gid = uid,
                .name = name,
                .full_name = "",
                .email = "",
                .phone = "",
                .title = "",
                .department = "",
                .language = "",
                .time_zone = "",
                .notify = "",
                .shell = "/bin/bash",
                .home = "/home/x",
                .tenant = "local",
                .status = USER_STATUS_ACTIVE,
                .status_reason = "",
                .suspended_until_usec = USEC_INFINITY,
                .valid_until_usec = USEC_INFINITY,
                .locked_reason = "",
                .created_usec = 1000,
        };
}

static inline StoreGroup group_of(gid_t gid, const char *name) {
        return (StoreGroup){
                .gid = gid, .name = name, .description = "", .tenant = "local", .created_usec = 1
        };
}

static inline StoreAudit audit_of(const char *verb, const char *object) {
        return (StoreAudit){
                .time_usec = 1785574800 * USEC_PER_SEC,
                .type = "change",
                .verb = verb,
                .object = object,
                .login_uid = (uid_t)-1,
                .via = "socket",
                .service = "",
                .source = "",
                .tty = "",
                .outcome = "done",
                .reason = "",
        };
}

/* One user in a transaction of its own. */
static inline int user_add(Store *store, uid_t uid, const char *name) {
        StoreUser user = user_of(uid, name);
        StoreTxn *txn = begun(store);
        int r = store_user_insert(txn, &user);

        if (r == 0)
                return store_commit(&txn);
        store_txn_abortp(&txn);
        return r;
}

static inline bool user_is_there(Store *store, const char *name) {
        StoreTxn *txn = reading(store);
        StoreUser *user = NULL;
        int r = store_user_get_by_name(txn, name, &user);

        assert_true(r == 0 || r == STORE_E_MISSING);
        store_user_free(user);
        store_txn_abortp(&txn);
        return r == 0;
}
