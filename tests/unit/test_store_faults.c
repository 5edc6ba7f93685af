/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Every call to the disk fails once, writes short, or is the last one before kill -9.  The
 * program's own pwrite() and the like stand before libc's, for LMDB too. */

#include <dlfcn.h>
#include <signal.h>
#include <sys/statvfs.h>
#include <sys/uio.h>
#include <sys/wait.h>

#include "tests/unit/store_fixture.h"

typedef enum FaultMode { FAULT_NONE, FAULT_ERRNO, FAULT_SHORT, FAULT_DIE } FaultMode;

static struct {
        FaultMode mode;
        int error;
        int countdown; /* the call that is hit, from 1 */
        bool hit;
        bool disk_full; /* for statvfs() */
        bool no_growth; /* every ftruncate() fails */
        int no_blocks;  /* what every fallocate() fails with; 0: none */
        int asked;      /* how often it was called */
} fault;

static void fault_arm(FaultMode mode, int error, int nth) {
        fault.mode = mode;
        fault.error = error;
        fault.countdown = nth;
        fault.hit = false;
}

static void fault_disarm(void) {
        fault.mode = FAULT_NONE;
}

/* Is it this call's turn?  Does not come back where the process is to die here. */
static bool fault_strikes(void) {
        if (fault.mode == FAULT_NONE || --fault.countdown != 0)
                return false;
        fault.hit = true;
        if (fault.mode == FAULT_DIE)
                kill(getpid(), SIGKILL);
        errno = fault.error;
        return true;
}

#define REAL(type, name) ((type)(uintptr_t)dlsym(RTLD_NEXT, name))
/* A definition under the name that the linker sees, whatever the headers make of it. */
#define INTERPOSED(name) __asm__(name) __attribute__((visibility("default"), used))

typedef ssize_t (*PwriteCall)(int fd, const void *data, size_t len, off_t at);
typedef ssize_t (*WritevCall)(int fd, const struct iovec *iov, int count);
typedef int (*FdCall)(int fd);
typedef int (*FtruncateCall)(int fd, off_t len);
typedef int (*FallocateCall)(int fd, int mode, off_t at, off_t len);
typedef int (*RenameCall)(int from_fd, const char *from, int to_fd, const char *to, unsigned flags);
typedef int (*MkdirCall)(int fd, const char *path, mode_t mode);
typedef int (*UnlinkCall)(int fd, const char *path, int flags);
typedef int (*StatvfsCall)(const char *path, struct statvfs *ret);

ssize_t my_pwrite(int fd, const void *data, size_t len, off_t at) INTERPOSED("pwrite");
ssize_t my_writev(int fd, const struct iovec *iov, int count) INTERPOSED("writev");
int my_fdatasync(int fd) INTERPOSED("fdatasync");
int my_fsync(int fd) INTERPOSED("fsync");
int my_ftruncate(int fd, off_t len) INTERPOSED("ftruncate64");
int my_fallocate(int fd, int mode, off_t at, off_t len) INTERPOSED("fallocate64");
int my_renameat2(int from_fd, const char *from, int to_fd, const char *to, unsigned flags)
        INTERPOSED("renameat2");
int my_mkdirat(int fd, const char *path, mode_t mode) INTERPOSED("mkdirat");
int my_unlinkat(int fd, const char *path, int flags) INTERPOSED("unlinkat");
int my_statvfs(const char *path, struct statvfs *ret) INTERPOSED("statvfs64");

ssize_t my_pwrite(int fd, const void *data, size_t len, off_t at) {
        if (fault_strikes()) {
                if (fault.mode == FAULT_ERRNO)
                        return -1;
                len /= 2;
        }
        return REAL(PwriteCall, "pwrite")(fd, data, len, at);
}

ssize_t my_writev(int fd, const struct iovec *iov, int count) {
        if (fault_strikes()) {
                if (fault.mode == FAULT_ERRNO)
                        return -1;
                count = 1;
        }
        return REAL(WritevCall, "writev")(fd, iov, count);
}

int my_fdatasync(int fd) {
        if (fault_strikes() && fault.mode == FAULT_ERRNO)
                return -1;
        return REAL(FdCall, "fdatasync")(fd);
}

int my_fsync(int fd) {
        if (fault_strikes() && fault.mode == FAULT_ERRNO)
                return -1;
        return REAL(FdCall, "fsync")(fd);
}

