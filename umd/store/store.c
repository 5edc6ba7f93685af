/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Open, transactions, batches: what is visible when, and what is durable when.
 *
 * A batch is one LMDB write transaction.  The first StoreTxn in it is that transaction itself (to
 * abort it is to abort an empty batch), later ones are nested.  store_commit() never touches the
 * disk; store_flush() does, once for all of them.
 *
 * A batch is made durable early where the next transaction might not find room in the map, since
 * the map can grow only between batches.  Early is always safe; but if it fails, what was committed
 * is gone, and then every store_begin() fails until store_flush() has told so: an acknowledgement
 * that waits for the flush can never go out for a change that was lost.
 *
 * After EIO nothing is written any more: what the kernel holds and what the disk has may differ. */

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "umd/store/internal.h"

#define MAP_BYTES       ((size_t)1 << 30)
#define MAP_LIMIT_BYTES ((size_t)1 << 40)
/* A batch holds its pages in memory until it is flushed. */
#define BATCH_PAGES_MAX 65536U

/* dir/lock belongs to the one process that has the store open, for as long as it has. */
static int lock_take(const char *dir, int *ret_fd) {
        _cleanup_close_ int dir_fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC), fd = -1;
        struct stat st;

        if (dir_fd < 0)
                return -errno;
        if (fstat(dir_fd, &st) < 0)
                return -errno;
        if (st.st_uid != geteuid() || (st.st_mode & 0077) != 0)
                return -EPERM;
        fd = openat(dir_fd, "lock", O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0600);
        if (fd < 0)
                return errno == ELOOP ? -EPERM : -errno;
        fd = base_fd_above_stdio(fd);
        if (fd < 0)
                return fd;
        if (flock(fd, LOCK_EX | LOCK_NB) < 0)
                return errno == EWOULDBLOCK ? -EBUSY : -errno;
        *ret_fd = base_take_fd(&fd);
        return 0;
}

static void store_closep(Store **store) {
        *store = store_close(*store);
}

int store_open_sized(const char *dir, bool create, size_t map_bytes, size_t map_limit,
                     Store **ret) {
        _cleanup_(store_closep) Store *store = calloc(1, sizeof(*store));
        int r;

        if (!store)
                return -ENOMEM;
        store->lock_fd = -1;
        store->map_bytes = map_bytes;
        store->map_limit = map_limit;
        store->headroom_bytes = map_bytes / 16;
        store->dir = strdup(dir);
        if (!store->dir)
                return -ENOMEM;
        r = lock_take(dir, &store->lock_fd);
        if (r < 0)
                return r;
        r = env_open(store, create);
        if (r != 0)
                return r;
        *ret = TAKE(store);
        return 0;
}

int store_open(const char *dir, bool create, Store **ret) {
        return store_open_sized(dir, create, MAP_BYTES, MAP_LIMIT_BYTES, ret);
}

Store *store_close(Store *store) {
        if (!store)
                return NULL;
        if (store->batch)
                mdb_txn_abort(store->batch);
        if (store->env)
                mdb_env_close(store->env);
        base_close(store->lock_fd);
        free(store->scratch.data);
        free(store->dir);
        free(store);
        return NULL;
}

const uint8_t *store_id(const Store *store) {
        return store->id;
}

bool store_disk_is_full(const Store *store) {
        return store->disk_full;
}

/* ---- batches --------------------------------------------------------------------------------- */

/* A file system that is full makes a short write, which LMDB calls EIO.  Nothing of that batch is
 * referred to by what is on disk, so it is no reason to stop; a disk that fails is. */
static bool disk_is_full(const Store *store) {
        struct statvfs st;

        return statvfs(store->dir, &st) == 0 && st.f_bavail * st.f_frsize < 16 * store->page_bytes;
}

/* A meta page that could not be written makes LMDB refuse everything from then on, whatever error
 * number that commit had. */
static bool env_is_dead(Store *store) {
        MDB_txn *mdb;
        int r = mdb_txn_begin(store->env, NULL, MDB_RDONLY, &mdb);

        if (r == 0)
                mdb_txn_abort(mdb);
        return r == MDB_PANIC;
}

static int batch_flush(Store *store) {
        int error = mdb_txn_commit(store->batch), r = store_fault(error);

        store->batch = NULL;
        store->used_pages = 0;
        if (r == 0) {
                store->batches++;
                return 0;
        }
        store->grow |= error == MDB_MAP_FULL;
        if (env_is_dead(store))
                r = -EIO;
        else if (error == EIO && disk_is_full(store))
                return -ENOSPC;
        if (r == -EIO)
                store->read_only = store->reopen = true;
        return r;
}

/* Could one more transaction run into the end of the map? */
static bool batch_is_full(const Store *store) {
        size_t headroom_pages = store->headroom_bytes / store->page_bytes;

        return store->grow || store->used_pages > BATCH_PAGES_MAX ||
               store->used_pages + headroom_pages > store->room_pages;
}

