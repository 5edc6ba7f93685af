/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The notes of changes, read again (notes.c writes them): which thing a key is, what that thing is
 * now, and how all of it is shown to people.  What no verb could have written is -EBADMSG. */

#include <errno.h>
#include <string.h>

#include "umd/core/undo.h"

/* ---- keys --------------------------------------------------------------------------------- */

/* Takes the next word off; NULL at the end. */
static char *word_take(char **at) {
        char *word = *at;

        if (!word)
                return NULL;
        *at = strchr(word, ' ');
        if (*at)
                *(*at)++ = '\0';
        return word;
}

static bool id_take(char **at, uint32_t *ret) {
        const char *word = word_take(at);

        return word && base_parse_id(word, ret) == 0;
}

typedef struct Word {
        const char *word;
        FactKind kind;
} Word;

static FactKind word_find(const Word *words, size_t count, const char *word) {
        for (size_t i = 0; word && i < count; i++)
                if (strcmp(words[i].word, word) == 0)
                        return words[i].kind;
        return FACT_INVALID;
}

static FactKind user_read(char **at, FactKey *key) {
        static const Word words[] = {
                { "status", FACT_USER_STATUS },           { "lock", FACT_USER_LOCK },
                { "tenant", FACT_USER_TENANT },           { "read_only", FACT_USER_READ_ONLY },
                { "valid_from", FACT_USER_FROM },         { "valid_until", FACT_USER_UNTIL },
                { "must_change", FACT_USER_MUST_CHANGE },
        };
        const char *word;

        if (!id_take(at, &key->id))
                return FACT_INVALID;
        word = word_take(at);
        if (word && strcmp(word, "attribute") == 0) {
                key->name = word_take(at);
                return key->name ? FACT_USER_ATTRIBUTE : FACT_INVALID;
        }
        for (uint32_t f = 0; word && f < _USER_FIELD_TEXT_MAX; f++)
                if (strcmp(word, core_user_field_name((UserField)f)) == 0) {
                        key->number = f;
                        return FACT_USER_TEXT;
                }
        return word_find(words, ARRAY_LENGTH(words), word);
}

static FactKind group_read(char **at, FactKey *key) {
        static const Word words[] = {
                { "there", FACT_GROUP_THERE },   { "name", FACT_GROUP_NAME },
                { "member", FACT_GROUP_MEMBER }, { "description", FACT_GROUP_DESCRIPTION },
                { "nested", FACT_GROUP_NESTED }, { "owner", FACT_GROUP_OWNER },
        };
        FactKind kind;

        if (!id_take(at, &key->id))
                return FACT_INVALID;
        kind = word_find(words, ARRAY_LENGTH(words), word_take(at));
        if (kind != FACT_GROUP_MEMBER && kind != FACT_GROUP_NESTED && kind != FACT_GROUP_OWNER)
                return kind;
        return id_take(at, &key->other) ? kind : FACT_INVALID;
}

static FactKind role_read(char **at, FactKey *key) {
        static const Word words[] = {
                { "there", FACT_ROLE_THERE },         { "description", FACT_ROLE_DESCRIPTION },
                { "kind", FACT_ROLE_KIND },           { "one_tenant", FACT_ROLE_ONE_TENANT },
                { "automatic", FACT_ROLE_AUTOMATIC },
        };
        const char *word;

        key->name = word_take(at);
        word = word_take(at);
        for (uint32_t l = 0; word && l < _CORE_ROLE_LIST_MAX; l++)
                if (strcmp(word, core_role_list_name((CoreRoleList)l)) == 0) {
                        key->number = l;
                        return FACT_ROLE_LIST;
                }
        return word_find(words, ARRAY_LENGTH(words), word);
}

static FactKind tenant_read(char **at, FactKey *key) {
        static const Word words[] = {
                { "there", FACT_TENANT_THERE },
                { "title", FACT_TENANT_TITLE },
                { "seats", FACT_TENANT_SEATS },
                { "default_role", FACT_TENANT_DEFAULT_ROLE },
        };

        key->name = word_take(at);
        return word_find(words, ARRAY_LENGTH(words), word_take(at));
}

