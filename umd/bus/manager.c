/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* org.um1.Manager: finding and making users and groups, lists by the page, and the state of umd. */

#include <errno.h>
#include <string.h>

#include "umd/bus/private.h"

#define LIST_LIMIT_MAX 1000U

static int reply_created(Call *call, const char *prefix, const char *name,
                         const CoreChange *change) {
        _cleanup_free_ char *path = NULL;
        char text[CHANGE_TEXT_MAX];
        int r = object_path(prefix, name, &path);

        if (r < 0)
                return r;
        change_text(change, text);
        return call_reply(call, "ous", path, change->object_id, text);
}

int manager_create_user(Call *call, CoreError *error) {
        _cleanup_(user_fields_clear) UserFields fields = { 0 };
        CoreOptions options;
        CoreChange change;
        const char *name;
        int r = sd_bus_message_read(call->message, "s", &name);

        if (r < 0)
                return r;
        r = read_user_fields(call->message, true, &fields, error);
        if (r == 0)
                r = read_options(call->message, &options, error);
        if (r != 0)
                return r;
        fields.spec.text[USER_FIELD_NAME] = name;
        r = core_user_create(call->bus->core, &call->actor, &fields.spec, &options, call->now_usec,
                             &change, error);
        return r != 0 ? r : reply_created(call, WIRE_PATH_USER, name, &change);
}

static void created(void *userdata, int r, const char *name, const Secret *code,
                    uint64_t expires_usec, const CoreChange *change, const CoreError *error) {
        _cleanup_free_ char *path = NULL;
        char text[CHANGE_TEXT_MAX];
        Call *call = userdata;

        if (r == 0)
                r = object_path(WIRE_PATH_USER, name, &path);
        if (r == 0) {
                change_text(change, text);
                /* a Secret has a NUL behind it, and a code has none in it */
                r = call_reply(call, "ousts", path, change->object_id,
                               code ? (const char *)base_secret_bytes(code) : "", expires_usec,
                               text);
        }
        if (r != 0)
                call_fail(call, r, error);
        call_free(call);
}

int manager_create_user_with_password(Call *call, CoreError *error) {
        _cleanup_secret_ Secret *secret = NULL;
        CorePasswordOptions password = { 0 };
        const CoreQuestion import = { .permission = "user.import", .where = CORE_WHERE_HOST };
        bool setup_code = false;
        const DictField keys[] = {
                { "setup-code", "b", &setup_code, NULL },
                { "must-change", "b", &password.must_change, NULL },
                { "hash", "b", &password.is_hash, NULL },
                { "expires", "t", &password.expires_usec, NULL },
        };
        _cleanup_(user_fields_clear) UserFields fields = { 0 };
        CoreOptions options;
        const char *name;
        int r = sd_bus_message_read(call->message, "s", &name);

        if (r < 0)
                return r;
        r = read_user_fields(call->message, true, &fields, error);
        if (r == 0)
                r = read_secret(call->message, BASE_PASSWORD_MAX, true, &secret, error);
        if (r == 0)
                r = read_dict(call->message, "password", keys, ARRAY_LENGTH(keys), error);
        if (r == 0)
                r = read_options(call->message, &options, error);
        if (r != 0)
                return r;
        if (password.is_hash) /* nobody checks what is behind it */
                r = access_ask(call, &import, error);
        if (r != 0)
                return r;
        if (setup_code && base_secret_len(secret) > 0)
                return error_set(error, CORE_E_BAD_VALUE,
                                 "password: a setup code and a password exclude each other");
        fields.spec.text[USER_FIELD_NAME] = name;
        r = core_user_create_with_password(call->bus->core, &call->actor, &fields.spec,
                                           setup_code ? NULL : secret, &password, &options,
                                           call->now_usec, created, call, error);
        return r != 0 ? r : CALL_HELD;
}

int manager_get_user_by_name(Call *call, CoreError *error) {
        _cleanup_(core_user_freep) CoreUser *user = NULL;
        const char *name;
        int r = sd_bus_message_read(call->message, "s", &name);

        if (r < 0)
                return r;
        r = core_user_get(call->bus->core, name, false, &user, error);
        return r != 0 ? r : call_reply_path(call, WIRE_PATH_USER, user->name);
}

int manager_get_user_by_uid(Call *call, CoreError *error) {
        _cleanup_(core_user_freep) CoreUser *user = NULL;
        uint32_t uid;
        int r = sd_bus_message_read(call->message, "u", &uid);

        if (r < 0)
                return r;
        r = core_user_get_by_uid(call->bus->core, uid, &user, error);
        return r != 0 ? r : call_reply_path(call, WIRE_PATH_USER, user->name);
}

