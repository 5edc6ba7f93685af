/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The filter language of lists (FEATURES, common ground): terms joined by commas, all of which must
 * hold.  It is read whole and strictly before the first record is looked at; what is not understood
 * is an error with its column, never "everybody".  Sets (who is in a group) are resolved then,
 * once, so that a record costs no further look-up. */

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "umd/core/holders.h"
#include "umd/core/user_attributes.h"

typedef enum TermKind {
        TERM_TEXT,
        TERM_STATUS,
        TERM_BOOL,
        TERM_PAST,   /* a moment behind us: an age may be given */
        TERM_FUTURE, /* a moment before us: a distance may be given */
        TERM_KIND,
        TERM_TYPE,      /* users: technician, client, ... */
        TERM_ROLE,      /* users: by a grant of it that counts where it is for */
        TERM_ATTRIBUTE, /* users: as it is now; one that is over is none */
        TERM_GROUP,     /* users: in it, nesting counted */
        TERM_MEMBER,    /* groups: whom it has, nesting counted */
        TERM_OWNER,
        _TERM_KIND_MAX,
} TermKind;

typedef struct Key {
        const char *name;
        TermKind kind;
        size_t offset; /* of the field in StoreUser or StoreGroup */
        bool fold;     /* compared without case */
} Key;

static const Key user_keys[] = {
        { "name", TERM_TEXT, offsetof(StoreUser, name), false },
        { "status", TERM_STATUS, 0, false },
        { "group", TERM_GROUP, 0, false },
        { "email", TERM_TEXT, offsetof(StoreUser, email), true },
        { "department", TERM_TEXT, offsetof(StoreUser, department), false },
        { "title", TERM_TEXT, offsetof(StoreUser, title), false },
        { "tenant", TERM_TEXT, offsetof(StoreUser, tenant), false },
        { "kind", TERM_KIND, 0, false },
        { "type", TERM_TYPE, 0, false },
        { "role", TERM_ROLE, 0, false },
        { "locked", TERM_BOOL, offsetof(StoreUser, locked), false },
        { "created", TERM_PAST, offsetof(StoreUser, created_usec), false },
        { "valid-until", TERM_FUTURE, offsetof(StoreUser, valid_until_usec), false },
};

/* "attr.NAME", which of them the term says. */
#define ATTRIBUTE_PREFIX "attr."
static const Key attribute_key = { ATTRIBUTE_PREFIX "NAME", TERM_ATTRIBUTE, 0, false };

static const Key group_keys[] = {
        { "name", TERM_TEXT, offsetof(StoreGroup, name), false },
        { "description", TERM_TEXT, offsetof(StoreGroup, description), false },
        { "member", TERM_MEMBER, 0, false },
        { "owner", TERM_OWNER, 0, false },
        { "created", TERM_PAST, offsetof(StoreGroup, created_usec), false },
};

/* Operators a kind takes; an attribute by its type. */
static const char *const operators[_TERM_KIND_MAX] = {
        [TERM_TEXT] = "=!~",  [TERM_STATUS] = "=!", [TERM_BOOL] = "=!",  [TERM_PAST] = "=!<>",
        [TERM_KIND] = "=!",   [TERM_TYPE] = "=!",   [TERM_ROLE] = "=!",  [TERM_FUTURE] = "=!<>",
        [TERM_GROUP] = "=!~", [TERM_MEMBER] = "=!", [TERM_OWNER] = "=!",
};

static const char *const attribute_operators[_ATTRIBUTE_TYPE_MAX] = {
        [ATTRIBUTE_INVALID] = "",    [ATTRIBUTE_FLAG] = "=!",   [ATTRIBUTE_TEXT] = "=!~",
        [ATTRIBUTE_NUMBER] = "=!<>", [ATTRIBUTE_DATE] = "=!<>", [ATTRIBUTE_CHOICE] = "=!",
};

typedef struct Term {
        const Key *key;
        char op; /* '!' is "!=" */
        char *value;
        uint64_t time_usec;
        UserStatus status;
        bool flag;
        IdSet set;
        StoreAttributeKind *attribute; /* which */
        bool mfa;                      /* um-mfa is among the groups, which lists nobody */
} Term;

