/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The filter language of lists: whatever the text, either it is understood whole and asked of every
 * record the same way twice, or there is an error that names the column and can be shown on a
 * terminal.  The first byte chooses users or groups.  The store behind it is a real one, with
 * somebody in it for the names in filters to mean. */

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "umd/core/internal.h"

#define NOW ((uint64_t)1785574800 * USEC_PER_SEC)

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static Core *core;

static const char *name_held(void *userdata, const char *name, bool group) {
        return NULL;
}

static bool id_held(void *userdata, uint32_t id, char *ret_holder, size_t size) {
        return false;
}

static bool time_zone_known(void *userdata, const char *zone) {
        return true;
}

static bool home_held(void *userdata, const char *home, char *ret_holder, size_t size) {
        return false;
}

static void refresh(void *userdata) {
}

static void people_make(void) {
        static const Actor root = { .login_uid = (uid_t)-1, .via = "socket" };
        static const CoreOptions options = { .reason = "" };
        static const char *const names[] = { "alice", "bob" }, *const groups[] = { "web", "ops" };
        CoreChange change;
        CoreError error;

        for (size_t i = 0; i < ARRAY_LENGTH(names); i++) {
                const UserSpec user = {
                        .text = { [USER_FIELD_NAME] = names[i], [USER_FIELD_TITLE] = "boss" }
                };
                const GroupSpec group = { .name = groups[i], .owners = names, .owner_count = i };

                assert(core_user_create(core, &root, &user, &options, NOW, &change, &error) == 0);
                assert(core_group_create(core, &root, &group, &options, NOW, &change, &error) == 0);
        }
        assert(core_group_members(core, &root, "web", true, names, 1, groups + 1, 1, &options, NOW,
                                  &change, &error) == 0);
        assert(core_flush(core) == 0);
}

int LLVMFuzzerInitialize(int *argc, char ***argv) {
        static const char *const files[] = { "data.mdb", "lock.mdb", "lock" };
        const CoreSettings settings = { 65536, 524287, "/bin/sh", "/home", "local", false, 1 };
        const CoreHost host = { .name_held = name_held,
                                .id_held = id_held,
                                .time_zone_known = time_zone_known,
                                .home_held = home_held,
                                .refresh = refresh };
        const CoreVault vault = { 0 };
        const CoreQuality quality = { 0 };
        const CoreHelper helper = { 0 };
        char dir[] = "/tmp/um-fuzz-filter-XXXXXX", path[64];
        CoreError error;

        assert(mkdtemp(dir));
        assert(core_new(dir, &settings, &host, &vault, &quality, &helper, &core, &error) == 0);
        people_make();
        for (size_t i = 0; i < ARRAY_LENGTH(files); i++) { /* it is open: nothing is left behind */
                snprintf(path, sizeof(path), "%s/%s", dir, files[i]);
                unlink(path);
        }
        rmdir(dir);
        return 0;
}

static void error_check(const CoreError *error) {
        const char *at = error->text;
        size_t left = strnlen(at, sizeof(error->text));

        assert(error->outcome == CORE_E_BAD_VALUE);
        assert(left > 0 && left < sizeof(error->text) && strncmp(at, "filter: ", 8) == 0);
        while (left > 0) {
                uint32_t c;
                int used = base_utf8_decode(at, left, &c);

                assert(used > 0 && base_codepoint_printable(c));
                at += used;
                left -= (size_t)used;
        }
}

static int user_ask(void *userdata, const StoreUser *user) {
        const Filter *filter = userdata;

        assert(core_filter_user(filter, user) == core_filter_user(filter, user));
        return 0;
}

static int group_ask(void *userdata, const StoreGroup *group) {
        const Filter *filter = userdata;

        assert(core_filter_group(filter, group) == core_filter_group(filter, group));
        return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        _cleanup_(store_txn_abortp) StoreTxn *txn = NULL;
        _cleanup_(core_filter_freep) Filter *filter = NULL;
        _cleanup_free_ char *text = NULL;
        CoreError error = { 0 };
        bool groups;
        int r;

        if (size < 1)
                return 0;
        groups = data[0] & 1;
        text = strndup((const char *)data + 1, size - 1);
        assert(text && store_begin_read(core->store, &txn) == 0);
        r = core_filter_new(core, txn, groups, text, NOW, &filter, &error);
        assert(r == 0 || r == CORE_E_BAD_VALUE);
        if (r != 0) {
                error_check(&error);
                return 0;
        }
        (void)core_filter_wants_deleted(filter);
        r = groups ? store_group_each(txn, group_ask, filter)
                   : store_user_each(txn, user_ask, filter);
        assert(r == 0);
        return 0;
}