/* What it is over may have spaces, and is the rest. */
static FactKind grant_read(char **at, FactKey *key) {
        uint64_t scope;
        char *word;

        if (!id_take(at, &key->id))
                return FACT_INVALID;
        key->grant = (StoreGrant){ .uid = key->id, .reason = "", .until_usec = USEC_INFINITY };
        key->grant.role = word_take(at);
        key->grant.tenant = word_take(at);
        word = word_take(at);
        if (!word || !*at || base_parse_u64(word, 0, UINT8_MAX, &scope) < 0)
                return FACT_INVALID;
        key->grant.scope = (uint32_t)scope;
        key->grant.over = *at;
        *at = NULL;
        return FACT_GRANT;
}

static FactKind policy_read(char **at, FactKey *key) {
        uint64_t level;
        char *word = word_take(at);

        key->value = word_take(at);
        if (!word || !*at || base_parse_u64(word, 0, UINT8_MAX, &level) < 0)
                return FACT_INVALID;
        key->name = *at; /* a department may have spaces, and is the rest */
        *at = NULL;
        key->number = (uint32_t)level;
        return FACT_POLICY;
}

static FactKind never_read(char **at, FactKey *key) {
        return base_parse_id(word_take(at), &key->id) == 0 && id_take(at, &key->number) &&
                               key->number < _NEVER_MAX
                       ? FACT_NEVER
                       : FACT_INVALID;
}

int core_fact_read(const char *text, FactKey *ret) {
        static const struct {
                const char *word;
                FactKind (*read)(char **at, FactKey *key);
        } readers[] = {
                { "user", user_read },     { "group", group_read }, { "role", role_read },
                { "tenant", tenant_read }, { "grant", grant_read }, { "policy", policy_read },
                { "never", never_read },
        };
        char *at = ret->buf, *word;

        ret->kind = FACT_INVALID;
        ret->id = ret->other = ret->number = 0;
        if (strlen(text) >= sizeof(ret->buf))
                return -EBADMSG;
        memcpy(ret->buf, text, strlen(text) + 1);
        word = word_take(&at);
        for (size_t i = 0; i < ARRAY_LENGTH(readers); i++)
                if (strcmp(readers[i].word, word) == 0)
                        ret->kind = readers[i].read(&at, ret);
        return ret->kind == FACT_INVALID || at ? -EBADMSG : 0;
}

/* The word that a value begins with, and what is behind the space after it. */
static bool value_take(const char **at, char *buf, size_t size) {
        size_t len = strcspn(*at, " ");

        if (len == 0 || len >= size || (*at)[len] != ' ')
                return false;
        memcpy(buf, *at, len);
        buf[len] = '\0';
        *at += len + 1;
        return true;
}

static bool number_take(const char **at, uint64_t max, uint64_t *ret) {
        char word[24];

        return value_take(at, word, sizeof(word)) && base_parse_u64(word, 0, max, ret) == 0;
}

bool core_fact_status(const char *value, UserStatus *ret_status, uint64_t *ret_until_usec,
                      const char **ret_reason) {
        char status[32];

        if (!value || !value_take(&value, status, sizeof(status)) ||
            !number_take(&value, UINT64_MAX, ret_until_usec))
                return false;
        *ret_status = policy_status_from_name(status);
        *ret_reason = value;
        return *ret_status != USER_STATUS_INVALID;
}

bool core_fact_grant(const char *value, StoreGrant *ret) {
        uint64_t by = 0;

        if (!value || !number_take(&value, UINT64_MAX, &ret->from_usec) ||
            !number_take(&value, UINT64_MAX, &ret->until_usec) ||
            !number_take(&value, UINT32_MAX, &by) ||
            !number_take(&value, UINT64_MAX, &ret->made_usec))
                return false;
        ret->by = (uid_t)by;
        ret->reason = value;
        return true;
}

bool core_fact_attribute(const char *value, uint64_t *ret_until_usec, const char **ret_value) {
        if (!value || !number_take(&value, UINT64_MAX, ret_until_usec))
                return false;
        *ret_value = value;
        return true;
}

bool core_fact_same(FactKind kind, const char *a, const char *b) {
        StoreGrant grant_a = { 0 }, grant_b = { 0 };
        uint64_t until_a, until_b;
        UserStatus is_a, is_b;
        const char *why;

        if (!a || !b)
                return a == b;
        if (kind == FACT_USER_STATUS)
                return core_fact_status(a, &is_a, &until_a, &why) &&
                       core_fact_status(b, &is_b, &until_b, &why) && is_a == is_b &&
                       until_a == until_b;
        if (kind == FACT_GRANT)
                return core_fact_grant(a, &grant_a) && core_fact_grant(b, &grant_b) &&
                       grant_a.from_usec == grant_b.from_usec &&
                       grant_a.until_usec == grant_b.until_usec &&
                       strcmp(grant_a.reason, grant_b.reason) == 0;
        return kind == FACT_USER_LOCK || strcmp(a, b) == 0;
}