struct Filter {
        Core *core;
        StoreTxn *txn;
        uint64_t now_usec;
        Term terms[FILTER_TERMS_MAX];
        size_t count;
};

/* Where a text is read. */
typedef struct Reader {
        Core *core;
        StoreTxn *txn;
        const char *text, *at;
        uint64_t now_usec;
        CoreError *error;
} Reader;

static int reader_fail(const Reader *reader, const char *where, const char *what) {
        return core_fail(reader->error, CORE_E_BAD_VALUE, "filter: column %zu: %s",
                         (size_t)(where - reader->text) + 1, what);
}

static int value_fail(const Reader *reader, const char *where, const char *value,
                      const char *what) {
        return core_fail(reader->error, CORE_E_BAD_VALUE, "filter: column %zu: \"%s\": %s",
                         (size_t)(where - reader->text) + 1, core_quote(value).text, what);
}

bool core_glob_match(const char *pattern, const char *s, bool fold_case) {
        const char *star = NULL, *again = NULL;

        while (*s) {
                bool same = *pattern == '?' || *pattern == *s ||
                            (fold_case && strncasecmp(pattern, s, 1) == 0);

                if (*pattern == '*') {
                        star = pattern++;
                        again = s;
                } else if (*pattern && same) {
                        pattern++;
                        s++;
                } else if (star) {
                        pattern = star + 1;
                        s = ++again;
                } else
                        return false;
        }
        while (*pattern == '*')
                pattern++;
        return *pattern == '\0';
}

/* ---- values ------------------------------------------------------------------------------- */

/* "90d" is an age or a distance, "2026-08-01" the start of that day (UTC: a tenant has no zone
 * yet). */
static int read_time(const Reader *reader, const char *where, Term *term) {
        uint64_t span, *time = &term->time_usec;
        char day[32];

        if (strcmp(term->value, "never") == 0) {
                *time = USEC_INFINITY;
                return 0;
        }
        if (base_parse_rfc3339(term->value, time) == 0)
                return 0;
        if (strlen(term->value) == 10) {
                snprintf(day, sizeof(day), "%sT00:00:00Z", term->value);
                if (base_parse_rfc3339(day, time) == 0)
                        return 0;
        }
        if (base_parse_span(term->value, &span) < 0)
                return value_fail(reader, where, term->value, "is no date, time or duration");
        if (term->key->kind == TERM_FUTURE) {
                *time = core_later(reader->now_usec, span);
                return 0;
        }
        /* older than 90 days is before the moment 90 days ago */
        *time = span < reader->now_usec ? reader->now_usec - span : 0;
        term->op = term->op == '<' ? '>' : term->op == '>' ? '<' : term->op;
        return 0;
}

static int read_bool(const Reader *reader, const char *where, Term *term) {
        if (strcmp(term->value, "yes") != 0 && strcmp(term->value, "no") != 0)
                return value_fail(reader, where, term->value, "must be yes or no");
        term->flag = term->value[0] == 'y';
        return 0;
}

static int read_status(const Reader *reader, const char *where, Term *term) {
        term->status = policy_status_from_name(term->value);
        if (term->status == USER_STATUS_INVALID)
                return value_fail(reader, where, term->value,
                                  "must be pending, active, suspended, inactive or deleted");
        return 0;
}

static int read_kind(const Reader *reader, const char *where, Term *term) {
        if (strcmp(term->value, "person") != 0 && strcmp(term->value, "service") != 0)
                return value_fail(reader, where, term->value, "must be person or service");
        term->flag = term->value[0] == 's';
        return 0;
}

