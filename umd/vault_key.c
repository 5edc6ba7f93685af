/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The vault's key against the store: a store that was restored without its key, or a key that was
 * moved away, looks well in every other respect, and nobody can log in.
 *
 * The store notes the id of the first key, and a vault that comes with another is told of at once.
 * Passwords made under that one would leave a store of two keys, so none is set until an admin says
 * that the old key is lost. */

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <syslog.h>

#include "base/base.h"
#include "um_vault/um_vault.h"
#include "umd/umd.h"

#define ID_HEX_BYTES (2 * VAULT_KEY_ID_BYTES + 1)

static void id_format(const uint8_t *id, char *buf) {
        for (size_t i = 0; i < VAULT_KEY_ID_BYTES; i++)
                snprintf(buf + 2 * i, 3, "%02x", id[i]);
}

static void wrong_tell(const Log *log, const char *key_dir, const uint8_t *id,
                       const uint8_t *noted) {
        char has[ID_HEX_BYTES], wants[ID_HEX_BYTES];

        id_format(id, has);
        id_format(noted, wants);
        log_write(log, &(LogRecord){ .priority = LOG_ERR, .message = MESSAGE_VAULT_KEY },
                  "um-vault has key %s, the passwords are sealed under key %s: nobody's can be "
                  "checked, and none is set; put the old %s/key back from the backup and restart "
                  "um-vault, or see umd(8) where it is lost",
                  has, wants, key_dir);
}

bool vault_key_is_right(const Log *log, Core *core, const char *key_dir, const uint8_t *id,
                        bool *wrong) {
        uint8_t noted[VAULT_KEY_ID_BYTES];
        bool right;
        int r;

        r = core_vault_key_check(core, id, &right, noted);
        if (r < 0) {
                log_write(log, &(LogRecord){ .priority = LOG_ERR, .fault = r },
                          "whether um-vault has the right key cannot be said: no password is set");
                return false;
        }
        if (!right)
                wrong_tell(log, key_dir, id, noted);
        else if (*wrong)
                log_write(log,
                          &(LogRecord){ .priority = LOG_NOTICE, .message = MESSAGE_VAULT_BACK },
                          "um-vault has the right key again");
        *wrong = !right;
        return right;
}

/* ---- giving the old key up ------------------------------------------------------------------- */

static int key_forget(const char *state_dir, CoreError *error) {
        const CoreHost host = { 0 };
        const CoreSettings settings = { .shell = "", .home_root = "", .tenant = "" };
        const CoreVault vault = { 0 };
        const CoreQuality quality = { 0 };
        const CoreHelper helper = { 0 };
        Core *core = NULL;
        int r;

        r = core_new(state_dir, &settings, &host, &vault, &quality, &helper, &core, error);
        if (r != 0)
                return r < 0 ? r : -EUCLEAN;
        r = core_vault_key_forget(core, base_realtime_usec());
        if (r == 0)
                r = core_flush(core);
        core_free(core);
        return r;
}

int vault_key_accept(const char *state_dir, const Log *log) {
        _cleanup_close_ int state_fd = -1;
        CoreError core_error = { 0 };
        PlaceError error;
        int r;

        r = place_state(state_dir, &state_fd, &error);
        if (r < 0) {
                log_write(log, &(LogRecord){ .priority = LOG_ERR }, "%s", error.text);
                return r;
        }
        /* core would make one that is not there */
        r = place_has_store(state_fd) ? key_forget(state_dir, &core_error) : -ENOENT;
        if (r < 0) {
                log_write(log, &(LogRecord){ .priority = LOG_ERR, .fault = r }, "%s",
                          core_error.text[0] ? core_error.text : "the store");
                return r;
        }
        log_write(log, &(LogRecord){ .priority = LOG_NOTICE, .message = MESSAGE_VAULT_KEY },
                  "the key that um-vault has when umd starts is taken as the right one; passwords "
                  "sealed under another stay lost: set them anew");
        return 0;
}
