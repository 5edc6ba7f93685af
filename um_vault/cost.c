/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* How dear a hash is: chosen once for the host, then read from a file.
 *
 * Whoever has stolen store and key guesses as fast as a core hashes, so the cost goes by the core.
 * It is measured once, since a cost that went by each start's measure would differ from start to
 * start, and who logged in before from who did not.  A measure is the fastest of some hashes:
 * whatever else the machine does makes a hash slower, and a cost lower than it should be.  For that
 * reason a cost that is there is only ever raised; lower again it is by hand, without the file.
 *
 * No file, however wrong, keeps anybody out: the caller falls back to the floor. */

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "base/base.h"
#include "um_vault/vault.h"

#define METHOD       "yescrypt "
#define LINE_MAX_LEN 64U
#define ROUNDS       3U
#define MEMORY_PART  4U

_Static_assert(VAULT_COST_MAX - VAULT_COST_MIN == 2, "each cost has a name");

const char *vault_cost_name(unsigned cost) {
        static const char *const names[] = { "j9T", "jAT", "jBT" };

        return cost >= VAULT_COST_MIN && cost <= VAULT_COST_MAX ? names[cost - VAULT_COST_MIN]
                                                                : "none";
}

int vault_cost_parse(const char *text, size_t len, unsigned *ret) {
        const size_t method_len = sizeof(METHOD) - 1;

        if (len > 0 && text[len - 1] == '\n')
                len--;
        if (len < method_len || memcmp(text, METHOD, method_len) != 0)
                return -EBADMSG;
        for (unsigned cost = VAULT_COST_MIN; cost <= VAULT_COST_MAX; cost++) {
                const char *name = vault_cost_name(cost);

                if (len - method_len == strlen(name) &&
                    memcmp(text + method_len, name, strlen(name)) == 0) {
                        *ret = cost;
                        return 0;
                }
        }
        return -EBADMSG;
}

/* ---- choosing -------------------------------------------------------------------------------- */

unsigned vault_cost_bound(uint64_t memory_bytes, unsigned worker_count) {
        uint64_t share = memory_bytes / MEMORY_PART / (worker_count > 0 ? worker_count : 1);
        unsigned cost = VAULT_COST_MIN;

        while (cost < VAULT_COST_MAX &&
               VAULT_COST_MIN_BYTES << (cost + 1 - VAULT_COST_MIN) <= share)
                cost++;
        return cost;
}

/* One hash below the bar says enough: it can take that little.  And one is enough at the highest
 * cost, where nothing is left to choose: nobody logs in meanwhile. */
static int fastest_find(const VaultCostGauge *gauge, unsigned cost, uint64_t *ret_usec) {
        unsigned rounds = cost < gauge->max ? ROUNDS : 1;
        uint64_t fastest = UINT64_MAX;

        for (unsigned i = 0; i < rounds && fastest >= VAULT_COST_USEC; i++) {
                uint64_t usec;
                int r = gauge->measure(gauge->userdata, cost, &usec);

                if (r < 0)
                        return r;
                if (usec < fastest)
                        fastest = usec;
        }
        *ret_usec = fastest;
        return 0;
}

int vault_cost_choose(const VaultCostGauge *gauge, VaultCostChoice *ret) {
        VaultCostChoice choice = { .cost = VAULT_COST_MIN };
        int r = fastest_find(gauge, choice.cost, &choice.usec);

        if (r < 0)
                return r;
        while (choice.usec < VAULT_COST_USEC && choice.cost < gauge->max) {
                VaultCostChoice next = { .cost = choice.cost + 1 };

                if (fastest_find(gauge, next.cost, &next.usec) < 0)
                        break; /* no memory for it */
                choice = next;
        }
        *ret = choice;
        return 0;
}

/* ---- the file -------------------------------------------------------------------------------- */

static int file_read(int dir_fd, unsigned *ret) {
        _cleanup_free_ char *text = NULL;
        size_t len;
        int r = base_file_read(dir_fd, VAULT_COST_NAME, LINE_MAX_LEN, &text, &len);

        if (r == -EFBIG || r == -EBADFD || r == -ELOOP)
                return -EBADMSG;
        return r < 0 ? r : vault_cost_parse(text, len, ret);
}

static int file_put(int dir_fd, unsigned cost, bool replace) {
        char line[LINE_MAX_LEN];
        int len = snprintf(line, sizeof(line), METHOD "%s\n", vault_cost_name(cost));

        return vault_file_put(dir_fd, VAULT_COST_NAME, line, (size_t)len, replace);
}

int vault_cost_load(const char *key_dir, const VaultCostGauge *gauge, VaultCostChoice *ret) {
        _cleanup_close_ int dir_fd = open(key_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        VaultCostChoice choice = { 0 };
        int r;

        if (dir_fd < 0)
                return -errno;
        r = file_read(dir_fd, &choice.cost);
        if (r == -ENOENT) {
                r = vault_cost_choose(gauge, &choice);
                if (r >= 0)
                        r = file_put(dir_fd, choice.cost, false);
                if (r == -EEXIST) { /* another vault was first */
                        choice.usec = 0;
                        r = file_read(dir_fd, &choice.cost);
                }
        }
        if (r < 0)
                return r;
        *ret = choice;
        return 0;
}

int vault_cost_raise(const char *key_dir, const VaultCostGauge *gauge, unsigned *ret_old,
                     VaultCostChoice *ret) {
        _cleanup_close_ int dir_fd = open(key_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        VaultCostChoice choice;
        unsigned old = 0;
        int r;

        if (dir_fd < 0)
                return -errno;
        r = file_read(dir_fd, &old);
        if (r < 0 && r != -ENOENT && r != -EBADMSG)
                return r;
        r = vault_cost_choose(gauge, &choice);
        if (r >= 0 && choice.cost > old)
                r = file_put(dir_fd, choice.cost, true);
        if (r < 0)
                return r;
        *ret_old = old;
        *ret = choice;
        return 0;
}