int manager_get_group_by_name(Call *call, CoreError *error) {
        _cleanup_(core_group_freep) CoreGroup *group = NULL;
        const char *name;
        int r = sd_bus_message_read(call->message, "s", &name);

        if (r < 0)
                return r;
        r = core_group_get(call->bus->core, name, &group, error);
        return r != 0 ? r : call_reply_path(call, WIRE_PATH_GROUP, group->name);
}

int manager_get_group_by_gid(Call *call, CoreError *error) {
        _cleanup_(core_group_freep) CoreGroup *group = NULL;
        uint32_t gid;
        int r = sd_bus_message_read(call->message, "u", &gid);

        if (r < 0)
                return r;
        r = core_group_get_by_gid(call->bus->core, gid, &group, error);
        return r != 0 ? r : call_reply_path(call, WIRE_PATH_GROUP, group->name);
}

/* ---- lists ----------------------------------------------------------------------------------- */

typedef struct Page {
        const char *filter, *cursor;
        uint32_t limit;
        sd_bus_message *reply;
        char next[CURSOR_BYTES];
        int r; /* of what was appended */
} Page;

static void page_clear(Page *page) {
        sd_bus_message_unref(page->reply);
}

static int page_begin(Call *call, Page *page, CoreError *error) {
        int r = sd_bus_message_read(call->message, "ssu", &page->filter, &page->cursor,
                                    &page->limit);

        if (r < 0)
                return r;
        if (page->limit == 0 || page->limit > LIST_LIMIT_MAX)
                return error_set(error, CORE_E_BAD_VALUE, "limit: must be 1 to %u", LIST_LIMIT_MAX);
        r = call_reply_new(call, &page->reply);
        if (r >= 0)
                r = sd_bus_message_open_container(page->reply, 'a', "a{sv}");
        return r < 0 ? r : 0;
}

static int page_end(Call *call, Page *page) {
        int r = page->r;

        if (r >= 0)
                r = sd_bus_message_close_container(page->reply);
        if (r >= 0)
                r = sd_bus_message_append(page->reply, "s", page->next);
        return r < 0 ? r : call_reply_send(call, page->reply);
}

static void page_add_user(void *userdata, const CoreUser *user) {
        Page *page = userdata;

        if (page->r >= 0)
                page->r = property_append_all(page->reply, ACCESS_ON_USER, user, true);
}

static void page_add_group(void *userdata, const CoreGroup *group) {
        Page *page = userdata;

        if (page->r >= 0)
                page->r = property_append_all(page->reply, ACCESS_ON_GROUP, group, true);
}

int manager_list_users(Call *call, CoreError *error) {
        _cleanup_(page_clear) Page page = { 0 };
        int r = page_begin(call, &page, error);

        if (r == 0)
                r = core_user_list(call->bus->core, &call->actor, page.filter, page.cursor,
                                   page.limit, call->now_usec, page_add_user, &page, page.next,
                                   error);
        return r != 0 ? r : page_end(call, &page);
}

int manager_list_groups(Call *call, CoreError *error) {
        _cleanup_(page_clear) Page page = { 0 };
        int r = page_begin(call, &page, error);

        if (r == 0)
                r = core_group_list(call->bus->core, &call->actor, page.filter, page.cursor,
                                    page.limit, page_add_group, &page, page.next, error);
        return r != 0 ? r : page_end(call, &page);
}

static int coverage_append(sd_bus_message *m, const CoreCoverage *coverage) {
        int r = sd_bus_message_open_container(m, 'a', "{sv}");

        if (r >= 0)
                r = sd_bus_message_append(m, "{sv}{sv}{sv}{sv}{sv}{sv}", "user", "s",
                                          coverage->user, "required", "s", coverage->required,
                                          "because", "s", coverage->because, "strongest", "s",
                                          coverage->strongest, "enrolled", "b",
                                          (int)coverage->enrolled, "deadline", "t",
                                          coverage->deadline_usec);
        if (r >= 0 && coverage->codes_left >= 0)
                r = sd_bus_message_append(m, "{sv}", "codes_left", "u",
                                          (uint32_t)coverage->codes_left);
        if (r >= 0)
                r = dict_append_texts(m, "roles", coverage->roles, coverage->role_count);
        if (r >= 0)
                r = dict_append_texts(m, "methods", coverage->methods, coverage->method_count);
        return r < 0 ? r : sd_bus_message_close_container(m);
}

static void page_add_coverage(void *userdata, const CoreCoverage *coverage) {
        Page *page = userdata;

        if (page->r >= 0)
                page->r = coverage_append(page->reply, coverage);
}

static int conflicts_append(sd_bus_message *m, const CoreConflicts *conflicts) {
        int r = sd_bus_message_open_container(m, 'a', "{sv}");

        if (r >= 0)
                r = sd_bus_message_append(m, "{sv}", "user", "s", conflicts->user);
        if (r >= 0)
                r = dict_append_texts(m, "conflicts", conflicts->list, conflicts->count);
        return r < 0 ? r : sd_bus_message_close_container(m);
}

