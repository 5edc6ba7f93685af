/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* um-fido's start: options, shutting itself in, then serving.
 *
 * Everything that can be refused is refused here, with a text that names it, before a socket is
 * read.  Exit status: 0 served and stopped, 1 a fault, 2 usage. */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/base.h"
#include "config.h"
#include "um_fido/token.h"

static const char usage[] =
        "um-fido [--fd N] [--peer-uid UID]\n"
        "Speaks to the FIDO2 security keys that are plugged in, for umd.  Started by systemd with "
        "its\n"
        "socket, or by hand:\n"
        "  --fd N          serve the SOCK_SEQPACKET socket pair end N, until it is closed\n"
        "  --peer-uid UID  serve this uid only (the user " BASE_SERVICE_USER " and root)\n"
        "  --version       print the version\n"
        "  --help          print this\n";

static int complain(const char *what, int fault) {
        fprintf(stderr, "um-fido: %s: %s\n", what, strerror(-fault));
        return fault;
}

static int run(const BaseServiceOptions *options) {
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
        BaseServiceOptions options;
        int r = base_service_options(argc, argv, "um-fido", UM_VERSION, usage, NULL, 0, &options);

        if (r != 0)
                return r < 0 ? 2 : 0;
        return run(&options) < 0 ? 1 : 0;
}
