/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* um-quality's start: options, shutting itself in, then serving.
 *
 * Everything that can be refused is refused here, with a text that names it, before a socket is
 * read.  Exit status: 0 served and stopped, 1 a fault, 2 usage. */

#include <errno.h>
#include <malloc.h>
#include <stdio.h>
#include <string.h>

#include "base/base.h"
#include "config.h"
#include "um_quality/quality.h"

typedef struct Options {
        const char *banned, *dictionary;
        BaseServiceOptions service;
} Options;

static const char usage[] =
        "um-quality [--fd N] [--banned-words FILE] [--dictionary PATH] [--peer-uid UID]\n"
        "Says what is wrong with new passwords, for umd.  Started by systemd with its socket, or "
        "by "
        "hand:\n"
        "  --fd N               serve the SOCK_SEQPACKET socket pair end N, until it is closed\n"
        "  --banned-words FILE  words that no password may have (" QUALITY_BANNED ")\n"
        "  --dictionary PATH    cracklib's, without .pwd (where cracklib has it)\n"
        "  --peer-uid UID       serve this uid only (the user " BASE_SERVICE_USER " and root)\n"
        "  --version            print the version\n"
        "  --help               print this\n";

static int complain(const char *what, int fault) {
        fprintf(stderr, "um-quality: %s: %s\n", what, strerror(-fault));
        return fault;
}

static int run(const Options *options) {
        QualityContext context;
        BaseService service;
        int signal_fd, r;

        r = base_process_harden();
        if (r < 0)
                return complain("hardening", r);
        r = base_service_start(options->service.fd, getenv("LISTEN_PID"), getenv("LISTEN_FDS"),
                               options->service.has_peer ? &options->service.peer_uid : NULL,
                               &service);
        if (r < 0)
                return complain(r == -ENOTCONN ? "neither --fd nor a socket from systemd"
                                               : "the socket it was given",
                                r);
        /* the libraries copy passwords and do not wipe all of them: whatever is freed is */
        (void)mallopt(M_PERTURB, 1);
        signal_fd = base_service_signals();
        if (signal_fd < 0)
                return complain("signals", signal_fd);
        r = quality_context_init(&context, options->banned, options->dictionary);
        if (r < 0)
                return complain("the locale C.UTF-8", r);
        r = quality_serve(&context, &service, signal_fd);
        quality_context_done(&context);
        base_close(signal_fd);
        return r < 0 ? complain("serving", r) : 0;
}

int main(int argc, char **argv) {
        Options options = { .banned = QUALITY_BANNED };
        const BaseOption own[] = {
                { "banned-words", &options.banned },
                { "dictionary", &options.dictionary },
        };
        int r = base_service_options(argc, argv, "um-quality", UM_VERSION, usage, own,
                                     ARRAY_LENGTH(own), &options.service);

        if (r != 0)
                return r < 0 ? 2 : 0;
        return run(&options) < 0 ? 1 : 0;
}