static void page_add_conflicts(void *userdata, const CoreConflicts *conflicts) {
        Page *page = userdata;

        if (page->r >= 0)
                page->r = conflicts_append(page->reply, conflicts);
}

static void page_add_usage(void *userdata, const CoreUsage *usage) {
        Page *page = userdata;

        if (page->r >= 0)
                page->r = sd_bus_message_append(page->reply, "a{sv}", 4, "tenant", "s",
                                                usage->tenant, "seats", "u", usage->seats, "used",
                                                "u", usage->used, "users", "u", usage->users);
}

/* All tenants are one page; nothing narrows it. */
static int report_usage(Call *call, CoreError *error) {
        _cleanup_(page_clear) Page page = { 0 };
        int r = page_begin(call, &page, error);

        if (r == 0 && (page.filter[0] || page.cursor[0]))
                r = error_set(error, CORE_E_BAD_VALUE, "filter: this report takes none");
        if (r == 0)
                r = core_usage_report(call->bus->core, &call->actor, call->now_usec, page_add_usage,
                                      &page, error);
        return r != 0 ? r : page_end(call, &page);
}

int manager_report(Call *call, CoreError *error) {
        _cleanup_(page_clear) Page page = { 0 };
        const char *report;
        bool conflicts;
        int r = sd_bus_message_read(call->message, "s", &report);

        if (r < 0)
                return r;
        if (strcmp(report, "usage") == 0)
                return report_usage(call, error);
        conflicts = strcmp(report, "role-conflicts") == 0;
        if (!conflicts && strcmp(report, "mfa-coverage") != 0)
                return error_set(error, CORE_E_BAD_VALUE,
                                 "report: there is none of that name; there are: mfa-coverage, "
                                 "role-conflicts, usage");
        r = page_begin(call, &page, error);
        if (r == 0 && conflicts)
                r = core_role_conflicts(call->bus->core, &call->actor, page.filter, page.cursor,
                                        page.limit, call->now_usec, page_add_conflicts, &page,
                                        page.next, error);
        else if (r == 0)
                r = core_factor_coverage(call->bus->core, &call->actor, page.filter, page.cursor,
                                         page.limit, call->now_usec, page_add_coverage, &page,
                                         page.next, error);
        return r != 0 ? r : page_end(call, &page);
}

/* ---- groups ---------------------------------------------------------------------------------- */

int manager_create_group(Call *call, CoreError *error) {
        _cleanup_(name_list_clear) NameList owners = { 0 };
        GroupSpec spec = { 0 };
        const DictField fields[] = {
                { "description", "s", &spec.description, NULL },
                { "owners", "as", &owners, NULL },
                { "gid", "u", &spec.gid, &spec.has_gid },
        };
        CoreOptions options;
        CoreChange change;
        int r = sd_bus_message_read(call->message, "s", &spec.name);

        if (r < 0)
                return r;
        r = read_dict(call->message, "fields", fields, ARRAY_LENGTH(fields), error);
        if (r == 0)
                r = read_options(call->message, &options, error);
        if (r != 0)
                return r;
        spec.owners = owners.names;
        spec.owner_count = owners.count;
        r = core_group_create(call->bus->core, &call->actor, &spec, &options, call->now_usec,
                              &change, error);
        return r != 0 ? r : reply_created(call, WIRE_PATH_GROUP, spec.name, &change);
}

/* ---- status ---------------------------------------------------------------------------------- */

/* Those of root, and of who may see the configuration here. */
static bool sees_figures(Call *call) {
        const CoreQuestion question = { .permission = "config.view", .where = CORE_WHERE_HOST };
        CoreError refused;

        if (call->actor.uid == 0 || !call->bus->core)
                return call->actor.uid == 0;
        return !access_is_local(call->bus, call->actor.uid) &&
               core_may(call->bus->core, &call->actor, &question, call->now_usec, &refused) == 0;
}

static int status_append_figures(sd_bus_message *m, const Bus *bus, const BusStatus *host,
                                 const CoreStatus *core) {
        const struct {
                const char *key;
                uint64_t value;
        } counts[] = {
                { "users", core->users },
                { "groups", core->groups },
                { "map_users", host->map_users },
                { "map_groups", host->map_groups },
                { "map_bytes", host->map_bytes },
                { "map_published", host->map_published_usec },
                { "store_used_bytes", core->store_used_bytes },
                { "store_map_bytes", core->store_map_bytes },
                { "audit_entries", core->audit_entries },
                { "sessions", core->sessions },
                { "started", host->started_usec },
        };
        char why[CORE_SSHD_WHY_BYTES] = "", emptied[CORE_POLICY_EMPTIED_BYTES] = "";
        bool verifies = bus->core && core_sshd_verifies(bus->core, why);
        int r = sd_bus_message_append(m, "{sv}{sv}{sv}", "connections", "u", bus->server.peer_count,
                                      "sk_keys", "s",
                                      policy_strength_name(verifies ? POLICY_STRENGTH_HARDWARE
                                                                    : POLICY_STRENGTH_SINGLE),
                                      "sk_keys_why", "s", why);

        if (r >= 0 && bus->core)
                r = core_policy_emptied(bus->core, emptied, sizeof(emptied));
        if (r >= 0)
                r = sd_bus_message_append(m, "{sv}", "policy", "s", emptied);
        for (size_t i = 0; i < ARRAY_LENGTH(counts) && r >= 0; i++)
                r = sd_bus_message_append(m, "{sv}", counts[i].key, "t", counts[i].value);
        return r;
}

