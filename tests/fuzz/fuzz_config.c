/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* um.conf: whatever the bytes, either every value is one that core may be given, or there is an
 * error that names the file and can be shown on a terminal. */

#include <assert.h>
#include <errno.h>
#include <string.h>

#include "base/base.h"
#include "umd/umd.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void config_check(const Config *config) {
        assert(config->id_first <= config->id_last);
        assert(!base_id_reserved(config->id_first) && !base_id_reserved(config->id_last));
        assert(base_field_check(FIELD_SHELL, config->shell, strlen(config->shell)) == FIELD_OK);
        assert(base_field_check(FIELD_HOME, config->home_root, strlen(config->home_root)) ==
               FIELD_OK);
}

static void error_check(const ConfigError *error) {
        const char *at = error->text;
        size_t left = strnlen(at, sizeof(error->text));

        assert(left > 0 && left < sizeof(error->text));
        assert(strncmp(at, "um.conf:", 8) == 0);
        while (left > 0) {
                uint32_t c;
                int used = base_utf8_decode(at, left, &c);

                assert(used > 0 && base_codepoint_printable(c));
                at += used;
                left -= (size_t)used;
        }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        ConfigError error = { "" };
        Config config;
        int r;

        config_init(&config);
        r = config_parse(&config, "um.conf", (const char *)data, size, &error);
        assert(r == 0 || r == -EINVAL);
        if (r < 0)
                error_check(&error);
        config_check(&config); /* a refused file sets nothing it should not, either */
        return 0;
}