int my_ftruncate(int fd, off_t len) {
        if (fault.no_growth) {
                errno = EFBIG;
                return -1;
        }
        if (fault_strikes() && fault.mode == FAULT_ERRNO)
                return -1;
        return REAL(FtruncateCall, "ftruncate64")(fd, len);
}

int my_fallocate(int fd, int mode, off_t at, off_t len) {
        fault.asked++;
        if (fault.no_blocks == 0)
                return REAL(FallocateCall, "fallocate64")(fd, mode, at, len);
        errno = fault.no_blocks;
        return -1;
}

int my_renameat2(int from_fd, const char *from, int to_fd, const char *to, unsigned flags) {
        if (fault_strikes() && fault.mode == FAULT_ERRNO)
                return -1;
        return REAL(RenameCall, "renameat2")(from_fd, from, to_fd, to, flags);
}

int my_mkdirat(int fd, const char *path, mode_t mode) {
        if (fault_strikes() && fault.mode == FAULT_ERRNO)
                return -1;
        return REAL(MkdirCall, "mkdirat")(fd, path, mode);
}

int my_unlinkat(int fd, const char *path, int flags) {
        if (fault_strikes() && fault.mode == FAULT_ERRNO)
                return -1;
        return REAL(UnlinkCall, "unlinkat")(fd, path, flags);
}

int my_statvfs(const char *path, struct statvfs *ret) {
        int r = REAL(StatvfsCall, "statvfs64")(path, ret);

        if (fault.disk_full)
                ret->f_bavail = 0;
        return r;
}

/* ---- stories --------------------------------------------------------------------------------- */

#define NTH_MAX 64

static void chain_is_whole(Store *store) {
        StoreTxn *txn = reading(store);
        StoreAuditCheck check = {};

        must(store_audit_verify(txn, UINT64_MAX, &check));
        assert_true(check.done);
        store_txn_abortp(&txn);
}

static int user_add_audited(Store *store, uid_t uid, const char *name) {
        StoreUser user = user_of(uid, name);
        StoreAudit entry = audit_of("user.create", name);
        _cleanup_(store_txn_abortp) StoreTxn *txn = NULL;
        uint64_t seq;
        int r;

        r = store_begin(store, &txn);
        if (r == 0)
                r = store_user_insert(txn, &user);
        if (r == 0)
                r = store_audit_append(txn, &entry, &seq);
        return r == 0 ? store_commit(&txn) : r;
}

/* What is left after a flush that failed: the last durable state, and what was told. */
static void lost_but_usable(Bed *bed, int r) {
        StoreTxn *txn = NULL;

        assert_true(user_is_there(bed->store, "alice"));
        assert_false(user_is_there(bed->store, "bob"));
        chain_is_whole(bed->store);
        assert_false(store_has_batch(bed->store));
        must(store_flush(bed->store));
        if (r == -EIO) {
                assert_int_equal(store_begin(bed->store, &txn), -EROFS);
                assert_int_equal(store_begin(bed->store, &txn), -EROFS);
                bed_reopen(bed);
        }
        must(user_add_audited(bed->store, 70002, "carol"));
        must(store_flush(bed->store));
        bed_reopen(bed);
        assert_true(user_is_there(bed->store, "alice"));
        assert_false(user_is_there(bed->store, "bob"));
        assert_true(user_is_there(bed->store, "carol"));
        chain_is_whole(bed->store);
}

/* Fails the nth call of a flush.  False where there were fewer. */
static bool flush_struck(FaultMode mode, int error, bool disk_full, int nth, int expected) {
        Bed bed = bed_make();
        int r;

        must(user_add_audited(bed.store, 70000, "alice"));
        must(store_flush(bed.store));
        must(user_add_audited(bed.store, 70001, "bob"));
        fault.disk_full = disk_full;
        fault_arm(mode, error, nth);
        r = store_flush(bed.store);
        fault_disarm();
        fault.disk_full = false;
        if (fault.hit) {
                /* a meta page that could not be written is worse than the error it came from, and a
                 * short fdatasync() is none */
                assert_true(r == expected || r == -EIO || (r == 0 && mode == FAULT_SHORT));
                if (r < 0)
                        lost_but_usable(&bed, r);
                else {
                        bed_reopen(&bed);
                        assert_true(user_is_there(bed.store, "bob"));
                        chain_is_whole(bed.store);
                }
        } else
                must(r);
        bed_done(&bed);
        return fault.hit;
}