/* In the form that values are kept in, so that they compare. */
static int read_attribute(const Reader *reader, const char *where, Term *term) {
        AttributeType type = (AttributeType)term->attribute->type;
        char value[ATTRIBUTE_VALUE_MAX + 1], expected[CORE_CHOICES_BYTES + 64];
        Choices choices;
        Text text;
        int r = core_choices_read(term->attribute, &choices);

        if (r < 0 || term->op == '~')
                return r;
        if (policy_attribute_value(type, choices.list, term->value, value) < 0) {
                base_text_init(&text, expected, sizeof(expected));
                policy_attribute_expected(type, choices.list, &text);
                return value_fail(reader, where, term->value, expected);
        }
        free(term->value);
        term->value = strdup(value);
        return term->value ? 0 : -ENOMEM;
}

static int read_type(const Reader *reader, const char *where, Term *term) {
        if (!core_user_type_known(term->value))
                return value_fail(reader, where, term->value,
                                  "must be super-admin, admin, tenant-admin, technician, "
                                  "end-user, integration, internal or client");
        return 0;
}

static int read_role(const Reader *reader, const char *where, Term *term) {
        const RoleSet *set;
        int r = core_role_set(reader->core, reader->txn, &set);

        if (r == 0 && policy_role_from_name(set, term->value) == ROLE_NONE)
                return value_fail(reader, where, term->value, "no such role");
        return r;
}

/* Groups by a name or a glob. */
typedef struct Found {
        const char *pattern;
        IdSet *gids;
} Found;

static int found_add(void *userdata, const StoreGroup *group) {
        Found *found = userdata;

        if (group->deleted || !core_glob_match(found->pattern, group->name, false))
                return 0;
        return core_idset_add(found->gids, group->gid) < 0 ? -ENOMEM : 0;
}

static int read_group(const Reader *reader, const char *where, Term *term) {
        _cleanup_idset_ IdSet named = { 0 }, below = { 0 };
        _cleanup_(store_group_freep) StoreGroup *group = NULL;
        Found found = { term->value, &named };
        gid_t mfa;
        int r;

        if (term->op == '~')
                r = store_group_each(reader->txn, found_add, &found);
        else {
                r = core_group_load(reader->txn, term->value, &group, NULL);
                if (r > 0)
                        return value_fail(reader, where, term->value, "no such group");
                if (r == 0)
                        r = core_idset_add(&named, group->gid);
        }
        for (size_t i = 0; r >= 0 && i < named.count; i++)
                r = core_groups_below(reader->txn, named.ids[i], &below);
        if (r >= 0)
                r = core_members_of(reader->core, reader->txn, &below, &term->set);
        if (r >= 0)
                r = core_mfa_gid(reader->txn, &mfa);
        if (r >= 0)
                term->mfa = core_idset_has(&named, mfa);
        return r < 0 ? r : 0;
}

static int read_user(const Reader *reader, const char *where, Term *term) {
        _cleanup_(store_user_freep) StoreUser *user = NULL;
        _cleanup_free_ gid_t *owned = NULL;
        size_t count = 0;
        int r;

        r = core_user_load(reader->core, reader->txn, term->value, false, &user, NULL);
        if (r > 0)
                return value_fail(reader, where, term->value, "no such user");
        if (r == 0 && term->key->kind == TERM_MEMBER)
                return core_groups_of_user(reader->core, reader->txn, user->uid, &term->set, NULL);
        if (r == 0)
                r = store_groups_owned(reader->txn, user->uid, &owned, &count);
        for (size_t i = 0; r >= 0 && i < count; i++)
                r = core_idset_add(&term->set, owned[i]);
        return r < 0 ? r : 0;
}

static int read_value(const Reader *reader, const char *where, Term *term) {
        switch (term->key->kind) {
        case TERM_TEXT:
                return 0;
        case TERM_STATUS:
                return read_status(reader, where, term);
        case TERM_BOOL:
                return read_bool(reader, where, term);
        case TERM_PAST:
        case TERM_FUTURE:
                return read_time(reader, where, term);
        case TERM_ATTRIBUTE:
                return read_attribute(reader, where, term);
        case TERM_KIND:
                return read_kind(reader, where, term);
        case TERM_TYPE:
                return read_type(reader, where, term);
        case TERM_ROLE:
                return read_role(reader, where, term);
        case TERM_GROUP:
                return read_group(reader, where, term);
        case TERM_MEMBER:
        case TERM_OWNER:
                return read_user(reader, where, term);
        case _TERM_KIND_MAX:
                break;
        }
        return -EINVAL;
}

