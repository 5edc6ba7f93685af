/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* um-notify's start: options, shutting itself in as far as a sendmail program can bear it, then
 * serving.
 *
 * Everything that can be refused is refused here, with a text that names it, before a socket is
 * read.  Exit status: 0 served and stopped, 1 a fault, 2 usage. */

#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <malloc.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/base.h"
#include "config.h"
#include "um_notify/notify.h"

typedef struct Options {
        NotifyPaths paths;
        int fd; /* -1: socket activation */
        bool has_peer;
        uint32_t peer_uid;
        bool show; /* --help or --version: done */
} Options;

static const char usage[] =
        "um-notify [--fd N] [--sendmail PROGRAM] [--peer-uid UID]\n"
        "Hands mail to the host's mail system, for umd.  Started by systemd with its socket, or by "
        "hand:\n"
        "  --fd N              serve the SOCK_SEQPACKET socket pair end N, until it is closed\n"
        "  --sendmail PROGRAM  what takes the mail (as um.conf says, else " NOTIFY_SENDMAIL ")\n"
        "  --peer-uid UID      serve this uid only (the user " BASE_SERVICE_USER " and root)\n"
        "  --version           print the version\n"
        "  --help              print this\n";

static int option_number(const char *name, const char *value, uint32_t max, uint32_t *ret) {
        uint64_t number;

        if (base_parse_u64(value, 0, max, &number) < 0) {
                fprintf(stderr, "um-notify: --%s: not a valid number\n", name);
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
        case 's':
                options->paths.sendmail = optarg;
                return 0;
        case 'p':
                options->has_peer = true;
                /* UINT32_MAX is nobody to the kernel */
                return option_number("peer-uid", optarg, UINT32_MAX - 1, &options->peer_uid);
        case 'h':
        case 'v':
                fputs(option == 'h' ? usage : "um-notify " UM_VERSION "\n", stdout);
                options->show = true;
                return 0;
        }
        return -EINVAL;
}

static int options_parse(int argc, char **argv, Options *ret) {
        static const struct option longs[] = {
                { "fd", required_argument, NULL, 'f' },
                { "sendmail", required_argument, NULL, 's' },
                { "peer-uid", required_argument, NULL, 'p' },
                { "help", no_argument, NULL, 'h' },
                { "version", no_argument, NULL, 'v' },
                { NULL, 0, NULL, 0 },
        };
        Options options = { .paths = { .vendor = UM_PREFIX "/lib/um/um.conf",
                                       .local = UM_SYSCONFDIR "/um/um.conf",
                                       .drop_ins = UM_SYSCONFDIR "/um/um.conf.d" },
                            .fd = -1 };
        int c;

        while ((c = getopt_long(argc, argv, "", longs, NULL)) >= 0)
                if (option_set(&options, c) < 0)
                        return -EINVAL;
        if (optind < argc) {
                fprintf(stderr, "um-notify: takes no arguments but options; see --help\n");
                return -EINVAL;
        }
        *ret = options;
        return 0;
}

static int complain(const char *what, int fault) {
        fprintf(stderr, "um-notify: %s: %s\n", what, strerror(-fault));
        return fault;
}

static int run(const Options *options) {
        BaseService service;
        int signal_fd, r;

        r = base_process_harden_but_exec();
        if (r < 0)
                return complain("hardening", r);
        umask(0022); /* the program's: um-notify itself makes no file */
        r = base_service_start(options->fd, getenv("LISTEN_PID"), getenv("LISTEN_FDS"),
                               options->has_peer ? &options->peer_uid : NULL, &service);
        if (r < 0)
                return complain(r == -ENOTCONN ? "neither --fd nor a socket from systemd"
                                               : "the socket it was given",
                                r);
        (void)mallopt(M_PERTURB, 1);
        signal_fd = base_service_signals();
        if (signal_fd < 0)
                return complain("signals", signal_fd);
        r = notify_serve(&options->paths, &service, signal_fd);
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
