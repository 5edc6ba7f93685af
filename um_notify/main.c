/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* um-notify's start: options, shutting itself in as far as a sendmail program can bear it, then
 * serving.
 *
 * Everything that can be refused is refused here, with a text that names it, before a socket is
 * read.  Exit status: 0 served and stopped, 1 a fault, 2 usage. */

#include <errno.h>
#include <malloc.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/base.h"
#include "config.h"
#include "um_notify/notify.h"

typedef struct Options {
        NotifyPaths paths;
        BaseServiceOptions service;
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
        r = base_service_start(options->service.fd, getenv("LISTEN_PID"), getenv("LISTEN_FDS"),
                               options->service.has_peer ? &options->service.peer_uid : NULL,
                               &service);
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
        Options options = { .paths = { .vendor = UM_PREFIX "/lib/um/um.conf",
                                       .local = UM_SYSCONFDIR "/um/um.conf",
                                       .drop_ins = UM_SYSCONFDIR "/um/um.conf.d" } };
        const BaseOption own[] = {
                { "sendmail", &options.paths.sendmail },
        };
        int r = base_service_options(argc, argv, "um-notify", UM_VERSION, usage, own,
                                     ARRAY_LENGTH(own), &options.service);

        if (r != 0)
                return r < 0 ? 2 : 0;
        return run(&options) < 0 ? 1 : 0;
}