/* ---- terms -------------------------------------------------------------------------------- */

static const Key *key_find(bool groups, const char *name, size_t len) {
        const Key *keys = groups ? group_keys : user_keys;
        size_t count = groups ? ARRAY_LENGTH(group_keys) : ARRAY_LENGTH(user_keys);

        for (size_t i = 0; i < count; i++)
                if (strlen(keys[i].name) == len && memcmp(keys[i].name, name, len) == 0)
                        return &keys[i];
        return NULL;
}

static int read_attribute_key(const Reader *reader, const char *name, Term *term) {
        int r = core_attribute_load(reader->txn, name, &term->attribute, NULL);

        term->key = &attribute_key;
        return r > 0 ? value_fail(reader, reader->at, name, "no such attribute") : r;
}

static int read_key(Reader *reader, bool groups, Term *term) {
        size_t len = strcspn(reader->at, "=!~<>,"), prefix = strlen(ATTRIBUTE_PREFIX);
        _cleanup_free_ char *name = strndup(reader->at, len);
        int r = 0;

        if (!name)
                return -ENOMEM;
        if (!groups && strncmp(name, ATTRIBUTE_PREFIX, prefix) == 0)
                r = read_attribute_key(reader, name + prefix, term);
        else
                term->key = key_find(groups, name, len);
        if (r == 0 && !term->key)
                r = value_fail(reader, reader->at, name, "no such key");
        reader->at += len;
        return r;
}

static const char *operators_of(const Term *term) {
        return term->key->kind == TERM_ATTRIBUTE ? attribute_operators[term->attribute->type]
                                                 : operators[term->key->kind];
}

static int read_operator(Reader *reader, Term *term) {
        const char *where = reader->at;

        term->op = *reader->at ? *reader->at++ : '\0';
        if (term->op == '!' && *reader->at++ != '=')
                return reader_fail(reader, where, "an operator is one of = != ~ < >");
        if (term->op == '\0' || !strchr("=!~<>", term->op))
                return reader_fail(reader, where, "an operator is missing: one of = != ~ < >");
        if (!strchr(operators_of(term), term->op))
                return value_fail(reader, where, term->key->name, "does not take this operator");
        return 0;
}

static int read_term(Reader *reader, bool groups, Term *term) {
        const char *where;
        size_t len;
        int r;

        r = read_key(reader, groups, term);
        if (r == 0)
                r = read_operator(reader, term);
        if (r != 0)
                return r;
        where = reader->at;
        len = strcspn(where, ",");
        term->value = strndup(where, len);
        if (!term->value)
                return -ENOMEM;
        reader->at += len;
        return read_value(reader, where, term);
}

Filter *core_filter_free(Filter *filter) {
        if (filter)
                for (size_t i = 0; i < filter->count; i++) {
                        free(filter->terms[i].value);
                        store_attribute_kind_free(filter->terms[i].attribute);
                        core_idset_done(&filter->terms[i].set);
                }
        free(filter);
        return NULL;
}

int core_filter_new(Core *core, StoreTxn *txn, bool groups, const char *text, uint64_t now_usec,
                    Filter **ret, CoreError *error) {
        Reader reader = { core, txn, text, text, now_usec, error };
        _cleanup_(core_filter_freep) Filter *filter = NULL;
        int r;

        if (strlen(text) > FILTER_BYTES_MAX)
                return core_fail(error, CORE_E_BAD_VALUE, "filter: is longer than %u bytes",
                                 FILTER_BYTES_MAX);
        filter = calloc(1, sizeof(*filter));
        if (!filter)
                return -ENOMEM;
        filter->core = core;
        filter->txn = txn;
        filter->now_usec = now_usec;
        while (text[0]) {
                if (filter->count == FILTER_TERMS_MAX)
                        return reader_fail(&reader, reader.at, "more terms than a filter may have");
                r = read_term(&reader, groups, &filter->terms[filter->count++]);
                if (r != 0)
                        return r;
                if (*reader.at == '\0')
                        break;
                reader.at++;
        }
        *ret = TAKE(filter);
        return 0;
}

