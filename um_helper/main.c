/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* um-helper's start: options, shutting itself in, its socket, then serving.
 * Exit status: 0 served and stopped, 1 a fault, 2 usage. */

#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "base/base.h"
#include "config.h"
#include "map/map.h"
#include "um_helper/helper.h"

#define SKELETON_DIR   "/etc/skel"
#define CGROUP_ROOT    "/sys/fs/cgroup"
#define HOME_ROOT      "/home"
#define SUDOERS_DIR    "/etc/sudoers.d"
#define VISUDO         "/usr/sbin/visudo"
#define SUDOERS_SOURCE MAP_DIR "/" HELPER_SUDOERS_FILE

typedef struct Options {
        Helper helper;
        int fd;    /* -1: socket activation */
        bool show; /* --help or --version: done */
} Options;

static const char usage[] =
        "um-helper [--fd N] [--map FILE] [--home-root DIR]... [--skeleton DIR] [--cgroup-root "
        "DIR]\n"
        "          [--sudoers FILE] [--sudoers-dir DIR] [--visudo PROGRAM]\n"
        "Does for umd what needs root.  Started by systemd with its socket, or by hand:\n"
        "  --fd N             serve the SOCK_SEQPACKET socket pair end N, until it is closed\n"
        "  --map FILE         the published map (" MAP_PATH ")\n"
        "  --home-root DIR    make homes below DIR only (" HOME_ROOT "); may be repeated\n"
        "  --skeleton DIR     what new homes are copies of (" SKELETON_DIR ")\n"
        "  --cgroup-root DIR  the cgroup hierarchy (" CGROUP_ROOT ")\n"
        "  --sudoers FILE     the lines of sudoers that umd wrote (" SUDOERS_SOURCE ")\n"
        "  --sudoers-dir DIR  where they are installed (" SUDOERS_DIR ")\n"
        "  --visudo PROGRAM   what checks them (" VISUDO ")\n"
        "  --version          print the version\n"
        "  --help             print this\n";

static int home_root_add(Helper *helper, const char *dir) {
        if (base_field_check(FIELD_HOME, dir, strlen(dir)) != FIELD_OK ||
            helper->home_root_count == HELPER_ROOTS_MAX) {
                fprintf(stderr, "um-helper: --home-root: not an absolute path, or one too many\n");
                return -EINVAL;
        }
        helper->home_roots[helper->home_root_count++] = dir;
        return 0;
}

static int fd_parse(const char *value, int *ret) {
        uint64_t number;

        if (base_parse_u64(value, 0, INT_MAX, &number) < 0) {
                fprintf(stderr, "um-helper: --fd: not a valid number\n");
                return -EINVAL;
        }
        *ret = (int)number;
        return 0;
}

static int option_take(Options *options, int c, const char *value) {
        if (c == 'f')
                return fd_parse(value, &options->fd);
        if (c == 'r')
                return home_root_add(&options->helper, value);
        if (c == 'm')
                options->helper.map_path = value;
        else if (c == 's')
                options->helper.skeleton = value;
        else if (c == 'c')
                options->helper.cgroup_root = value;
        else if (c == 'l')
                options->helper.sudoers_source = value;
        else if (c == 'd')
                options->helper.sudoers_dir = value;
        else if (c == 'p')
                options->helper.visudo = value;
        else if (c == 'h' || c == 'v') {
                fputs(c == 'h' ? usage : "um-helper " UM_VERSION "\n", stdout);
                options->show = true;
        } else
                return -EINVAL;
        return 0;
}

static int options_parse(int argc, char **argv, Options *ret) {
        static const struct option longs[] = {
                { "fd", required_argument, NULL, 'f' },
                { "map", required_argument, NULL, 'm' },
                { "home-root", required_argument, NULL, 'r' },
                { "skeleton", required_argument, NULL, 's' },
                { "cgroup-root", required_argument, NULL, 'c' },
                { "sudoers", required_argument, NULL, 'l' },
                { "sudoers-dir", required_argument, NULL, 'd' },
                { "visudo", required_argument, NULL, 'p' },
                { "help", no_argument, NULL, 'h' },
                { "version", no_argument, NULL, 'v' },
                { NULL, 0, NULL, 0 },
        };
        Options options = {
                .helper = { .map_path = MAP_PATH,
                            .skeleton = SKELETON_DIR,
                            .cgroup_root = CGROUP_ROOT,
                            .sudoers_source = SUDOERS_SOURCE,
                            .sudoers_dir = SUDOERS_DIR,
                            .visudo = VISUDO,
                            .passwd_path = BASE_PASSWD_PATH,
                            .terminals = "/dev/pts" },
                .fd = -1,
        };
        int c;

        while ((c = getopt_long(argc, argv, "", longs, NULL)) >= 0)
                if (option_take(&options, c, optarg) < 0)
                        return -EINVAL;
        if (optind < argc) {
                fprintf(stderr, "um-helper: takes no arguments but options; see --help\n");
                return -EINVAL;
        }
        if (options.helper.home_root_count == 0 && home_root_add(&options.helper, HOME_ROOT) < 0)
                return -EINVAL;
        *ret = options;
        return 0;
}

static int complain(const char *what, int fault) {
        fprintf(stderr, "um-helper: %s: %s\n", what, strerror(-fault));
        return fault;
}

static int run(const Options *options) {
        BaseService service;
        int signal_fd, r;

        r = base_process_harden();
        if (r < 0)
                return complain("hardening", r);
        r = base_service_start(options->fd, getenv("LISTEN_PID"), getenv("LISTEN_FDS"), NULL,
                               &service);
        if (r < 0)
                return complain(r == -ENOTCONN ? "neither --fd nor a socket from systemd"
                                               : "the socket it was given",
                                r);
        signal_fd = base_service_signals();
        if (signal_fd < 0)
                return complain("signals", signal_fd);
        r = helper_serve(&options->helper, &service, signal_fd);
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
