/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* um-vault's start: options, shutting itself in, the key, then serving.
 *
 * Everything that can be refused is refused here, with a text that names it, before a socket is
 * read.  Exit status: 0 served and stopped, 1 a fault, 2 usage. */

#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <sched.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>

#include "base/base.h"
#include "config.h"
#include "um_vault/vault.h"

#define WORKERS_MIN 2U

typedef struct Options {
        const char *key_dir;
        int fd; /* -1: socket activation */
        bool has_peer;
        uint32_t peer_uid;
        bool show; /* --help or --version: done */
} Options;

static const char usage[] =
        "um-vault [--fd N] [--key-dir DIR] [--peer-uid UID]\n"
        "Hashes and checks passwords for umd.  Started by systemd with its socket, or by hand:\n"
        "  --fd N          serve the SOCK_SEQPACKET socket pair end N, until it is closed\n"
        "  --key-dir DIR   where the record key is, or is made (" VAULT_KEY_DIR ")\n"
        "  --peer-uid UID  serve this uid only (the user " BASE_SERVICE_USER " and root)\n"
        "  --version       print the version\n"
        "  --help          print this\n";

static int option_number(const char *name, const char *value, uint32_t max, uint32_t *ret) {
        uint64_t number;

        if (base_parse_u64(value, 0, max, &number) < 0) {
                fprintf(stderr, "um-vault: --%s: not a valid number\n", name);
                return -EINVAL;
        }
        *ret = (uint32_t)number;
        return 0;
}

static int options_parse(int argc, char **argv, Options *ret) {
        static const struct option longs[] = {
                { "fd", required_argument, NULL, 'f' },
                { "key-dir", required_argument, NULL, 'k' },
                { "peer-uid", required_argument, NULL, 'p' },
                { "help", no_argument, NULL, 'h' },
                { "version", no_argument, NULL, 'v' },
                { NULL, 0, NULL, 0 },
        };
        Options options = { .key_dir = VAULT_KEY_DIR, .fd = -1 };
        uint32_t fd;
        int c;

        while ((c = getopt_long(argc, argv, "", longs, NULL)) >= 0) {
                if (c == 'f') {
                        if (option_number("fd", optarg, INT_MAX, &fd) < 0)
                                return -EINVAL;
                        options.fd = (int)fd;
                } else if (c == 'k')
                        options.key_dir = optarg;
                else if (c == 'p') {
                        /* UINT32_MAX is nobody to the kernel */
                        if (option_number("peer-uid", optarg, UINT32_MAX - 1, &options.peer_uid) <
                            0)
                                return -EINVAL;
                        options.has_peer = true;
                } else if (c == 'h' || c == 'v') {
                        fputs(c == 'h' ? usage : "um-vault " UM_VERSION "\n", stdout);
                        options.show = true;
                } else
                        return -EINVAL;
        }
        if (optind < argc) {
                fprintf(stderr, "um-vault: takes no arguments but options; see --help\n");
                return -EINVAL;
        }
        *ret = options;
        return 0;
}

static int complain(const char *what, int fault) {
        fprintf(stderr, "um-vault: %s: %s\n", what,
                fault == -EBADMSG ? "not a key, which is a regular file of 32 bytes"
                                  : strerror(-fault));
        return fault;
}

static unsigned worker_count(void) {
        cpu_set_t set;
        unsigned count = 0;

        CPU_ZERO(&set);
        if (sched_getaffinity(0, sizeof(set), &set) == 0)
                count = (unsigned)CPU_COUNT(&set);
        if (count < WORKERS_MIN)
                return WORKERS_MIN;
        return count > VAULT_WORKERS_MAX ? VAULT_WORKERS_MAX : count;
}

static int serve(const Secret *key, VaultServer *server) {
        VaultContext context;
        int r;

        server->signal_fd = base_service_signals();
        if (server->signal_fd < 0)
                return complain("signals", server->signal_fd);
        r = vault_context_init(&context, key);
        if (r >= 0)
                r = vault_pool_new(&context, worker_count(), &server->pool);
        if (r < 0)
                return complain("the workers", r);
        r = vault_serve(server);
        server->pool = vault_pool_free(server->pool);
        base_close(server->signal_fd);
        return r < 0 ? complain("serving", r) : 0;
}

static int run(const Options *options) {
        _cleanup_secret_ Secret *key = NULL;
        VaultServer server = { 0 };
        char file[PATH_MAX];
        int r;

        r = base_process_harden();
        if (r < 0)
                return complain("hardening", r);
        r = base_service_start(options->fd, getenv("LISTEN_PID"), getenv("LISTEN_FDS"),
                               options->has_peer ? &options->peer_uid : NULL, &server.service);
        if (r < 0)
                return complain(r == -ENOTCONN ? "neither --fd nor a socket from systemd"
                                               : "the socket it was given",
                                r);
        if (sodium_init() < 0)
                return complain("libsodium", -EIO);
        r = vault_key_load(options->key_dir, getenv("CREDENTIALS_DIRECTORY"), &key, file);
        if (r < 0)
                return complain(file, r);
        return serve(key, &server);
}

int main(int argc, char **argv) {
        Options options;

        if (options_parse(argc, argv, &options) < 0)
                return 2;
        if (options.show)
                return 0;
        return run(&options) < 0 ? 1 : 0;
}