/* ---- matching ----------------------------------------------------------------------------- */

static bool term_text(const Term *term, const char *s) {
        if (term->op == '~')
                return core_glob_match(term->value, s, term->key->fold);
        return (term->key->fold ? strcasecmp(s, term->value) : strcmp(s, term->value)) == 0;
}

static bool term_time(const Term *term, uint64_t usec) {
        return term->op == '<'   ? usec < term->time_usec
               : term->op == '>' ? usec > term->time_usec
                                 : usec == term->time_usec;
}

static bool term_attribute(const Filter *filter, const Term *term, const StoreUser *user) {
        AttributeType type = (AttributeType)term->attribute->type;
        StoreAttribute list[STORE_ATTRIBUTES_MAX];
        size_t count, i = 0;
        int order;

        if (store_attributes_read(user, list, &count) < 0)
                return false;
        while (i < count && strcmp(list[i].name, term->attribute->name) != 0)
                i++;
        if (i == count || list[i].until_usec <= filter->now_usec)
                return false;
        if (term->op == '~')
                return core_glob_match(term->value, list[i].value, false);
        order = policy_attribute_compare(type, list[i].value, term->value);
        return term->op == '<' ? order < 0 : term->op == '>' ? order > 0 : order == 0;
}

/* Does the record have what the term names?  "!=" is turned around by the caller. */
static bool term_holds(const Filter *filter, const Term *term, const void *record, uint32_t id,
                       UserStatus status) {
        const char *field = (const char *)record + term->key->offset;

        switch (term->key->kind) {
        case TERM_TEXT:
                return term_text(term, *(const char *const *)(const void *)field);
        case TERM_STATUS:
                return status == term->status;
        case TERM_BOOL:
                return *(const bool *)field == term->flag;
        case TERM_PAST:
        case TERM_FUTURE:
                return term_time(term, *(const uint64_t *)(const void *)field);
        case TERM_ATTRIBUTE:
                return term_attribute(filter, term, record);
        case TERM_KIND:
                return ((const StoreUser *)record)->service == term->flag;
        case TERM_TYPE:
                return core_user_is_type(filter->core, filter->txn, record, term->value) > 0;
        case TERM_ROLE:
                return core_user_has_role(filter->core, filter->txn, record, term->value) > 0;
        case TERM_GROUP:
                return core_idset_has(&term->set, id) ||
                       (term->mfa && core_mfa_needed(filter->core, filter->txn, id) > 0);
        case TERM_MEMBER:
        case TERM_OWNER:
                return core_idset_has(&term->set, id);
        case _TERM_KIND_MAX:
                break;
        }
        return false;
}

static bool filter_matches(const Filter *filter, const void *record, uint32_t id,
                           UserStatus status) {
        for (size_t i = 0; i < filter->count; i++)
                if (term_holds(filter, &filter->terms[i], record, id, status) ==
                    (filter->terms[i].op == '!'))
                        return false;
        return true;
}

bool core_filter_user(const Filter *filter, const StoreUser *user) {
        return filter_matches(filter, user, user->uid, user->status);
}

bool core_filter_group(const Filter *filter, const StoreGroup *group) {
        return filter_matches(filter, group, group->gid, USER_STATUS_INVALID);
}

bool core_filter_wants_private(const Filter *filter) {
        for (size_t i = 0; i < filter->count; i++)
                if (filter->terms[i].attribute && filter->terms[i].attribute->is_private)
                        return true;
        return false;
}

bool core_filter_wants_deleted(const Filter *filter) {
        for (size_t i = 0; i < filter->count; i++)
                if (filter->terms[i].key->kind == TERM_STATUS && filter->terms[i].op == '=' &&
                    filter->terms[i].status == USER_STATUS_DELETED)
                        return true;
        return false;
}