/* The transaction that everything happens in: the batch itself, or one within it. */
static int txn_start(Store *store, StoreTxn *txn) {
        int r;

        if (store->batch && batch_is_full(store)) {
                r = batch_flush(store);
                if (r < 0) {
                        store->lost = r;
                        return r;
                }
                store->early = true;
        }
        if (store->batch)
                return store_fault(mdb_txn_begin(store->env, store->batch, 0, &txn->mdb));
        r = env_make_room(store);
        if (r < 0)
                return r;
        r = store_fault(mdb_txn_begin(store->env, NULL, 0, &txn->mdb));
        if (r < 0)
                return r;
        store->batch = txn->mdb;
        store->used_pages = 0;
        txn->is_batch = true;
        return 0;
}

/* In a store that was opened, a meta record that does not decode is a fault like another's. */
static int txn_meta_load(StoreTxn *txn) {
        int r = meta_load(txn->mdb, txn->store->dbi[TABLE_MAIN], &txn->meta);

        return r > 0 ? -EBADMSG : r;
}

int store_begin(Store *store, StoreTxn **ret) {
        _cleanup_(store_txn_abortp) StoreTxn *txn = NULL;
        int r;

        if (store->lost < 0)
                return store->lost;
        if (store->read_only)
                return -EROFS;
        if (store->writer || store->batch_readers > 0)
                return -EBUSY;
        txn = calloc(1, sizeof(*txn));
        if (!txn)
                return -ENOMEM;
        txn->store = store;
        txn->writing = true;
        store->writer = txn;
        r = txn_start(store, txn);
        if (r < 0)
                return r;
        r = txn_meta_load(txn);
        if (r < 0)
                return r;
        *ret = TAKE(txn);
        return 0;
}

static int reader_start(Store *store, StoreTxn *txn) {
        int r;

        if (store->batch) {
                txn->mdb = store->batch;
                txn->is_batch = true;
                store->batch_readers++;
                return 0;
        }
        if (store->reopen && store->snapshot_readers == 0) {
                r = env_reopen_read_only(store);
                if (r < 0)
                        return r;
        }
        r = store_fault(mdb_txn_begin(store->env, NULL, MDB_RDONLY, &txn->mdb));
        if (r == 0)
                store->snapshot_readers++;
        return r;
}

int store_begin_read(Store *store, StoreTxn **ret) {
        _cleanup_(store_txn_abortp) StoreTxn *txn = NULL;
        int r;

        if (store->writer)
                return -EBUSY;
        txn = calloc(1, sizeof(*txn));
        if (!txn)
                return -ENOMEM;
        txn->store = store;
        r = reader_start(store, txn);
        if (r < 0)
                return r;
        r = txn_meta_load(txn);
        if (r < 0)
                return r;
        *ret = TAKE(txn);
        return 0;
}

static void writer_end(StoreTxn *txn) {
        Store *store = txn->store;

        store->writer = NULL;
        if (txn->mdb)
                mdb_txn_abort(txn->mdb);
        if (txn->mdb && txn->is_batch)
                store->batch = NULL;
}

void store_txn_abortp(StoreTxn **at) {
        StoreTxn *txn = TAKE(*at);

        if (!txn)
                return;
        if (txn->writing)
                writer_end(txn);
        else if (txn->is_batch)
                txn->store->batch_readers--;
        else if (txn->mdb) {
                mdb_txn_abort(txn->mdb);
                txn->store->snapshot_readers--;
        }
        free(txn);
}

int store_commit(StoreTxn **at) {
        _cleanup_(store_txn_abortp) StoreTxn *txn = TAKE(*at);
        int r;

        if (!txn->writing)
                return 0;
        if (txn->fault == 0 && txn->meta_changed) {
                r = meta_save(txn);
                if (r < 0)
                        return r;
        }
        if (txn->fault < 0)
                return txn->fault;
        r = txn->is_batch ? 0 : store_fault(mdb_txn_commit(txn->mdb));
        txn->mdb = NULL;
        return r;
}

bool store_has_batch(const Store *store) {
        return store->batch || store->early || store->lost < 0;
}

int store_flush(Store *store) {
        int r;

        if (store->writer || store->batch_readers > 0)
                return -EBUSY;
        r = store->lost;
        store->lost = 0;
        store->early = false;
        if (r < 0 || !store->batch)
                return r;
        return batch_flush(store);
}

int store_statistics(Store *store, StoreStatistics *ret) {
        _cleanup_(store_txn_abortp) StoreTxn *txn = NULL;
        uint64_t used_bytes;
        int r;

        r = store_begin_read(store, &txn);
        if (r < 0)
                return r;
        r = env_usage(store, &used_bytes);
        if (r < 0)
                return r;
        *ret = (StoreStatistics){
                .users = txn->meta.users,
                .groups = txn->meta.groups,
                .audit_entries = txn->meta.audit_last,
                .used_bytes = used_bytes,
                .map_bytes = store->map_bytes,
                .batches = store->batches,
        };
        return 0;
}