/* What everybody may see. */
static int status_append_parts(sd_bus_message *m, const Bus *bus, const BusStatus *host,
                               const CoreStatus *core, bool served) {
        const struct {
                const char *key;
                bool value;
        } flags[] = {
                { "store_ok", served },
                { "disk_ok", !served || !core_disk_is_full(bus->core) },
                { "vault_ok", core->vault_ready },
                { "vault_key_ok", !core->vault_key_wrong },
                { "map_ok", host->map_ok },
                { "quality_ok", host->quality[0] == '\0' },
                { "mail_ok", host->mail[0] == '\0' },
                { "fido_ok", host->fido[0] == '\0' },
                { "sudo_ok", host->sudo[0] == '\0' },
                { "tenant_ok", !served || core->tenant_known },
        };
        const struct {
                const char *key, *value;
        } texts[] = {
                { "version", host->version },
                { "why", bus->core ? "" : bus->why_unavailable },
                { "quality", host->quality },
                { "mail", host->mail },
                { "fido", host->fido },
                { "sudo", host->sudo },
                { "recovery_key", host->recovery_key },
                { "host_tenant", core->tenant ? core->tenant : "" },
        };
        int r = 0;

        for (size_t i = 0; i < ARRAY_LENGTH(flags) && r >= 0; i++)
                r = sd_bus_message_append(m, "{sv}", flags[i].key, "b", (int)flags[i].value);
        for (size_t i = 0; i < ARRAY_LENGTH(texts) && r >= 0; i++)
                r = sd_bus_message_append(m, "{sv}", texts[i].key, "s", texts[i].value);
        return r;
}

int manager_status(Call *call, CoreError *error) {
        _cleanup_message_ sd_bus_message *reply = NULL;
        BusStatus host = { .version = "", .recovery_key = "" };
        CoreStatus core = { 0 };
        Bus *bus = call->bus;
        int r, served = bus->core ? core_status(bus->core, &core) : -ENOTCONN;

        if (bus->host.status)
                bus->host.status(bus->host.userdata, &host);
        if (!core.mail_wanted) /* then nobody misses it */
                host.mail[0] = '\0';
        if (!core.fido_wanted)
                host.fido[0] = '\0';
        if (!core.vault_ready) /* or it is of another key than the store's */
                host.recovery_key = "";
        r = call_reply_new(call, &reply);
        if (r >= 0)
                r = sd_bus_message_open_container(reply, 'a', "{sv}");
        if (r >= 0)
                r = status_append_parts(reply, bus, &host, &core, served == 0);
        if (r >= 0 && sees_figures(call))
                r = status_append_figures(reply, bus, &host, &core);
        if (r >= 0)
                r = sd_bus_message_close_container(reply);
        return r < 0 ? r : call_reply_send(call, reply);
}

/* ---- what the caller may do ------------------------------------------------------------------ */

static void page_add_permission(void *userdata, const char *permission) {
        Page *page = userdata;

        if (page->r >= 0)
                page->r = sd_bus_message_append_basic(page->reply, 's', permission);
}

/* A courtesy to help and completion (FEATURES D21): whatever it says, each call is asked anew. */
int manager_list_permissions(Call *call, CoreError *error) {
        _cleanup_(page_clear) Page page = { 0 };
        const Actor nobody = { .uid = (uid_t)-1 };
        bool local = access_is_local(call->bus, call->actor.uid);
        const char *tenant;
        int r = sd_bus_message_read(call->message, "s", &tenant);

        if (r >= 0)
                r = call_reply_new(call, &page.reply);
        if (r >= 0)
                r = sd_bus_message_open_container(page.reply, 'a', "s");
        if (r < 0)
                return r;
        r = core_may_list(call->bus->core, local ? &nobody : &call->actor,
                          tenant[0] ? tenant : NULL, call->now_usec, page_add_permission, &page,
                          error);
        if (r != 0)
                return r;
        r = page.r < 0 ? page.r : sd_bus_message_close_container(page.reply);
        return r < 0 ? r : call_reply_send(call, page.reply);
}