/* ---- what things are now ------------------------------------------------------------------ */

/* One record noted as if nothing had been there before: its facts as they are now. */
static int note_find(const Notes *notes, const FactKey *key, char **ret) {
        for (size_t i = 0; i < notes->count; i++) {
                FactKey other;
                int r = core_fact_read(notes->list[i].field, &other);

                if (r < 0)
                        return r;
                if (other.kind == key->kind && other.number == key->number &&
                    other.other == key->other && notes->list[i].after &&
                    (key->kind != FACT_USER_ATTRIBUTE || strcmp(other.name, key->name) == 0)) {
                        *ret = strdup(notes->list[i].after);
                        return *ret ? 0 : -ENOMEM;
                }
        }
        return 0;
}

static int user_now(FactSource *source, const FactKey *key, char **ret) {
        static const StoreUser none = {
                .name = "",
                .full_name = "",
                .email = "",
                .phone = "",
                .title = "",
                .department = "",
                .language = "",
                .time_zone = "",
                .notify = "",
                .shell = "",
                .home = "",
                .tenant = "",
                .status_reason = "",
                .locked_reason = "",
                .valid_until_usec = USEC_INFINITY,
        };
        _cleanup_(store_user_freep) StoreUser *user = NULL;
        Change scratch = { 0 };
        StoreUser blank = none;
        int r;

        r = store_user_get(source->txn, key->id, &user);
        if (r != 0)
                return r < 0 ? r : 0;
        core_user_settle(user, source->now_usec);
        blank.uid = user->uid;
        r = core_note_user(&scratch, &blank, user);
        if (r == 0)
                r = note_find(&scratch.notes, key, ret);
        core_notes_done(&scratch.notes);
        return r;
}

static int must_change_now(FactSource *source, const FactKey *key, char **ret) {
        _cleanup_(store_credential_freep) StoreCredential *credential = NULL;
        int r = core_credential_load(source->txn, key->id, &credential);

        if (r < 0 || !credential->must_change)
                return r;
        *ret = strdup("yes");
        return *ret ? 0 : -ENOMEM;
}

static bool list_has(const uint32_t *list, size_t count, uint32_t id) {
        size_t low = 0, high = count;

        while (low < high) {
                size_t middle = low + (high - low) / 2;

                if (list[middle] < id)
                        low = middle + 1;
                else
                        high = middle;
        }
        return low < count && list[low] == id;
}

static const char *group_text(const StoreGroup *group, const FactKey *key) {
        bool has = true; /* FACT_GROUP_THERE */

        if (key->kind == FACT_GROUP_NAME)
                return group->name;
        if (key->kind == FACT_GROUP_DESCRIPTION)
                return group->description[0] ? group->description : NULL;
        if (key->kind == FACT_GROUP_MEMBER)
                has = list_has(group->members, group->member_count, key->other);
        else if (key->kind == FACT_GROUP_NESTED)
                has = list_has(group->nested, group->nested_count, key->other);
        else if (key->kind == FACT_GROUP_OWNER)
                has = list_has(group->owners, group->owner_count, key->other);
        return has ? "yes" : NULL;
}

static int group_now(FactSource *source, const FactKey *key, char **ret) {
        const char *text;
        int r = 0;

        if (!source->group || source->group->gid != key->id) {
                store_group_freep(&source->group);
                r = store_group_get(source->txn, key->id, &source->group);
        }
        if (r != 0 || source->group->deleted)
                return r < 0 ? r : 0;
        text = group_text(source->group, key);
        *ret = text ? strdup(text) : NULL;
        return text && !*ret ? -ENOMEM : 0;
}

