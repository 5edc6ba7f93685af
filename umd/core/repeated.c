/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What is only counted in a period (refusals.c, misses.c) is told in one entry for each when it is
 * over: how often, and since when.  All of a period are one transaction, or none are told and the
 * counts stay. */

#include <stdio.h>

#include "umd/core/lockout.h"

static int row_write(StoreTxn *txn, const RepeatedKind *kind, const Repeated *row,
                     uint64_t since_usec, uint64_t now_usec) {
        char object[BASE_NAME_MAX + 8] = "", source[64] = "", number[24], since[32];
        const StoreValue values[] = { { "count", NULL, number }, { "since", NULL, since } };
        StoreAudit entry = {
                .time_usec = now_usec,
                .type = kind->type,
                .verb = kind->verb,
                .object = object,
                .object_id = row->object_id,
                .actor = row->actor,
                .login_uid = (uid_t)-1,
                .via = "umd",
                .service = "",
                .source = source,
                .tty = "",
                .outcome = "deny",
                .reason = kind->reason,
                .values = values,
                .value_count = ARRAY_LENGTH(values),
        };
        uint64_t seq;

        if (row->user)
                snprintf(object, sizeof(object), "user/%s", row->user);
        if (row->network && core_network_is(row->network))
                core_network_text(row->network, source, sizeof(source));
        snprintf(number, sizeof(number), "%llu", (unsigned long long)row->count);
        base_format_rfc3339(since_usec, since);
        return store_audit_append(txn, &entry, &seq);
}

int core_repeated_tell(Core *core, const RepeatedKind *kind, const Repeated *rows, size_t count,
                       uint64_t since_usec, uint64_t now_usec) {
        _cleanup_(store_txn_abortp) StoreTxn *txn = NULL;
        int r = 0;

        for (size_t i = 0; i < count && r >= 0; i++) {
                if (rows[i].count == 0)
                        continue;
                r = txn ? 0 : store_begin(core->store, &txn);
                if (r >= 0)
                        r = row_write(txn, kind, &rows[i], since_usec, now_usec);
        }
        return r < 0 || !txn ? r : core_txn_commit(core, &txn);
}

bool core_repeated_is_due(uint64_t since_usec, uint64_t period_usec, uint64_t now_usec) {
        return since_usec != 0 && (now_usec < since_usec || now_usec - since_usec >= period_usec);
}
