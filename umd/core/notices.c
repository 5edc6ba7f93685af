/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Notices to the owner of an account (FEATURES H9, H15): what was done to his password, factors,
 * recovery codes or address, and a login from where he never came from.  Each is written in the
 * transaction of what it tells of, one line of the host's log once that is durable, and shown at
 * the end of his next full login, after which it is gone.
 *
 * A login never shows what it did itself, or a thief's would take the news of him along.  Nor does
 * his next one: only at the console, or from a network the owner was known from before all of them,
 * are they gone once shown.  From elsewhere, and by key alone, where there may be no terminal (scp,
 * a backup), they are shown and stay, for a day from the first time on. */

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "umd/core/second.h"

#define KEPT_USEC (86400 * USEC_PER_SEC)
#define LAST_LINE "Was it not you? Tell your administrator."

/* ---- writing ------------------------------------------------------------------------------ */

static void line_tell(Core *core, const NoticeLine *line) {
        if (core->host.notice)
                core->host.notice(core->host.userdata, line->name, line->text);
}

static int draft_add(NoticeDrafts *drafts, const char *name, const char *text) {
        NoticeLine *line;

        if (drafts->count == ARRAY_LENGTH(drafts->list))
                return -E2BIG;
        line = &drafts->list[drafts->count++];
        snprintf(line->name, sizeof(line->name), "%s", name);
        snprintf(line->text, sizeof(line->text), "%s", text);
        return 0;
}

/* For the log, once they are durable; with too many of them at once, now. */
void core_notices_keep(Core *core, NoticeDrafts *drafts) {
        for (size_t i = 0; i < drafts->count; i++) {
                if (core->notice_count < ARRAY_LENGTH(core->notices))
                        core->notices[core->notice_count++] = drafts->list[i];
                else
                        line_tell(core, &drafts->list[i]);
        }
        drafts->count = 0;
}

void core_notices_flushed(Core *core, int r) {
        for (size_t i = 0; r >= 0 && i < core->notice_count; i++)
                line_tell(core, &core->notices[i]);
        core->notice_count = 0;
}

int core_notice_add(NoticeDrafts *drafts, StoreTxn *txn, uid_t uid, const char *name,
                    uint64_t now_usec, const char *format, ...) {
        _cleanup_(store_notices_freep) StoreNotices *old = NULL;
        StoreNotices notices = { .uid = uid };
        char text[STORE_NOTICE_MAX + 1];
        va_list arguments;
        int r;

        va_start(arguments, format);
        r = vsnprintf(text, sizeof(text), format, arguments);
        va_end(arguments);
        if (r < 0)
                return -EINVAL;
        r = store_notices_get(txn, uid, &old);
        if (r < 0)
                return r;
        if (r == 0)
                notices = *old;
        if (notices.count == STORE_NOTICES_MAX) {
                memmove(notices.list, notices.list + 1,
                        (STORE_NOTICES_MAX - 1) * sizeof(notices.list[0]));
                notices.count--;
                if (notices.dropped < UINT32_MAX)
                        notices.dropped++;
        }
        notices.list[notices.count++] = (StoreNotice){ now_usec, text };
        notices.shown_usec = 0; /* there is news */
        r = store_notices_put(txn, &notices);
        return r == 0 ? draft_add(drafts, name, text) : r;
}

/* ---- of changes --------------------------------------------------------------------------- */

static const StoreValue *value_find(const Change *change, const char *field) {
        for (size_t i = 0; i < change->value_count; i++)
                if (strcmp(change->values[i].field, field) == 0)
                        return &change->values[i];
        return NULL;
}

/* What the owner is told of the change; NULL: nothing.  A first password, or a code for one, is
 * what he was given. */
static const char *words_of(const Change *change, const char *verb) {
        static const struct {
                const char *verb, *words;
        } told[] = {
                { "user.factor-enrol", "a second factor was added" },
                { "user.factor-confirm", "a second factor was added" },
                { "user.factor-remove", "a second factor was removed" },
                { "user.factor-reset", "your second factors were taken away" },
                { "user.recovery-codes", "new recovery codes were made" },
        };
        const StoreValue *value;

        if (strcmp(verb, "user.password") == 0) {
                value = value_find(change, "password");
                return value && value->before ? "your password was changed" : NULL;
        }
        /* outside a login it waits for its first code, and counts with that */
        if (strcmp(verb, "user.factor-enrol") == 0 && !change->service)
                return NULL;
        if (strcmp(verb, "user.setup-code") == 0)
                return "a code to set a new password was made";
        if (strcmp(verb, "user.update") == 0)
                return value_find(change, "email") ? "your e-mail address was changed" : NULL;
        for (size_t i = 0; i < ARRAY_LENGTH(told); i++)
                if (strcmp(told[i].verb, verb) == 0)
                        return told[i].words;
        return NULL;
}

/* "by root (logged in as dora)", "by you". */
static int actor_write(const Change *change, uid_t uid, Text *text) {
        const Actor *actor = change->actor;
        char name[CORE_ACTOR_BYTES];
        int r;

        if (actor->uid == uid) {
                base_text_add(text, "by you");
                return 0;
        }
        r = core_actor_name(change->txn, actor->uid, name);
        if (r < 0)
                return r;
        base_text_addf(text, "by %s", name);
        if (actor->login_uid == (uid_t)-1 || actor->login_uid == actor->uid)
                return 0;
        r = core_actor_name(change->txn, actor->login_uid, name);
        if (r >= 0)
                base_text_addf(text, " (logged in as %s)", name);
        return r;
}