static int role_now(FactSource *source, const FactKey *key, char **ret) {
        _cleanup_(store_role_freep) StoreRole *role = NULL;
        StoreRole blank = { .description = "" };
        Change scratch = { 0 };
        int r;

        r = store_role_get(source->txn, key->name, &role);
        if (r == 0 && key->kind == FACT_ROLE_THERE) {
                *ret = strdup("yes");
                return *ret ? 0 : -ENOMEM;
        }
        if (r != 0)
                return r < 0 ? r : 0;
        blank.name = role->name;
        r = core_note_role(&scratch, &blank, role);
        if (r == 0)
                r = note_find(&scratch.notes, key, ret);
        core_notes_done(&scratch.notes);
        return r;
}

static int tenant_now(FactSource *source, const FactKey *key, char **ret) {
        _cleanup_(store_tenant_freep) StoreTenant *tenant = NULL;
        StoreTenant blank = { .title = "", .default_role = "", .deleted = true };
        Change scratch = { 0 };
        CoreError error;
        int r;

        r = core_tenant_load(source->core, source->txn, key->name, &tenant, &error);
        if (r != 0)
                return r < 0 ? r : 0;
        blank.name = tenant->name;
        r = core_note_tenant(&scratch, &blank, tenant);
        if (r == 0)
                r = note_find(&scratch.notes, key, ret);
        core_notes_done(&scratch.notes);
        return r;
}

typedef struct GrantLook {
        const FactKey *key;
        Change scratch;
} GrantLook;

static int grant_look(void *userdata, const StoreGrant *grant) {
        GrantLook *look = userdata;
        const StoreGrant *wanted = &look->key->grant;

        if (strcmp(grant->role, wanted->role) != 0 || strcmp(grant->tenant, wanted->tenant) != 0 ||
            grant->scope != wanted->scope || strcmp(grant->over, wanted->over) != 0)
                return 0;
        return core_note_grant(&look->scratch, NULL, grant);
}

static int grant_now(FactSource *source, const FactKey *key, char **ret) {
        GrantLook look = { .key = key };
        int r = store_grant_each(source->txn, key->id, grant_look, &look);

        if (r == 0)
                r = note_find(&look.scratch.notes, key, ret);
        core_notes_done(&look.scratch.notes);
        return r;
}

typedef struct PolicyLook {
        const char *name;
        char *value;
} PolicyLook;

static int policy_look(void *userdata, const StorePolicyValue *value) {
        PolicyLook *look = userdata;

        if (strcmp(value->name, look->name) != 0)
                return 0;
        look->value = strdup(value->value);
        return look->value ? 0 : -ENOMEM;
}

static int policy_now(FactSource *source, const FactKey *key, char **ret) {
        PolicyLook look = { .name = key->value };
        int r = store_policy_value_each(source->txn, (StorePolicyLevel)key->number, key->name,
                                        policy_look, &look);

        *ret = look.value;
        return r;
}

int core_fact_now(FactSource *source, const FactKey *key, char **ret) {
        *ret = NULL;
        switch (key->kind) {
        case FACT_USER_STATUS:
        case FACT_USER_LOCK:
        case FACT_USER_TEXT:
        case FACT_USER_TENANT:
        case FACT_USER_READ_ONLY:
        case FACT_USER_ATTRIBUTE:
        case FACT_USER_FROM:
        case FACT_USER_UNTIL:
                return user_now(source, key, ret);
        case FACT_USER_MUST_CHANGE:
                return must_change_now(source, key, ret);
        case FACT_GROUP_THERE:
        case FACT_GROUP_NAME:
        case FACT_GROUP_DESCRIPTION:
        case FACT_GROUP_MEMBER:
        case FACT_GROUP_NESTED:
        case FACT_GROUP_OWNER:
                return group_now(source, key, ret);
        case FACT_ROLE_THERE:
        case FACT_ROLE_DESCRIPTION:
        case FACT_ROLE_KIND:
        case FACT_ROLE_ONE_TENANT:
        case FACT_ROLE_AUTOMATIC:
        case FACT_ROLE_LIST:
                return role_now(source, key, ret);
        case FACT_TENANT_THERE:
        case FACT_TENANT_TITLE:
        case FACT_TENANT_SEATS:
        case FACT_TENANT_DEFAULT_ROLE:
                return tenant_now(source, key, ret);
        case FACT_GRANT:
                return grant_now(source, key, ret);
        case FACT_POLICY:
                return policy_now(source, key, ret);
        case FACT_NEVER:
        case FACT_INVALID:
        case _FACT_KIND_MAX:
                break;
        }
        return 0;
}

void core_fact_source_done(FactSource *source) {
        store_group_freep(&source->group);
}
