/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a change notes to be taken back by: each thing that it wrote, exactly as it was and became,
 * by ids that stay when names change.  The values of the log would not do: they are for people,
 * name a member by the name he had, and leave out what a line does not hold.
 *
 * A thing is a key ("user 70000 phone", "group 70001 member 70000") and a text; facts.c reads them
 * again.  What is too much is not kept by halves: then the change cannot be taken back, and says
 * so. */

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "umd/core/undo.h"

/* An entry's notes are read at once; a store has room for twice as much. */
#define NOTES_MAX       (STORE_UNDO_MAX / 2)
#define NOTES_BYTES_MAX (STORE_UNDO_BYTES_MAX / 2)

#define KEY_BYTES 1024U

static void notes_drop(Notes *notes) {
        for (size_t i = 0; i < notes->count; i++) {
                free((char *)notes->list[i].field);
                free((char *)notes->list[i].before);
                free((char *)notes->list[i].after);
        }
        notes->count = 0;
}

void core_notes_done(Notes *notes) {
        notes_drop(notes);
        free(notes->list);
        *notes = (Notes){ 0 };
}

static int notes_grow(Notes *notes) {
        size_t size = notes->size > 0 ? notes->size * 2 : 16;
        StoreValue *list;

        if (notes->count < notes->size)
                return 0;
        list = reallocarray(notes->list, size, sizeof(*list));
        if (!list)
                return -ENOMEM;
        notes->list = list;
        notes->size = size;
        return 0;
}

static int notes_add(Notes *notes, const char *key, const char *before, const char *after) {
        StoreValue *note;
        int r;

        notes->bytes += strlen(key) + (before ? strlen(before) : 0) + (after ? strlen(after) : 0) +
                        16; /* lengths, and which of them are there */
        if (notes->count >= NOTES_MAX || notes->bytes > NOTES_BYTES_MAX) {
                notes->too_large = true;
                notes_drop(notes);
        }
        if (notes->too_large)
                return 0;
        r = notes_grow(notes);
        if (r < 0)
                return r;
        note = &notes->list[notes->count++]; /* core_notes_done() frees what there is */
        *note = (StoreValue){ .field = strdup(key) };
        note->before = before ? strdup(before) : NULL;
        note->after = after ? strdup(after) : NULL;
        return !note->field || (before && !note->before) || (after && !note->after) ? -ENOMEM : 0;
}

/* NULL and "" are not there; nothing where they are the same. */
static int note(Change *change, const char *before, const char *after, const char *format, ...)
        __attribute__((format(printf, 4, 5)));

static int note(Change *change, const char *before, const char *after, const char *format, ...) {
        char key[KEY_BYTES];
        va_list arguments;
        int n;

        before = before && before[0] ? before : NULL;
        after = after && after[0] ? after : NULL;
        if (before == after || (before && after && strcmp(before, after) == 0))
                return 0;
        va_start(arguments, format);
        n = vsnprintf(key, sizeof(key), format, arguments);
        va_end(arguments);
        if (n < 0 || (size_t)n >= sizeof(key))
                return -EINVAL;
        return notes_add(&change->notes, key, before, after);
}

/* ---- users -------------------------------------------------------------------------------- */

#define STATE_BYTES (BASE_LINE_MAX + 64U)

static const char *status_text(const StoreUser *user, char *buf) {
        if (!user)
                return NULL;
        snprintf(buf, STATE_BYTES, "%s %" PRIu64 " %s", policy_status_name(user->status),
                 user->suspended_until_usec, user->status_reason);
        return buf;
}

static const char *lock_text(const StoreUser *user, char *buf) {
        if (!user || !user->locked)
                return NULL;
        snprintf(buf, STATE_BYTES, "+%s", user->locked_reason);
        return buf;
}

static const char *number_text(uint64_t number, uint64_t none, char *buf) {
        if (number == none)
                return NULL;
        snprintf(buf, STATE_BYTES, "%" PRIu64, number);
        return buf;
}

static const char *attribute_text(const StoreAttribute *attribute, char *buf) {
        if (!attribute)
                return NULL;
        snprintf(buf, STATE_BYTES, "%" PRIu64 " %s", attribute->until_usec, attribute->value);
        return buf;
}

