/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The report role-conflicts: who holds roles that must not meet (FEATURES D16), by an exception, or
 * since before they conflicted.  Judged as a grant is that is to be made. */

#include <errno.h>
#include <string.h>

#include "umd/core/holders.h"

#define CONFLICTS_MAX 64U /* told of one user */

typedef struct Report {
        uint64_t now_usec;
        CoreConflictsEach each;
        void *userdata;
} Report;

static void side_text(const RoleSet *set, const RolePath *path, const StoreGrant *grant,
                      Text *text) {
        char over[CORE_OVER_BYTES], until[32];

        for (size_t i = 0; i < path->count; i++)
                base_text_addf(text, "%s%s", i > 0 ? " > " : "",
                               policy_role_name(set, path->roles[i]));
        core_over_format(grant->scope, grant->over, over);
        base_text_addf(text, " at %s%s%s", grant->tenant, over[0] ? " over " : "", over);
        if (grant->until_usec != USEC_INFINITY) {
                base_format_rfc3339(grant->until_usec, until);
                base_text_addf(text, " until %s", until);
        }
}

/* Do the two meet, what is over not counted? */
static bool pair_meets(const Report *report, const RoleSet *set, const Holder *holder, size_t a,
                       size_t b, RoleConflict *ret) {
        const RightsHolder other = { .grants = &holder->grants[b], .grant_count = 1 };

        return holder->grants[a].until_usec > report->now_usec &&
               holder->grants[b].until_usec > report->now_usec &&
               policy_grant_conflict(set, &other, &holder->grants[a], ret);
}

/* Only who sees both grants is told. */
static int pair_look(const Report *report, Asker *asker, const StoreUser *user,
                     const Holder *holder, size_t a, size_t b, Texts *ret) {
        char buf[2 * (ROLE_NAME_MAX + 3) * (ROLE_DEPTH_MAX + 1) + 512];
        RoleConflict conflict;
        bool seen = false;
        Text text;
        int r;

        if (!pair_meets(report, asker->set, holder, a, b, &conflict))
                return 0;
        r = core_grant_is_seen(asker, user, &holder->records[a], &seen);
        if (r == 0 && seen)
                r = core_grant_is_seen(asker, user, &holder->records[b], &seen);
        if (r < 0 || !seen)
                return r;
        base_text_init(&text, buf, sizeof(buf));
        side_text(asker->set, &conflict.a, &holder->records[a], &text);
        base_text_add(&text, " and ");
        side_text(asker->set, &conflict.b, &holder->records[b], &text);
        return core_texts_add(ret, buf);
}

static int user_look(void *userdata, Asker *asker, const StoreUser *user) {
        _cleanup_holder_ Holder holder = { 0 };
        _cleanup_texts_ Texts texts = { 0 };
        const Report *report = userdata;
        int r;

        r = core_holder_load(asker->txn, asker->set, user, &holder);
        core_holder_drop_automatic(&holder, USEC_INFINITY); /* they give way */
        for (size_t a = 0; a < holder.facts.grant_count && r == 0; a++)
                for (size_t b = a + 1; b < holder.facts.grant_count && r == 0; b++)
                        if (texts.count < CONFLICTS_MAX)
                                r = pair_look(report, asker, user, &holder, a, b, &texts);
        if (r == 0 && texts.count > 0)
                report->each(report->userdata, &(CoreConflicts){
                                                       .user = user->name,
                                                       .list = (const char *const *)texts.list,
                                                       .count = texts.count,
                                               });
        return r;
}

int core_role_conflicts(Core *core, const Actor *actor, const char *filter, const char *cursor,
                        uint32_t limit, uint64_t now_usec, CoreConflictsEach each, void *userdata,
                        char *ret_cursor, CoreError *error) {
        Report report = { now_usec, each, userdata };

        return core_users_page(core, actor, PERMISSION_REPORT_VIEW, filter, cursor, limit, now_usec,
                               user_look, &report, ret_cursor, error);
}
