/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* org.um1.User's ssh keys.  A public key is no secret: these stand on the system bus too. */

#include "umd/bus/private.h"

int user_add_key(Call *call, CoreError *error) {
        char fingerprint[CORE_FINGERPRINT_BYTES], text[CHANGE_TEXT_MAX];
        const char *key, *label = "";
        const DictField fields[] = { { "label", "s", &label, NULL } };
        CoreOptions options;
        CoreChange change;
        int r = sd_bus_message_read(call->message, "s", &key);

        if (r < 0)
                return r;
        r = read_dict(call->message, "fields", fields, ARRAY_LENGTH(fields), error);
        if (r == 0)
                r = read_options(call->message, &options, error);
        if (r == 0)
                r = core_device_add(call->bus->core, &call->actor, call->name, key, label, &options,
                                    call->now_usec, fingerprint, &change, error);
        if (r != 0)
                return r;
        change_text(&change, text);
        return call_reply(call, "ss", fingerprint, text);
}

int user_remove_key(Call *call, CoreError *error) {
        const char *fingerprint;
        CoreOptions options;
        CoreChange change;
        int r = sd_bus_message_read(call->message, "s", &fingerprint);

        if (r < 0)
                return r;
        r = read_options(call->message, &options, error);
        if (r == 0)
                r = core_device_remove(call->bus->core, &call->actor, call->name, fingerprint,
                                       &options, call->now_usec, &change, error);
        return r != 0 ? r : call_reply_change(call, &change);
}

typedef struct Listing {
        sd_bus_message *reply;
        int r;
} Listing;

static void device_append(void *userdata, const CoreDevice *device) {
        Listing *listing = userdata;

        if (listing->r >= 0)
                listing->r = sd_bus_message_append(listing->reply, "(sssts)", device->fingerprint,
                                                   device->type, device->label,
                                                   device->created_usec, device->created_by);
}

int user_list_keys(Call *call, CoreError *error) {
        _cleanup_message_ sd_bus_message *reply = NULL;
        Listing listing;
        int r = call_reply_new(call, &reply);

        if (r >= 0)
                r = sd_bus_message_open_container(reply, 'a', "(sssts)");
        if (r < 0)
                return r;
        listing = (Listing){ reply, 0 };
        r = core_device_list(call->bus->core, call->name, device_append, &listing, error);
        if (r != 0)
                return r;
        if (listing.r >= 0)
                listing.r = sd_bus_message_close_container(reply);
        return listing.r < 0 ? listing.r : call_reply_send(call, reply);
}

/* ---- for sshd -------------------------------------------------------------------------------- */

static void line_append(void *userdata, const char *line) {
        Listing *listing = userdata;

        if (listing->r >= 0)
                listing->r = sd_bus_message_append_basic(listing->reply, 's', line);
}

int nss_get_authorized_keys(Call *call, CoreError *error) {
        _cleanup_message_ sd_bus_message *reply = NULL;
        const BusHost *host = &call->bus->host;
        const char *user, *fingerprint;
        Listing listing;
        int r = sd_bus_message_read(call->message, "ss", &user, &fingerprint);

        if (r >= 0)
                r = call_reply_new(call, &reply);
        if (r >= 0)
                r = sd_bus_message_open_container(reply, 'a', "s");
        if (r < 0)
                return r;
        listing = (Listing){ reply, 0 };
        /* a name that /etc/passwd has is not um's to let in */
        if (!host->hides || !host->hides(host->userdata, user, UINT32_MAX))
                r = core_device_authorized(call->bus->core, user, fingerprint, line_append,
                                           &listing);
        if (r < 0)
                return r;
        if (listing.r >= 0)
                listing.r = sd_bus_message_close_container(reply);
        return listing.r < 0 ? listing.r : call_reply_send(call, reply);
}
