/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* um-fido's start: options, shutting itself in, then serving.
 *
 * Everything that can be refused is refused here, with a text that names it, before a socket is
 * read.  Exit status: 0 served and stopped, 1 a fault, 2 usage. */

#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/base.h"
#include "config.h"
#include "um_fido/token.h"

typedef struct Options {
        int fd; /* -1: socket activation */
        bool has_peer;
        uint32_t peer_uid;
        bool show; /* --help or --version: done */
} Options;

static const char usage[] =
        "um-fido [--fd N] [--peer-uid UID]\n"
        "Speaks to the FIDO2 security keys that are plugged in, for umd.  Started by systemd with "
        "its\n"
        "socket, or by hand:\n"
        "  --fd N          serve the SOCK_SEQPACKET socket pair end N, until it is closed\n"
        "  --peer-uid UID  serve this uid only (the user " BASE_SERVICE_USER " and root)\n"
        "  --version       print the version\n"
        "  --help          print this\n";

static int option_number(const char *name, const char *value, uint32_t max, uint32_t *ret) {
        uint64_t number;

        if (base_parse_u64(value, 0, max, &number) < 0) {
                fprintf(stderr, "um-fido: --%s: not a valid number\n", name);
                return -EINVAL;
        }
        *ret = (uint32_t)number;
        return 0;
}

static int option_set(Options *options, int option) {
        uint32_t fd;

        switch (option) {
        case 'f':
                if (option_number("fd", optarg, INT_MAX, &fd) < 0)
                        return -EINVAL;
                options->fd = (int)fd;
                return 0;
        case 'p':
                options->has_peer = true;
                /* UINT32_MAX is nobody to the kernel */
                return option_number("peer-uid", optarg, UINT32_MAX - 1, &options->peer_uid);
        case 'h':
        case 'v':
                fputs(option == 'h' ? usage : "um-fido " UM_VERSION "\n", stdout);
                options->show = true;
                return 0;
        }
        return -EINVAL;
}

static int options_parse(int argc, char **argv, Options *ret) {
        static const struct option longs[] = {
                { "fd", required_argument, NULL, 'f' },
                { "peer-uid", required_argument, NULL, 'p' },
                { "help", no_argument, NULL, 'h' },
                { "version", no_argument, NULL, 'v' },
                { NULL, 0, NULL, 0 },
        };
        Options options = { .fd = -1 };
        int c;

        while ((c = getopt_long(argc, argv, "", longs, NULL)) >= 0)
                if (option_set(&options, c) < 0)
                        return -EINVAL;
        if (optind < argc) {
                fprintf(stderr, "um-fido: takes no arguments but options; see --help\n");
                return -EINVAL;
        }
        *ret = options;
        return 0;
}

static int complain(const char *what, int fault) {
        fprintf(stderr, "um-fido: %s: %s\n", what, strerror(-fault));
        return fault;
}

static int run(const Options *options) {
        BaseService service;
        int signal_fd, r;

        r = base_process_harden();
        if (r < 0)
                return complain("hardening", r);
        r = base_service_start(options->fd, getenv("LISTEN_PID"), getenv("LISTEN_FDS"),
                               options->has_peer ? &options->peer_uid : NULL, &service);
        if (r < 0)
                return complain(r == -ENOTCONN ? "neither --fd nor a socket from systemd"
                                               : "the socket it was given",
                                r);
        signal_fd = base_service_signals();
        if (signal_fd < 0)
                return complain("signals", signal_fd);
        r = token_verify_prepare();
        if (r < 0)
                return complain("libfido2", r);
        r = token_serve(&service, signal_fd);
        base_close(signal_fd);
        return r < 0 ? complain("serving", r) : 0;
}

int main(int argc, char **argv) {
        Options options;

        if (options_parse(argc, argv, &options) < 0)
                return 2;
        if (options.show)
                return 0;
        return run(&options) < 0 ? 1 : 0;
}
