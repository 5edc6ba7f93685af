/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* org.um1.User's second factors.  What is shown once (a key, recovery codes) goes out in a reply on
 * the private socket and nowhere else.  That the caller proved himself is core's to judge, by the
 * id of a login he made with org.um1.Login. */

#include <errno.h>
#include <string.h>

#include "umd/bus/private.h"

/* ---- showing --------------------------------------------------------------------------------- */

typedef struct Listing {
        sd_bus_message *reply;
        int r;
} Listing;

static void factor_append(void *userdata, const CoreFactor *factor) {
        Listing *listing = userdata;

        if (listing->r >= 0)
                listing->r = sd_bus_message_append(listing->reply, "(usbstti)", factor->number,
                                                   factor->method, (int)factor->active,
                                                   factor->label, factor->created_usec,
                                                   factor->last_used_usec, factor->codes_left);
}

int user_list_factors(Call *call, CoreError *error) {
        _cleanup_message_ sd_bus_message *reply = NULL;
        Listing listing;
        int r = call_reply_new(call, &reply);

        if (r >= 0)
                r = sd_bus_message_open_container(reply, 'a', "(usbstti)");
        if (r < 0)
                return r;
        listing = (Listing){ reply, 0 };
        r = core_factor_list(call->bus->core, call->name, factor_append, &listing, error);
        if (r != 0)
                return r;
        if (listing.r >= 0)
                listing.r = sd_bus_message_close_container(reply);
        return listing.r < 0 ? listing.r : call_reply_send(call, reply);
}

/* ---- a new one ------------------------------------------------------------------------------- */

static int algorithm_read(const char *name, CoreAlgorithm *ret, CoreError *error) {
        static const char *const names[_CORE_ALGORITHM_MAX] = {
                [CORE_ALGORITHM_SHA1] = "sha1",
                [CORE_ALGORITHM_SHA256] = "sha256",
                [CORE_ALGORITHM_SHA512] = "sha512",
        };

        for (unsigned i = 0; i < _CORE_ALGORITHM_MAX; i++)
                if (strcmp(names[i], name) == 0) {
                        *ret = (CoreAlgorithm)i;
                        return 0;
                }
        return error_set(error, CORE_E_BAD_VALUE, "algorithm: must be sha1, sha256 or sha512");
}

static int spec_read(Call *call, CoreFactorSpec *ret, CoreError *error) {
        CoreFactorSpec spec = { .method = "totp", .label = "", .form = { .digits = 6 } };
        const char *algorithm = "sha1";
        bool has_period = false;
        const DictField fields[] = {
                { "method", "s", &spec.method, NULL },
                { "label", "s", &spec.label, NULL },
                { "algorithm", "s", &algorithm, NULL },
                { "digits", "u", &spec.form.digits, NULL },
                { "period", "u", &spec.form.period_sec, &has_period },
        };
        int r = read_dict(call->message, "factor", fields, ARRAY_LENGTH(fields), error);

        if (r == 0)
                r = algorithm_read(algorithm, &spec.form.algorithm, error);
        if (r != 0)
                return r;
        if (!has_period && strcmp(spec.method, "totp") == 0)
                spec.form.period_sec = 30;
        *ret = spec;
        return 0;
}

static const char *secret_text(const Secret *secret) {
        /* a Secret has a NUL behind it, and these have none in them */
        return secret ? (const char *)base_secret_bytes(secret) : "";
}

static void enrol_done(void *userdata, int r, uint32_t number, const Secret *key, const Secret *uri,
                       const CoreChange *change, const CoreError *error) {
        char text[CHANGE_TEXT_MAX];
        Call *call = userdata;

        if (r == 0) {
                change_text(change, text);
                r = call_reply(call, "usss", number, secret_text(key), secret_text(uri), text);
        }
        if (r != 0)
                call_fail(call, r, error);
        call_free(call);
}

