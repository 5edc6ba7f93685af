/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What sudo may be told: lines of sudoers(5), by users' names.
 *
 * Who may run a group's commands is asked of policy, for whoever holds a role that gives any; where
 * the answer ends by itself, with a grant or with the user's time, the line says NOTAFTER, so that
 * sudo stops by itself whatever happens to umd.  It goes by whole seconds and ends with the one it
 * names, so that is the last one that is over before: never a moment late.
 *
 * Users who may run the same until the same moment share a line.  Aliases, which would be shorter,
 * are names that somebody else's file may have too, and then sudo reads none of them. */

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "umd/core/holders.h"
#include "umd/core/sudo_command.h"

_Static_assert(CORE_SUDOERS_STAMP_BYTES == STORE_ROLE_STAMP_BYTES, "it is the store's");

#define SUDO_AREA "sudo."

/* Somebody may run a group's commands. */
typedef struct Entry {
        size_t group; /* 0: every command; else in groups + 1 */
        uint64_t until_usec;
        char name[BASE_NAME_MAX + 1];
} Entry;

typedef struct Render {
        Core *core;
        StoreTxn *txn;
        const RoleSet *set;
        CoreHides hides;
        void *userdata;
        uint64_t now_usec, next_usec;
        StoreSudoGroup **groups; /* that have commands */
        uint16_t *rights;        /* of each */
        size_t group_count;
        IdSet uids;
        Entry *entries;
        size_t entry_count, entry_size;
} Render;

static void render_done(Render *render) {
        for (size_t i = 0; i < render->group_count; i++)
                store_sudo_group_free(render->groups[i]);
        free(render->groups);
        free(render->rights);
        core_idset_done(&render->uids);
        free(render->entries);
        store_txn_abortp(&render->txn);
}

/* ---- what there is ------------------------------------------------------------------------- */

static bool role_gives(const RoleSet *set, uint16_t role) {
        size_t count = policy_right_count(set);

        for (uint16_t right = 0; right < count; right++)
                if (policy_role_permits(set, role, right) &&
                    strncmp(policy_right_name(set, right), SUDO_AREA, strlen(SUDO_AREA)) == 0)
                        return true;
        return false;
}

static int group_keep(void *userdata, StoreSudoGroup **group) {
        Render *render = userdata;
        char permission[PERMISSION_NAME_MAX + 1];
        StoreSudoGroup **groups;
        uint16_t *rights;

        if (!(*group)->commands[0])
                return 0;
        groups = reallocarray(render->groups, render->group_count + 1, sizeof(StoreSudoGroup *));
        if (!groups)
                return -ENOMEM;
        render->groups = groups;
        rights = reallocarray(render->rights, render->group_count + 1, sizeof(*rights));
        if (!rights)
                return -ENOMEM;
        render->rights = rights;
        snprintf(permission, sizeof(permission), SUDO_AREA "%s", (*group)->name);
        rights[render->group_count] = policy_right_from_name(render->set, permission);
        groups[render->group_count++] = TAKE(*group);
        return 0;
}

static int holders_find(Render *render) {
        const Roles *roles;
        int r = core_roles(render->core, render->txn, &roles);

        for (uint16_t i = 0; r == 0 && i < core_roles_count(roles); i++) {
                const char *name = policy_role_name(render->set, i);
                uid_t uid = 0;

                if (!role_gives(render->set, i))
                        continue;
                while ((r = store_grant_holder_next(render->txn, name, uid, &uid)) == 0) {
                        r = core_idset_add(&render->uids, uid);
                        if (r < 0)
                                return r;
                }
                if (r == STORE_E_MISSING) /* the end; and those it follows for from a condition */
                        r = core_automatic_holders(render->txn, render->set, i, &render->uids);
        }
        core_idset_sort(&render->uids);
        return r;
}

/* ---- who may what, and until when ---------------------------------------------------------- */

static void next_note(Render *render, uint64_t usec) {
        if (usec > render->now_usec && usec < render->next_usec)
                render->next_usec = usec;
}

/* The first moment at which he has it no more, whatever ends or begins until then. */
static uint64_t held_until(const Render *render, const RightsHolder *holder, RightsPlace place,
                           uint16_t right) {
        while (place.now_usec != USEC_INFINITY &&
               policy_rights_has(render->set, holder, &place, right))
                place.now_usec = policy_grants_change(holder, place.now_usec);
        return place.now_usec;
}