static void whatever_fails_in_a_flush_loses_that_batch_alone(void **state) {
        static const struct {
                FaultMode mode;
                int error;
                bool disk_full;
                int expected;
        } rows[] = {
                { FAULT_ERRNO, ENOSPC, false, -ENOSPC }, { FAULT_ERRNO, EIO, false, -EIO },
                { FAULT_ERRNO, EDQUOT, false, -EDQUOT }, { FAULT_SHORT, 0, false, -EIO },
                { FAULT_SHORT, 0, true, -ENOSPC },
        };

        for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
                int nth = 1;

                while (flush_struck(rows[i].mode, rows[i].error, rows[i].disk_full, nth,
                                    rows[i].expected))
                        assert_true(++nth < NTH_MAX);
                assert_true(nth > 3); /* pages, fdatasync, meta page: they were struck */
        }
}

/* Of a disk that is full blocks are asked for again, of one that takes none beforehand never. */
static void a_full_disk_takes_nothing_new_until_it_has_room(void **state) {
        static const struct {
                int error;
                bool full;
        } rows[] = { { ENOSPC, true }, { EDQUOT, true }, { EOPNOTSUPP, false }, { ENOSYS, false } };

        for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
                int before = fault.asked, r = rows[i].full ? -ENOSPC : 0;
                Bed bed = bed_make();

                fault.no_blocks = rows[i].error;
                for (uid_t uid = 70000; uid < 70003; uid++) {
                        char name[16];

                        snprintf(name, sizeof(name), "u%u", uid);
                        assert_int_equal(user_add_audited(bed.store, uid, name), r);
                        assert_int_equal(store_disk_is_full(bed.store), rows[i].full);
                        must(store_flush(bed.store));
                }
                assert_int_equal(fault.asked - before, rows[i].full ? 3 : 1);
                fault.no_blocks = 0;
                must(user_add_audited(bed.store, 70003, "late"));
                assert_false(store_disk_is_full(bed.store));
                bed_done(&bed);
        }
}

static void a_failed_fsync_ends_writing_until_reopened(void **state) {
        Bed bed = bed_make();
        StoreTxn *reader, *txn = NULL;
        StoreStatistics statistics;
        int nth;

        must(user_add_audited(bed.store, 70000, "alice"));
        must(store_flush(bed.store));
        reader = reading(bed.store); /* has the environment in use */
        must(user_add_audited(bed.store, 70001, "bob"));
        for (nth = 1; nth < NTH_MAX; nth++) {
                fault_arm(FAULT_ERRNO, EIO, nth);
                if (store_flush(bed.store) == -EIO)
                        break;
                must(user_add_audited(bed.store, 70100 + (uid_t)nth, "again"));
        }
        fault_disarm();
        assert_int_equal(store_begin(bed.store, &txn), -EROFS);
        store_txn_abortp(&reader);
        assert_true(user_is_there(bed.store, "alice"));
        must(store_statistics(bed.store, &statistics));
        assert_int_equal(statistics.users, 1);
        assert_int_equal(store_begin(bed.store, &txn), -EROFS);
        bed_reopen(&bed);
        must(user_add_audited(bed.store, 70001, "bob"));
        must(store_flush(bed.store));
        bed_done(&bed);
}

/* A store in a child that dies at the nth call of what it does.  False where it lived. */
static bool died(const Bed *bed, bool create, int nth) {
        int status;
        pid_t pid = fork();

        assert_true(pid >= 0);
        if (pid == 0) {
                Store *store;

                if (create)
                        fault_arm(FAULT_DIE, 0, nth);
                if (store_open(bed->dir, create, &store) != 0)
                        _exit(2);
                fault_arm(FAULT_DIE, 0, nth);
                if (!create && (user_add_audited(store, 70001, "bob") || store_flush(store)))
                        _exit(3);
                _exit(0);
        }
        assert_int_equal(waitpid(pid, &status, 0), pid);
        assert_true(WIFSIGNALED(status) || WEXITSTATUS(status) == 0);
        return WIFSIGNALED(status);
}

static void a_creation_that_is_killed_is_made_anew(void **state) {
        int nth = 0;
        bool dead = true;

        while (dead) {
                Bed bed;

                bed_dir_make(&bed);
                dead = died(&bed, true, ++nth);
                must(store_open(bed.dir, true, &bed.store));
                must(user_add_audited(bed.store, 70000, "alice"));
                must(store_flush(bed.store));
                bed_reopen(&bed);
                assert_true(user_is_there(bed.store, "alice"));
                bed_done(&bed);
                assert_true(nth < NTH_MAX);
        }
        assert_true(nth > 8);
}