int core_notice_change(Change *change, const char *verb, uid_t uid, const char *name) {
        _cleanup_(store_credential_freep) StoreCredential *credential = NULL;
        const char *words = words_of(change, verb);
        char by[128];
        Text text;
        int r;

        if (!words)
                return 0;
        r = core_credential_load(change->txn, uid, &credential);
        if (r < 0 || credential->password.len == 0)
                return r;
        base_text_init(&text, by, sizeof(by));
        r = actor_write(change, uid, &text);
        if (r < 0)
                return r;
        if (change->service && change->service[0])
                base_text_addf(&text, " (%s)", change->service);
        return core_notice_add(&change->notices, change->txn, uid, name, change->now_usec, "%s %s",
                               words, by);
}

/* ---- of logins ---------------------------------------------------------------------------- */

int core_login_place(NoticeDrafts *drafts, StoreTxn *txn, const LoginWords *words, uid_t uid,
                     uint64_t lock_usec, uint64_t now_usec) {
        bool strange;
        int r;

        r = core_place_proved(txn, &words->origin.network, uid, lock_usec, now_usec, &strange);
        if (r != 0 || !strange)
                return r;
        return core_notice_add(drafts, txn, uid, words->name, now_usec,
                               "a login from a network that was not seen before, %s (%s)",
                               words->source, words->service);
}

/* ---- showing ------------------------------------------------------------------------------ */

/* Is it the owner, by where he is?  1 or 0.  A thief's network is known too, from his first login
 * on, so it has to be older than the oldest notice; where some gave way nobody knows how old that
 * was.  Within a session is no console: chsh and its like name nobody who runs them. */
static int is_owners_place(Core *core, StoreTxn *txn, const Actor *actor, const LoginWords *words,
                           const StoreNotices *notices, uint64_t now_usec) {
        uint64_t lock_usec, since_usec = 0;
        int r;

        if (words->origin.place == PLACE_CONSOLE)
                return actor->login_uid == (uid_t)-1;
        if (notices->dropped > 0)
                return 0;
        r = core_lock_time(core, txn, now_usec, &lock_usec);
        if (r == 0)
                r = core_place_known(txn, &words->origin.network, notices->uid, lock_usec,
                                     &since_usec);
        return r > 0 ? since_usec < notices->list[0].time_usec : r;
}

/* As many as there is room for, of those from before; how many. */
static size_t lines_write(const StoreNotices *notices, uint64_t before_usec, Text *text) {
        size_t at = 0;

        for (; at < notices->count; at++) {
                const StoreNotice *notice = &notices->list[at];
                char when[32], line[STORE_NOTICE_MAX + 64];
                int n;

                if (notice->time_usec >= before_usec)
                        break;
                base_format_rfc3339(notice->time_usec, when);
                n = snprintf(line, sizeof(line), "%s%s: %s.", text->len > 0 ? "\n" : "", when,
                             notice->text);
                if (n < 0 || text->len + (size_t)n + strlen("\n" LAST_LINE) + 64 > text->size)
                        break;
                base_text_add(text, line);
        }
        if (at > 0 && notices->dropped > 0)
                base_text_addf(text, "\nAnd %u before them.", notices->dropped);
        if (at > 0)
                base_text_add(text, "\n" LAST_LINE);
        return at;
}

/* What was shown goes; what is to be kept stays for a day. */
static int shown_note(StoreTxn *txn, const StoreNotices *notices, size_t count, bool keep,
                      uint64_t now_usec) {
        StoreNotices left = *notices;

        if (keep && notices->shown_usec == 0) {
                left.shown_usec = now_usec;
                return store_notices_put(txn, &left);
        }
        if (keep && notices->shown_usec <= now_usec && now_usec - notices->shown_usec <= KEPT_USEC)
                return 0;
        left.count -= count;
        left.dropped = 0;
        memmove(left.list, left.list + count, left.count * sizeof(left.list[0]));
        return left.count > 0 ? store_notices_put(txn, &left)
                              : store_notices_delete(txn, notices->uid);
}

int core_notices_take(Core *core, StoreTxn *txn, uid_t uid, const Actor *actor,
                      const LoginWords *words, uint64_t before_usec, bool by_key, uint64_t now_usec,
                      char *buf, size_t size) {
        _cleanup_(store_notices_freep) StoreNotices *notices = NULL;
        size_t count, len = strlen(buf);
        Text text;
        int r;

        r = store_notices_get(txn, uid, &notices);
        if (r != 0)
                return r < 0 ? r : 0;
        text = (Text){ .buf = buf, .size = size, .len = len }; /* behind what is said anyway */
        count = lines_write(notices, before_usec, &text);
        if (count == 0)
                return 0;
        r = by_key ? 0 : is_owners_place(core, txn, actor, words, notices, now_usec);
        if (r >= 0)
                r = shown_note(txn, notices, count, r == 0, now_usec);
        return r > 0 ? -EUCLEAN : r;
}
