/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The options that um's small services have in common. */

#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <stdio.h>

#include "base/base.h"

enum { OPTION_FD = 1, OPTION_PEER, OPTION_HELP, OPTION_VERSION, OPTION_OWN };

static int number_read(const char *program, const char *name, uint32_t max, uint32_t *ret) {
        uint64_t number;

        if (base_parse_u64(optarg, 0, max, &number) < 0) {
                fprintf(stderr, "%s: --%s: not a valid number\n", program, name);
                return -EINVAL;
        }
        *ret = (uint32_t)number;
        return 0;
}

/* One that all have; -EINVAL also for one that nobody has, which getopt_long() has told. */
static int shared_set(const char *program, int option, BaseServiceOptions *options) {
        uint32_t number = 0;
        int r;

        switch (option) {
        case OPTION_FD:
                r = number_read(program, "fd", INT_MAX, &number);
                options->fd = (int)number;
                return r;
        case OPTION_PEER:
                options->has_peer = true;
                /* UINT32_MAX is nobody to the kernel */
                return number_read(program, "peer-uid", UINT32_MAX - 1, &options->peer_uid);
        }
        return -EINVAL;
}

static void own_set(const BaseOption *own) {
        if (own->value)
                *own->value = optarg;
        else
                *own->flag = true;
}

int base_service_options(int argc, char **argv, const char *program, const char *version,
                         const char *usage, const BaseOption *own, size_t own_count,
                         BaseServiceOptions *ret) {
        struct option longs[BASE_OPTIONS_MAX + 5] = {
                { "fd", required_argument, NULL, OPTION_FD },
                { "peer-uid", required_argument, NULL, OPTION_PEER },
                { "help", no_argument, NULL, OPTION_HELP },
                { "version", no_argument, NULL, OPTION_VERSION },
        };
        BaseServiceOptions options = { .fd = -1 };
        int c, shown = 0;

        for (size_t i = 0; i < own_count && i < BASE_OPTIONS_MAX; i++)
                longs[4 + i] = (struct option){ own[i].name,
                                                own[i].value ? required_argument : no_argument,
                                                NULL, OPTION_OWN + (int)i };
        while ((c = getopt_long(argc, argv, "", longs, NULL)) >= 0) {
                if (c == OPTION_HELP)
                        fputs(usage, stdout);
                else if (c == OPTION_VERSION)
                        printf("%s %s\n", program, version);
                else if (c >= OPTION_OWN && c < OPTION_OWN + (int)own_count)
                        own_set(&own[c - OPTION_OWN]);
                else if (shared_set(program, c, &options) < 0)
                        return -EINVAL;
                shown |= c == OPTION_HELP || c == OPTION_VERSION;
        }
        if (optind < argc) {
                fprintf(stderr, "%s: takes no arguments but options; see --help\n", program);
                return -EINVAL;
        }
        *ret = options;
        return shown;
}