/* Both lists are by name. */
static int note_attributes(Change *change, const StoreUser *before, const StoreUser *after) {
        StoreAttribute old[STORE_ATTRIBUTES_MAX], new[STORE_ATTRIBUTES_MAX];
        size_t old_count, new_count, i = 0, k = 0;
        char was[STATE_BYTES], is[STATE_BYTES];
        int r;

        r = store_attributes_read(before, old, &old_count);
        if (r == 0)
                r = store_attributes_read(after, new, &new_count);
        while (r == 0 && (i < old_count || k < new_count)) {
                int order = i == old_count   ? 1
                            : k == new_count ? -1
                                             : strcmp(old[i].name, new[k].name);
                const StoreAttribute *from = order <= 0 ? &old[i++] : NULL;
                const StoreAttribute *to = order >= 0 ? &new[k++] : NULL;

                r = note(change, attribute_text(from, was), attribute_text(to, is),
                         "user %u attribute %s", after->uid, from ? from->name : to->name);
        }
        return r;
}

/* What a new user holds goes and comes with him. */
int core_note_user(Change *change, const StoreUser *before, const StoreUser *after) {
        char was[STATE_BYTES], is[STATE_BYTES];
        StoreUser old, new = *after;
        uid_t uid = after->uid;
        int r;

        r = note(change, status_text(before, was), status_text(after, is), "user %u status", uid);
        if (r < 0 || !before)
                return r < 0 ? r : core_note_never(change, uid, NEVER_UID);
        old = *before;
        r = note(change, lock_text(before, was), lock_text(after, is), "user %u lock", uid);
        for (UserField f = 0; f < _USER_FIELD_TEXT_MAX && r == 0; f++)
                r = note(change, *core_user_text(&old, f), *core_user_text(&new, f), "user %u %s",
                         uid, core_user_field_name(f));
        if (r == 0)
                r = note(change, before->tenant, after->tenant, "user %u tenant", uid);
        if (r == 0)
                r = note_attributes(change, before, after);
        if (r == 0)
                r = note(change, before->read_only ? "yes" : NULL, after->read_only ? "yes" : NULL,
                         "user %u read_only", uid);
        if (r == 0)
                r = note(change, number_text(before->valid_from_usec, 0, was),
                         number_text(after->valid_from_usec, 0, is), "user %u valid_from", uid);
        if (r == 0)
                r = note(change, number_text(before->valid_until_usec, USEC_INFINITY, was),
                         number_text(after->valid_until_usec, USEC_INFINITY, is),
                         "user %u valid_until", uid);
        return r;
}

int core_note_must_change(Change *change, uid_t uid, bool before, bool after) {
        return note(change, before ? "yes" : NULL, after ? "yes" : NULL, "user %u must_change",
                    uid);
}

int core_note_never(Change *change, uid_t uid, Never never) {
        char key[KEY_BYTES];

        snprintf(key, sizeof(key), "never %u %u", uid, (unsigned)never);
        return notes_add(&change->notes, key, NULL, NULL);
}

/* Factors, codes and keys are nobody's to give back. */
static bool is_of_factors(const char *verb) {
        return strncmp(verb, "user.factor-", strlen("user.factor-")) == 0 ||
               strcmp(verb, "user.recovery-codes") == 0;
}

int core_notes_close(Change *change, const char *verb, uint32_t id) {
        if (is_of_factors(verb))
                return core_note_never(change, id, NEVER_FACTORS);
        if (strncmp(verb, "device.", strlen("device.")) == 0)
                return core_note_never(change, id, NEVER_KEYS);
        if (!change->notes.too_large)
                return 0;
        change->notes.too_large = false; /* this is what is left to say */
        change->notes.bytes = 0;
        return core_note_never(change, id, NEVER_TOO_LARGE);
}

/* ---- groups ------------------------------------------------------------------------------- */

/* Of two sorted lists what is in one alone. */
static int note_list(Change *change, gid_t gid, const char *what, const uint32_t *before,
                     size_t before_count, const uint32_t *after, size_t after_count) {
        size_t i = 0, k = 0;
        int r = 0;

        while (r == 0 && (i < before_count || k < after_count)) {
                if (k == after_count || (i < before_count && before[i] < after[k]))
                        r = note(change, "yes", NULL, "group %u %s %u", gid, what, before[i++]);
                else if (i == before_count || after[k] < before[i])
                        r = note(change, NULL, "yes", "group %u %s %u", gid, what, after[k++]);
                else
                        i++, k++;
        }
        return r;
}

