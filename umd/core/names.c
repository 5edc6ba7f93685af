/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Who has a name or an id already, or had it: the host, a user, a group, one of the deleted.  A
 * name counts for users and groups together, since each user brings a group of his name and number.
 * The holder is named, so that whoever asked knows what to do. */

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "umd/core/internal.h"

static void check_name_host(Core *core, const char *name, CoreError *error) {
        for (int group = 0; group <= 1; group++) {
                const char *where = core->host.name_held(core->host.userdata, name, group != 0);

                if (where) {
                        core_fault_add(error, CORE_E_NAME_TAKEN, "name: \"%s\": is held by %s",
                                       core_quote(name).text, where);
                        return;
                }
        }
}

static int check_name_users(StoreTxn *txn, const char *name, uint32_t id, CoreError *error) {
        _cleanup_(store_user_freep) StoreUser *user = NULL;
        int r;

        r = store_user_get_by_name(txn, name, &user);
        if (r != 0)
                return r < 0 ? r : 0;
        if (user->uid == id)
                return 0;
        if (user->status == USER_STATUS_DELETED)
                core_fault_add(error, CORE_E_NAME_TAKEN,
                               "name: \"%s\": is a deleted user's; umctl user restore %s", name,
                               name);
        else
                core_fault_add(error, CORE_E_NAME_TAKEN, "name: \"%s\": is taken by user %u", name,
                               user->uid);
        return 0;
}

int core_former_holder(StoreTxn *txn, const char *name, uid_t *ret_uid, char *ret_text) {
        _cleanup_(store_user_freep) StoreUser *user = NULL;
        uint64_t until_usec;
        char until[32];
        int r;

        r = store_user_get_by_former_name(txn, name, &user, &until_usec);
        if (r != 0)
                return r;
        base_format_rfc3339(until_usec, until);
        snprintf(ret_text, CORE_FORMER_BYTES, "was %s's name until %.10s%s", user->name, until,
                 user->status == USER_STATUS_DELETED ? ", who is deleted" : "");
        *ret_uid = user->uid;
        return 0;
}

static int check_name_former(StoreTxn *txn, const char *name, uint32_t id, CoreError *error) {
        char holder[CORE_FORMER_BYTES];
        uid_t uid;
        int r;

        r = core_former_holder(txn, name, &uid, holder);
        if (r != 0)
                return r < 0 ? r : 0;
        if (uid != id)
                core_fault_add(error, CORE_E_NAME_TAKEN, "name: \"%s\": %s", name, holder);
        return 0;
}

static int check_name_groups(StoreTxn *txn, const char *name, uint32_t id, CoreError *error) {
        _cleanup_(store_group_freep) StoreGroup *group = NULL;
        int r;

        r = store_group_get_by_name(txn, name, &group);
        if (r != 0)
                return r < 0 ? r : 0;
        if (!group->deleted && group->gid != id) /* a deleted group's: core_name_take() */
                core_fault_add(error, CORE_E_NAME_TAKEN, "name: \"%s\": is taken by group %u", name,
                               group->gid);
        return 0;
}

int core_check_name_free(Core *core, StoreTxn *txn, const char *name, uint32_t id,
                         CoreError *error) {
        int r;

        check_name_host(core, name, error);
        r = check_name_users(txn, name, id, error);
        if (r == 0)
                r = check_name_former(txn, name, id, error);
        if (r == 0)
                r = check_name_groups(txn, name, id, error);
        return r;
}

/* A deleted group cannot come back, so its name is free: the tombstone, which is there for its gid,
 * takes another that nobody can ask for. */
int core_name_take(StoreTxn *txn, const char *name) {
        _cleanup_(store_group_freep) StoreGroup *group = NULL;
        char other[BASE_NAME_MAX + 1];
        int r;

        r = store_group_get_by_name(txn, name, &group);
        if (r != 0 || !group->deleted)
                return r < 0 ? r : 0;
        snprintf(other, sizeof(other), "~%u", group->gid);
        group->name = other;
        r = store_group_update(txn, group);
        return r > 0 ? -EUCLEAN : r;
}

/* Who of um has or had the id; "" if nobody. */
static int id_holder(StoreTxn *txn, uint32_t id, char *buf, size_t size) {
        _cleanup_(store_user_freep) StoreUser *user = NULL;
        _cleanup_(store_group_freep) StoreGroup *group = NULL;
        bool used;
        int r;

        buf[0] = '\0';
        r = store_user_get(txn, id, &user);
        if (r < 0)
                return r;
        if (r == 0) {
                bool deleted = user->status == USER_STATUS_DELETED;

                snprintf(buf, size,
                         deleted ? "is a deleted user's; umctl user restore %s"
                                 : "is taken by user %s",
                         user->name);
                return 0;
        }
        r = store_group_get(txn, id, &group);
        if (r < 0)
                return r;
        if (r == 0) {
                if (!group->deleted)
                        snprintf(buf, size, "is taken by group %s", group->name);
                else if (group->name[0] == '~') /* its name went on: core_name_take() */
                        snprintf(buf, size, "was a group's and is not given again");
                else
                        snprintf(buf, size, "was group %s's and is not given again", group->name);
                return 0;
        }
        r = store_id_used(txn, id, &used);
        if (r == 0 && used)
                snprintf(buf, size, "was given before and is not given again");
        return r;
}

int core_check_id_free(Core *core, StoreTxn *txn, const char *label, uint32_t id,
                       CoreError *error) {
        const char *reserved = base_id_reserved(id);
        char holder[128];
        int r;

        if (reserved) {
                core_fault_add(error, CORE_E_BAD_VALUE, "%s: %u: is one of the %s", label, id,
                               reserved);
                return 0;
        }
        r = id_holder(txn, id, holder, sizeof(holder));
        if (r < 0)
                return r;
        if (holder[0])
                core_fault_add(error, CORE_E_UID_TAKEN, "%s: %u: %s", label, id, holder);
        else if (core->host.id_held(core->host.userdata, id, holder, sizeof(holder)))
                core_fault_add(error, CORE_E_UID_TAKEN, "%s: %u: is held by %s", label, id,
                               core_quote(holder).text);
        return 0;
}

static bool id_taken_outside(void *userdata, uint32_t id) {
        Core *core = userdata;
        char holder[128];

        return base_id_reserved(id) || core_jobs_hold_id(core, id) ||
               core->host.id_held(core->host.userdata, id, holder, sizeof(holder));
}

/* Why there is no id, and what helps.  The counter is above the range where that was made lower. */
static int range_fail(const Core *core, const StoreTxn *txn, CoreError *error) {
        const uint32_t first = core->settings.id_first, last = core->settings.id_last;
        const uint32_t next = store_id_next(txn);

        if (next > last + 1)
                return core_fail(
                        error, CORE_E_UNAVAILABLE,
                        "uid: uid-range %u-%u in um.conf ends below ids that were given "
                        "before (up to %u), and none is given twice: let it end higher, or "
                        "choose one yourself (--uid, --gid)",
                        first, last, next - 1);
        return core_fail(error, CORE_E_UNAVAILABLE,
                         "uid: all of uid-range %u-%u in um.conf are used up: let it end higher",
                         first, last);
}

int core_allocate_id(Core *core, StoreTxn *txn, uint32_t *ret, CoreError *error) {
        int r = store_id_allocate(txn, core->settings.id_first, core->settings.id_last,
                                  id_taken_outside, core, ret);

        return r > 0 ? range_fail(core, txn, error) : r;
}
