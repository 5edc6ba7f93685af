/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* store_age DIR: makes the store one of the next um's, by the version of its meta record. */

#include <stdio.h>
#include <string.h>

#include <lmdb.h>

int main(int argc, char **argv) {
        MDB_val key = { 4, (char[]){ "meta" } }, data;
        unsigned char copy[4096];
        MDB_env *env = NULL;
        MDB_txn *txn = NULL;
        MDB_dbi dbi;
        int r = argc == 2 ? mdb_env_create(&env) : 1;

        if (r == 0)
                r = mdb_env_set_maxdbs(env, 32);
        if (r == 0)
                r = mdb_env_open(env, argv[1], 0, 0600);
        if (r == 0)
                r = mdb_txn_begin(env, NULL, 0, &txn);
        if (r == 0)
                r = mdb_dbi_open(txn, NULL, 0, &dbi);
        if (r == 0)
                r = mdb_get(txn, dbi, &key, &data);
        if (r != 0 || data.mv_size > sizeof(copy)) {
                fprintf(stderr, "store_age: %s\n", mdb_strerror(r));
                return 1;
        }
        memcpy(copy, data.mv_data, data.mv_size);
        copy[1]++; /* store/codec.c: kind, version, fields */
        data.mv_data = copy;
        r = mdb_put(txn, dbi, &key, &data, 0);
        if (r == 0)
                r = mdb_txn_commit(txn);
        mdb_env_close(env);
        return r == 0 ? 0 : 1;
}