int core_note_group(Change *change, const StoreGroup *before, const StoreGroup *after) {
        static const StoreGroup none = { .deleted = true };
        const StoreGroup *old = before ? before : &none;
        gid_t gid = after->gid;
        int r;

        r = note(change, old->deleted ? NULL : "yes", after->deleted ? NULL : "yes",
                 "group %u there", gid);
        if (r < 0 || !before)
                return r;
        r = note(change, old->name, after->name, "group %u name", gid);
        if (r == 0)
                r = note(change, old->description, after->description, "group %u description", gid);
        if (r == 0)
                r = note_list(change, gid, "owner", old->owners, old->owner_count, after->owners,
                              after->owner_count);
        if (r == 0)
                r = note_list(change, gid, "member", old->members, old->member_count,
                              after->members, after->member_count);
        if (r == 0)
                r = note_list(change, gid, "nested", old->nested, old->nested_count, after->nested,
                              after->nested_count);
        return r;
}

/* ---- roles, tenants, grants, policy values ------------------------------------------------ */

/* A text a line; NULL for none. */
static int list_join(const char *const *list, char **ret) {
        size_t size = 1;
        char *text;
        Text out;

        *ret = NULL;
        for (size_t i = 0; list && list[i]; i++)
                size += strlen(list[i]) + 1;
        if (size == 1)
                return 0;
        text = malloc(size);
        if (!text)
                return -ENOMEM;
        base_text_init(&out, text, size);
        for (size_t i = 0; list[i]; i++)
                base_text_addf(&out, "%s%s", i > 0 ? "\n" : "", list[i]);
        *ret = text;
        return 0;
}

static int note_role_list(Change *change, const char *name, CoreRoleList list,
                          const StoreRole *before, const StoreRole *after) {
        _cleanup_free_ char *was = NULL, *is = NULL;
        int r;

        r = list_join(before->lists[list], &was);
        if (r == 0)
                r = list_join(after ? after->lists[list] : NULL, &is);
        return r < 0 ? r : note(change, was, is, "role %s %s", name, core_role_list_name(list));
}

static const char *role_kind(const StoreRole *role) {
        return role && role->only_kind != HOLDER_INVALID ? core_role_kind_name(role->only_kind)
                                                         : NULL;
}

/* What a new role is goes with it; a deleted one is made again of all it had. */
int core_note_role(Change *change, const StoreRole *before, const StoreRole *after) {
        const char *name = before ? before->name : after->name;
        int r;

        r = note(change, before ? "yes" : NULL, after ? "yes" : NULL, "role %s there", name);
        if (r < 0 || !before)
                return r;
        r = note(change, before->description, after ? after->description : NULL,
                 "role %s description", name);
        if (r == 0)
                r = note(change, role_kind(before), role_kind(after), "role %s kind", name);
        if (r == 0)
                r = note(change, before->one_tenant ? "yes" : NULL,
                         after && after->one_tenant ? "yes" : NULL, "role %s one_tenant", name);
        if (r == 0)
                r = note(change, before->automatic, after ? after->automatic : NULL,
                         "role %s automatic", name);
        for (CoreRoleList l = 0; l < _CORE_ROLE_LIST_MAX && r == 0; l++)
                r = note_role_list(change, name, l, before, after);
        return r;
}

int core_note_tenant(Change *change, const StoreTenant *before, const StoreTenant *after) {
        char was[STATE_BYTES], is[STATE_BYTES];
        const char *name = after->name;
        int r;

        r = note(change, before && !before->deleted ? "yes" : NULL, after->deleted ? NULL : "yes",
                 "tenant %s there", name);
        if (r < 0 || !before)
                return r;
        r = note(change, before->title, after->title, "tenant %s title", name);
        if (r == 0)
                r = note(change, number_text(before->seats, 0, was),
                         number_text(after->seats, 0, is), "tenant %s seats", name);
        if (r == 0)
                r = note(change, before->default_role, after->default_role,
                         "tenant %s default_role", name);
        return r;
}

static const char *grant_text(const StoreGrant *grant, char *buf) {
        if (!grant)
                return NULL;
        snprintf(buf, STATE_BYTES + 64, "%" PRIu64 " %" PRIu64 " %u %" PRIu64 " %s",
                 grant->from_usec, grant->until_usec, grant->by, grant->made_usec, grant->reason);
        return buf;
}

int core_note_grant(Change *change, const StoreGrant *before, const StoreGrant *after) {
        char was[STATE_BYTES + 64], is[STATE_BYTES + 64];
        const StoreGrant *any = before ? before : after;

        return note(change, grant_text(before, was), grant_text(after, is), "grant %u %s %s %u %s",
                    any->uid, any->role, any->tenant, any->scope, any->over);
}

int core_note_policy(Change *change, uint32_t level, const char *subject, const char *name,
                     const char *before, const char *after) {
        return note(change, before, after, "policy %u %s %s", level, name, subject);
}
