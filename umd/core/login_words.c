/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a login says about itself, as the log may show it.  Everything here comes from PAM items,
 * that is from whoever typed it or from the far end of a network: it is bounded and escaped once,
 * on the way in.  A name nobody has is kept as a keyed hash, since people type passwords there. */

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "umd/core/login.h"

void core_unknown_name(const Core *core, const char *name, char *buf) {
        uint64_t hash = core_hash(store_id(core->store), name, strlen(name));

        snprintf(buf, CORE_UNKNOWN_BYTES, "~%012llx", (unsigned long long)(hash >> 16));
}

/* No uid of um reaches half of the numbers: the others are for names without one.  Which of them
 * share one nobody can find out beforehand. */
uint32_t core_name_lane(const Core *core, const char *name) {
        return (uint32_t)core_hash(core->lane_key, name, strlen(name)) | 1U << 31;
}

void core_unknown_text(const Core *core, const char *name, char *buf) {
        if (core->settings.unknown_names)
                base_escape(name, strlen(name), buf, CORE_UNKNOWN_TEXT);
        else
                core_unknown_name(core, name, buf);
}

/* ---- words -------------------------------------------------------------------------------- */

/* An address in one form (IPv4-mapped ones unmapped), or what was given, escaped.  No DNS. */
static void source_write(const char *rhost, char *buf, size_t size) {
        static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };
        struct in6_addr six;
        struct in_addr four;

        if (inet_pton(AF_INET6, rhost, &six) == 1) {
                if (memcmp(&six, mapped, sizeof(mapped)) == 0)
                        inet_ntop(AF_INET, six.s6_addr + 12, buf, (socklen_t)size);
                else
                        inet_ntop(AF_INET6, &six, buf, (socklen_t)size);
        } else if (inet_pton(AF_INET, rhost, &four) == 1)
                inet_ntop(AF_INET, &four, buf, (socklen_t)size);
        else
                base_escape(rhost, strlen(rhost), buf, size);
}

/* sshd, and nobody else, says which keys it has verified. */
static void keys_write(const Core *core, const Actor *actor, const CoreLoginContext *context,
                       LoginWords *words) {
        words->sshd = actor->uid == 0 && strcmp(context->service, "sshd") == 0;
        if (!words->sshd)
                return;
        words->key = core_ssh_key_hash(core, context->auth_info);
        words->keys = core_ssh_keys(context->auth_info);
        words->one_key = core_ssh_key_only(context->auth_info, words->key_hash);
        words->key_strength = core_ssh_keys_strength(core, words->keys);
}

/* Where it comes from, as root's programs say: sudo and su name who runs them. */
static void origin_write(const Core *core, const CoreLoginContext *context, LoginWords *words) {
        Origin *origin = &words->origin;

        core_network_of(core, words->source, &origin->network);
        origin->by_root = !words->source[0] && strcmp(context->ruser, "root") == 0;
        if (words->source[0])
                origin->place = PLACE_AFAR;
        else if (!context->ruser[0] || origin->by_root)
                origin->place = PLACE_CONSOLE;
        else
                origin->place =
                        strcmp(context->ruser, context->user) == 0 ? PLACE_SELF : PLACE_OTHERS;
}

int core_login_words(const Core *core, const Actor *actor, const CoreLoginContext *context,
                     LoginWords *ret, CoreError *error) {
        size_t len = strlen(context->service);
        LoginWords words = { 0 };

        if (len == 0 || len >= sizeof(words.service) ||
            base_field_check(FIELD_LINE, context->service, len) != FIELD_OK)
                return core_fail(error, CORE_E_BAD_VALUE, "service: \"%s\": is no PAM service",
                                 core_quote(context->service).text);
        memcpy(words.service, context->service, len);
        if (base_field_check(FIELD_USER_NAME, context->user, strlen(context->user)) == FIELD_OK)
                memcpy(words.name, context->user, strlen(context->user));
        core_unknown_text(core, context->user, words.unknown);
        words.lane = core_name_lane(core, context->user);
        source_write(context->rhost, words.source, sizeof(words.source));
        keys_write(core, actor, context, &words);
        origin_write(core, context, &words);
        base_escape(context->tty, strlen(context->tty), words.tty, sizeof(words.tty));
        *ret = words;
        return 0;
}

bool core_login_from_outside(const Actor *actor, const LoginWords *words) {
        return actor->uid == 0 && core_service_class(words->service) == SERVICE_OTHER &&
               strcmp(words->service, "polkit-1") != 0 && words->origin.place != PLACE_SELF &&
               words->origin.place != PLACE_OTHERS;
}

int core_login_audit(StoreTxn *txn, const LoginWords *words, const StoreUser *user,
                     const Actor *actor, const LoginEntry *entry, uint64_t now_usec,
                     uint64_t *ret_seq) {
        char object[96];
        StoreAudit audit = {
                .time_usec = now_usec,
                .type = entry->type,
                .verb = entry->verb,
                .object = object,
                .object_id = user ? user->uid : 0,
                .actor = actor->uid,
                .login_uid = actor->login_uid,
                .via = "pam",
                .service = strcmp(entry->verb, "authenticate") == 0
                                   ? words->service
                                   : core_login_service(words, user),
                .source = words->source,
                .tty = words->tty,
                .outcome = entry->outcome,
                .reason = entry->reason,
                .values = entry->values,
                .value_count = entry->value_count,
        };

        snprintf(object, sizeof(object), "user/%s", user ? user->name : words->unknown);
        return store_audit_append(txn, &audit, ret_seq);
}