static int entry_add(Render *render, size_t group, uint64_t until_usec, const StoreUser *user) {
        Entry *entry;

        if (render->entry_count == render->entry_size) {
                size_t size = render->entry_size ? render->entry_size * 2 : 16;
                Entry *entries = reallocarray(render->entries, size, sizeof(*entries));

                if (!entries)
                        return -ENOMEM;
                render->entries = entries;
                render->entry_size = size;
        }
        entry = &render->entries[render->entry_count++];
        *entry = (Entry){ .group = group, .until_usec = until_usec };
        if (user->valid_until_usec < until_usec)
                entry->until_usec = user->valid_until_usec;
        snprintf(entry->name, sizeof(entry->name), "%s", user->name);
        return 0;
}

/* Who may run everything is told no groups. */
static int entries_of_holder(Render *render, const StoreUser *user, const RightsHolder *holder) {
        const RightsPlace place = {
                .tenant = render->core->settings.tenant,
                .now_usec = render->now_usec,
                .over = RIGHTS_OVER_TENANT,
        };
        uint16_t all = policy_right_from_name(render->set, SUDO_AREA "all");
        int r = 0;

        if (policy_rights_has(render->set, holder, &place, all))
                return entry_add(render, 0, held_until(render, holder, place, all), user);
        for (size_t i = 0; i < render->group_count && r == 0; i++)
                if (policy_rights_has(render->set, holder, &place, render->rights[i]))
                        r = entry_add(render, i + 1,
                                      held_until(render, holder, place, render->rights[i]), user);
        return r;
}

static int entries_of(Render *render, uid_t uid) {
        _cleanup_(store_user_freep) StoreUser *user = NULL;
        _cleanup_holder_ Holder holder = { 0 };
        int r = store_user_get(render->txn, uid, &user);

        if (r == 0)
                r = core_holder_load(render->txn, render->set, user, &holder);
        if (r != 0)
                return r < 0 ? r : -EBADMSG;
        next_note(render, user->valid_from_usec);
        next_note(render, user->valid_until_usec);
        if (user->status == USER_STATUS_SUSPENDED)
                next_note(render, user->suspended_until_usec);
        next_note(render, policy_grants_change(&holder.facts, render->now_usec));
        if (!core_user_acts(user, render->now_usec) ||
            render->hides(render->userdata, user->name, user->uid))
                return 0;
        return entries_of_holder(render, user, &holder.facts);
}

/* ---- writing ------------------------------------------------------------------------------- */

static int entry_compare(const void *a, const void *b) {
        const Entry *x = a, *y = b;

        if (x->group != y->group)
                return x->group < y->group ? -1 : 1;
        if (x->until_usec != y->until_usec)
                return x->until_usec < y->until_usec ? -1 : 1;
        return strcmp(x->name, y->name);
}

/* "NOTAFTER=20270801085959Z ": the last second that is over by then. */
static void until_write(FILE *f, uint64_t until_usec) {
        time_t last = (time_t)(until_usec / USEC_PER_SEC) - 1;
        char text[32];
        struct tm tm;

        if (until_usec == USEC_INFINITY || !gmtime_r(&last, &tm) || tm.tm_year > 9999 - 1900)
                return;
        strftime(text, sizeof(text), "%Y%m%d%H%M%SZ", &tm);
        fprintf(f, "NOTAFTER=%s ", text);
}

static void commands_write(FILE *f, const StoreSudoGroup *group) {
        char buf[4 * CORE_SUDO_COMMAND_MAX + 4];

        for (size_t i = 0; group->commands[i]; i++) {
                Text text;

                base_text_init(&text, buf, sizeof(buf));
                sudo_command_render(group->commands[i], &text);
                fprintf(f, "%s%s", i > 0 ? ", " : "", buf);
        }
}

/* What stands behind the users. */
static void rule_write(FILE *f, const Render *render, const Entry *entry) {
        const StoreSudoGroup *group = entry->group > 0 ? render->groups[entry->group - 1] : NULL;

        if (!group)
                fprintf(f, " ALL=(ALL:ALL) ");
        else
                fprintf(f, " ALL=(%s%s%s) ", group->run_as, group->run_as_group[0] ? ":" : "",
                        group->run_as_group);
        until_write(f, entry->until_usec);
        fprintf(f, group && group->no_password ? "NOPASSWD: " : "PASSWD: ");
        if (group)
                commands_write(f, group);
        else
                fprintf(f, "ALL");
        fputc('\n', f);
}

