/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Lists, a page at a time.  A cursor is the name the last page ended with, so it never goes stale
 * and umd keeps nothing between pages; a page looks at a bounded number of records, so a filter
 * that matches nobody cannot hold umd's only thread. */

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "umd/core/holders.h"

int core_list_begin_sized(Core *core, const char *cursor, uint32_t limit, char *ret_at, size_t size,
                          StoreTxn **ret, CoreError *error) {
        size_t len = strlen(cursor);

        *error = (CoreError){ 0 };
        if (limit < 1 || limit > CORE_LIST_LIMIT_MAX)
                return core_fail(error, CORE_E_BAD_VALUE, "limit: %u: must be 1 to %u", limit,
                                 CORE_LIST_LIMIT_MAX);
        if (len >= size || base_field_check(FIELD_LINE, cursor, len) != FIELD_OK)
                return core_fail(error, CORE_E_BAD_VALUE, "cursor: \"%s\": is none of a list",
                                 core_quote(cursor).text);
        memcpy(ret_at, cursor, len + 1);
        return store_begin_read(core->store, ret);
}

int core_list_begin(Core *core, const char *cursor, uint32_t limit, char *ret_at, StoreTxn **ret,
                    CoreError *error) {
        return core_list_begin_sized(core, cursor, limit, ret_at, CORE_CURSOR_BYTES, ret, error);
}

typedef struct Page {
        Core *core;
        Asker *asker;
        Permission permission;
        Filter *terms;
        CoreUserEach each;
        void *userdata;
} Page;

/* To see accounts is a permission of its own, which may be held where a grant is; another is held
 * over those who are seen. */
static int is_shown(Page *page, const StoreUser *user, bool *ret) {
        return page->permission == PERMISSION_USER_VIEW
                       ? core_asker_sees(page->asker, user, ret)
                       : core_asker_has_seen(page->asker, page->permission, user, ret);
}

/* 1 if the user was shown.  Tombstones are, where they were asked for by that name. */
static int show_one(Page *page, StoreUser *user) {
        bool shown;
        int r;

        core_user_settle(user, page->core->now_usec);
        if (user->status == USER_STATUS_DELETED && !core_filter_wants_deleted(page->terms))
                return 0;
        if (!core_filter_user(page->terms, user))
                return 0;
        r = is_shown(page, user, &shown);
        /* by what somebody does not see he does not find either */
        if (r == 0 && shown && core_filter_wants_private(page->terms) &&
            page->asker->uid != user->uid)
                r = core_asker_has_over(page->asker, PERMISSION_USER_VIEW_PRIVATE, user,
                                        user->tenant, &shown);
        if (r < 0 || !shown)
                return r;
        r = page->each(page->userdata, page->asker, user);
        return r < 0 ? r : 1;
}

/* The next user behind `at`, who is the new one: 1 if he was shown, and whether there was none any
 * more. */
static int look_at_next(Page *page, char *at, bool *ret_end) {
        _cleanup_(store_user_freep) StoreUser *user = NULL;
        int r;

        r = store_user_next(page->asker->txn, at, &user);
        *ret_end = r > 0;
        if (r != 0)
                return r < 0 ? r : 0;
        snprintf(at, CORE_CURSOR_BYTES, "%s", user->name);
        return show_one(page, user);
}

int core_users_page(Core *core, const Actor *actor, Permission permission, const char *filter,
                    const char *cursor, uint32_t limit, uint64_t now_usec, CoreUserEach each,
                    void *userdata, char *ret_cursor, CoreError *error) {
        _cleanup_(store_txn_abortp) StoreTxn *txn = NULL;
        _cleanup_(core_filter_freep) Filter *terms = NULL;
        _cleanup_asker_ Asker asker = { 0 };
        char at[CORE_CURSOR_BYTES];
        uint32_t found = 0;
        bool end = false;
        Page page;
        int r;

        core_note_time(core, now_usec);
        r = core_list_begin(core, cursor, limit, at, &txn, error);
        if (r == 0)
                r = core_filter_new(core, txn, false, filter, now_usec, &terms, error);
        if (r == 0)
                r = core_asker_load(core, txn, actor, &asker);
        if (r != 0)
                return r;
        page = (Page){ core, &asker, permission, terms, each, userdata };
        for (uint32_t looked = 0; !end && found < limit && looked < CORE_LIST_RECORDS_MAX;
             looked++) {
                r = look_at_next(&page, at, &end);
                if (r < 0)
                        return r;
                found += (uint32_t)r;
        }
        if (end)
                at[0] = '\0';
        memcpy(ret_cursor, at, sizeof(at));
        return 0;
}

typedef struct Views {
        Core *core;
        GroupNames *names;
        void (*each)(void *userdata, const CoreUser *user);
        void *userdata;
} Views;

static int show_view(void *userdata, Asker *asker, const StoreUser *user) {
        _cleanup_(core_user_freep) CoreUser *view = NULL;
        Views *views = userdata;
        bool private;
        int r;

        r = core_asker_has_over(asker, PERMISSION_USER_VIEW_PRIVATE, user, user->tenant, &private);
        if (r == 0)
                r = core_user_view(views->core, asker->txn, views->names, user, &view);
        if (r < 0)
                return r;
        view->hides_private = !private && asker->uid != user->uid;
        views->each(views->userdata, view);
        return 0;
}

int core_user_list(Core *core, const Actor *actor, const char *filter, const char *cursor,
                   uint32_t limit, uint64_t now_usec,
                   void (*each)(void *userdata, const CoreUser *user), void *userdata,
                   char *ret_cursor, CoreError *error) {
        _cleanup_group_names_ GroupNames names = { 0 };
        Views views = { core, &names, each, userdata };

        return core_users_page(core, actor, PERMISSION_USER_VIEW, filter, cursor, limit, now_usec,
                               show_view, &views, ret_cursor, error);
}