static void a_creation_that_fails_can_be_tried_again(void **state) {
        for (int nth = 1;; nth++) {
                Bed bed;
                int r;

                bed_dir_make(&bed);
                fault_arm(FAULT_ERRNO, ENOSPC, nth);
                r = store_open(bed.dir, true, &bed.store);
                fault_disarm();
                bed.store = store_close(bed.store);
                assert_true(r == 0 || r == -ENOSPC || r == -EIO);
                must(store_open(bed.dir, true, &bed.store));
                bed_done(&bed);
                if (!fault.hit)
                        break;
                assert_true(nth < NTH_MAX);
        }
}

static void a_flush_that_is_killed_is_whole_or_not_at_all(void **state) {
        int nth = 0;
        bool dead = true;

        while (dead) {
                Bed bed = bed_make();
                StoreStatistics statistics;
                bool bob;

                must(user_add_audited(bed.store, 70000, "alice"));
                must(store_flush(bed.store));
                bed.store = store_close(bed.store);
                dead = died(&bed, false, ++nth);
                must(store_open(bed.dir, false, &bed.store));
                assert_true(user_is_there(bed.store, "alice"));
                bob = user_is_there(bed.store, "bob");
                assert_true(bob || dead);
                must(store_statistics(bed.store, &statistics));
                assert_int_equal(statistics.users, bob ? 2 : 1);
                assert_int_equal(statistics.audit_entries, bob ? 2 : 1);
                chain_is_whole(bed.store);
                bed_done(&bed);
                assert_true(nth < NTH_MAX);
        }
        assert_true(nth > 3);
}

static void a_batch_lost_early_is_told_at_the_flush(void **state) {
        Bed bed = bed_make_sized(1 << 20, 16 << 20);
        StoreTxn *txn = NULL;
        uid_t uid = 70000;
        char name[16];
        int r = 0;

        must(user_add_audited(bed.store, uid++, "first"));
        must(store_flush(bed.store));
        fault_arm(FAULT_ERRNO, ENOSPC, 1); /* whenever it writes next */
        for (; r == 0; uid++) {
                assert_true(uid < 90000);
                snprintf(name, sizeof(name), "u%u", uid);
                r = user_add_audited(bed.store, uid, name);
        }
        fault_disarm();
        assert_int_equal(r, -ENOSPC);
        assert_true(store_has_batch(bed.store)); /* there is something to be told */
        assert_int_equal(store_begin(bed.store, &txn), -ENOSPC);
        assert_int_equal(store_flush(bed.store), -ENOSPC);
        assert_false(store_has_batch(bed.store));
        must(store_flush(bed.store));
        assert_true(user_is_there(bed.store, "first"));
        assert_false(user_is_there(bed.store, "u70001"));
        must(user_add_audited(bed.store, 70001, "u70001"));
        must(store_flush(bed.store));
        bed_done(&bed);
}

static void a_file_that_cannot_grow_is_only_full(void **state) {
        Bed bed = bed_make_sized(1 << 20, 16 << 20);
        uid_t uid = 70000;
        char name[16];
        int r = 0;

        fault.no_growth = true;
        for (; r == 0; uid++) {
                assert_true(uid < 90000);
                snprintf(name, sizeof(name), "u%u", uid);
                r = user_add_audited(bed.store, uid, name);
        }
        assert_int_equal(r, -ENOSPC);
        (void)store_flush(bed.store);
        chain_is_whole(bed.store);
        fault.no_growth = false; /* there is room again */
        must(user_add_audited(bed.store, uid, "late"));
        must(store_flush(bed.store));
        bed_reopen(&bed);
        assert_true(user_is_there(bed.store, "late"));
        chain_is_whole(bed.store);
        bed_done(&bed);
}

int main(void) {
        static const struct CMUnitTest tests[] = {
                cmocka_unit_test(whatever_fails_in_a_flush_loses_that_batch_alone),
                cmocka_unit_test(a_full_disk_takes_nothing_new_until_it_has_room),
                cmocka_unit_test(a_failed_fsync_ends_writing_until_reopened),
                cmocka_unit_test(a_creation_that_is_killed_is_made_anew),
                cmocka_unit_test(a_creation_that_fails_can_be_tried_again),
                cmocka_unit_test(a_flush_that_is_killed_is_whole_or_not_at_all),
                cmocka_unit_test(a_batch_lost_early_is_told_at_the_flush),
                cmocka_unit_test(a_file_that_cannot_grow_is_only_full),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