static int lines_write(const Render *render, char **ret) {
        _cleanup_free_ char *text = NULL;
        size_t len = 0;
        FILE *f = open_memstream(&text, &len);
        bool lost;

        if (!f)
                return -ENOMEM;
        for (size_t i = 0; i < render->entry_count; i++) {
                const Entry *entry = &render->entries[i], *next = entry + 1;

                fprintf(f, "%s", entry->name);
                if (i + 1 < render->entry_count && next->group == entry->group &&
                    next->until_usec == entry->until_usec)
                        fprintf(f, ", ");
                else
                        rule_write(f, render, entry);
        }
        lost = ferror(f);
        if (fclose(f) != 0 || lost)
                return -ENOMEM;
        if (len > CORE_SUDOERS_MAX)
                return -E2BIG;
        *ret = TAKE(text);
        return 0;
}

static int uids_keep(const Render *render, CoreSudoers *sudoers) {
        if (render->uids.count == 0)
                return 0;
        sudoers->uids = calloc(render->uids.count, sizeof(*sudoers->uids));
        if (!sudoers->uids)
                return -ENOMEM;
        memcpy(sudoers->uids, render->uids.ids, render->uids.count * sizeof(*sudoers->uids));
        sudoers->uid_count = render->uids.count;
        return 0;
}

/* ---- verbs --------------------------------------------------------------------------------- */

int core_sudoers_render(Core *core, CoreHides hides, void *userdata, uint64_t now_usec,
                        CoreSudoers *ret) {
        _cleanup_(render_done) Render render = {
                .core = core,
                .hides = hides,
                .userdata = userdata,
                .now_usec = now_usec,
                .next_usec = USEC_INFINITY,
        };
        _cleanup_(core_sudoers_done) CoreSudoers sudoers = { 0 };
        int r;

        core_note_time(core, now_usec);
        r = store_begin_read(core->store, &render.txn);
        if (r == 0)
                r = store_role_stamp(render.txn, sudoers.stamp);
        if (r == 0)
                r = core_role_set(core, render.txn, &render.set);
        if (r == 0)
                r = store_sudo_group_each(render.txn, group_keep, &render);
        if (r == 0)
                r = holders_find(&render);
        for (size_t i = 0; i < render.uids.count && r == 0; i++)
                r = entries_of(&render, render.uids.ids[i]);
        if (r == 0 && render.entry_count > 1)
                qsort(render.entries, render.entry_count, sizeof(*render.entries), entry_compare);
        if (r == 0)
                r = lines_write(&render, &sudoers.text);
        if (r == 0)
                r = uids_keep(&render, &sudoers);
        if (r != 0)
                return r;
        sudoers.next_usec = render.next_usec;
        *ret = sudoers;
        sudoers = (CoreSudoers){ 0 };
        return 0;
}

/* Holds he a role that gives a command, in effect or not? */
static bool may_have(StoreTxn *txn, const RoleSet *set, uid_t uid) {
        _cleanup_(store_user_freep) StoreUser *user = NULL;
        _cleanup_holder_ Holder holder = { 0 };
        int r = store_user_get(txn, uid, &user);

        if (r == 0)
                r = core_holder_load(txn, set, user, &holder);
        if (r != 0)
                return true;
        for (size_t i = 0; i < holder.facts.grant_count; i++)
                if (holder.grants[i].role != ROLE_NONE && role_gives(set, holder.grants[i].role))
                        return true;
        return false;
}

static bool is_known(const CoreSudoers *sudoers, uint32_t uid) {
        size_t low = 0, high = sudoers->uid_count;

        while (low < high) {
                size_t middle = low + (high - low) / 2;

                if (sudoers->uids[middle] == uid)
                        return true;
                if (sudoers->uids[middle] < uid)
                        low = middle + 1;
                else
                        high = middle;
        }
        return false;
}

bool core_sudoers_differ(Core *core, const CoreSudoers *last, const uint32_t *uids, size_t count) {
        _cleanup_(store_txn_abortp) StoreTxn *txn = NULL;
        uint8_t stamp[CORE_SUDOERS_STAMP_BYTES];
        const RoleSet *set = NULL;

        if (store_begin_read(core->store, &txn) != 0 || store_role_stamp(txn, stamp) != 0 ||
            memcmp(stamp, last->stamp, sizeof(stamp)) != 0 || core_role_set(core, txn, &set) != 0)
                return true;
        for (size_t i = 0; i < count; i++)
                if (is_known(last, uids[i]) || may_have(txn, set, uids[i]))
                        return true;
        return false;
}

void core_sudoers_done(CoreSudoers *sudoers) {
        free(sudoers->text);
        free(sudoers->uids);
        *sudoers = (CoreSudoers){ 0 };
}