int user_enrol_factor(Call *call, CoreError *error) {
        CoreFactorSpec spec;
        CoreOptions options;
        const char *login;
        int r = sd_bus_message_read(call->message, "s", &login);

        if (r < 0)
                return r;
        r = spec_read(call, &spec, error);
        if (r == 0)
                r = read_options(call->message, &options, error);
        if (r == 0)
                r = core_factor_enrol(call->bus->core, &call->peer->core_peer, call->name, &spec,
                                      login, &options, call->now_usec, enrol_done, call, error);
        return r != 0 ? r : CALL_HELD;
}

/* ---- codes ----------------------------------------------------------------------------------- */

/* "A B C" as a list. */
static int codes_append(sd_bus_message *m, const Secret *codes) {
        const char *s = secret_text(codes);
        char code[64];
        int r = sd_bus_message_open_container(m, 'a', "s");

        while (r >= 0 && *s) {
                size_t len = strcspn(s, " ");

                if (len >= sizeof(code))
                        return -EMSGSIZE;
                memcpy(code, s, len);
                code[len] = '\0';
                r = sd_bus_message_append_basic(m, 's', code);
                s += len;
                s += *s == ' ';
        }
        base_wipe(code, sizeof(code));
        return r < 0 ? r : sd_bus_message_close_container(m);
}

static int codes_reply(Call *call, const Secret *codes, const CoreChange *change) {
        _cleanup_message_ sd_bus_message *reply = NULL;
        char text[CHANGE_TEXT_MAX];
        int r = call_reply_new(call, &reply);

        change_text(change, text);
        if (r >= 0)
                r = codes_append(reply, codes);
        if (r >= 0)
                r = sd_bus_message_append(reply, "s", text);
        return r < 0 ? r : call_reply_send(call, reply);
}

static void codes_done(void *userdata, int r, const Secret *codes, const CoreChange *change,
                       const CoreError *error) {
        Call *call = userdata;

        if (r == 0)
                r = codes_reply(call, codes, change);
        if (r != 0)
                call_fail(call, r, error);
        call_free(call);
}

int user_confirm_factor(Call *call, CoreError *error) {
        _cleanup_secret_ Secret *code = NULL;
        CoreOptions options;
        uint32_t number;
        int r = sd_bus_message_read(call->message, "u", &number);

        if (r < 0)
                return r;
        r = read_secret(call->message, BASE_PASSWORD_MAX, true, &code, error);
        if (r == 0)
                r = read_options(call->message, &options, error);
        if (r == 0)
                r = core_factor_confirm(call->bus->core, &call->peer->core_peer, call->name, number,
                                        code, &options, call->now_usec, codes_done, call, error);
        return r != 0 ? r : CALL_HELD;
}

int user_create_recovery_codes(Call *call, CoreError *error) {
        CoreOptions options;
        const char *login;
        int r = sd_bus_message_read(call->message, "s", &login);

        if (r < 0)
                return r;
        r = read_options(call->message, &options, error);
        if (r == 0)
                r = core_recovery_create(call->bus->core, &call->peer->core_peer, call->name, login,
                                         &options, call->now_usec, codes_done, call, error);
        return r != 0 ? r : CALL_HELD;
}

/* ---- taking away ----------------------------------------------------------------------------- */

int user_remove_factor(Call *call, CoreError *error) {
        CoreOptions options;
        CoreChange change;
        const char *login;
        uint32_t number;
        int r = sd_bus_message_read(call->message, "us", &number, &login);

        if (r < 0)
                return r;
        r = read_options(call->message, &options, error);
        if (r == 0)
                r = core_factor_remove(call->bus->core, &call->peer->core_peer, call->name, number,
                                       login, &options, call->now_usec, &change, error);
        return r != 0 ? r : call_reply_change(call, &change);
}

int user_reset_factors(Call *call, CoreError *error) {
        CoreOptions options;
        CoreChange change;
        int r = read_options(call->message, &options, error);

        if (r == 0)
                r = core_factors_reset(call->bus->core, &call->actor, call->name, &options,
                                       call->now_usec, &change, error);
        return r != 0 ? r : call_reply_change(call, &change);
}
