/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* umd's start: options, shutting itself in, and whether systemd or a person started it.
 *
 * Under systemd the private socket comes from umd.socket and um's other services have sockets
 * of their own; by hand umd binds the socket and runs them as its children.  Exit status: 0
 * served and stopped, 1 a fault, 2 usage. */

#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <syslog.h>

#include <systemd/sd-daemon.h>

#include "base/base.h"
#include "config.h"
#include "umd/umd.h"

#define BUS_FD_NAME "bus" /* FileDescriptorName= of umd.socket */

static const char usage[] =
        "umd [OPTION...]\n"
        "User management: keeps users and groups, answers PAM, NSS and umctl.  Started by "
        "systemd,\n"
        "or by hand:\n"
        "  --state-dir DIR       the store (/var/lib/um)\n"
        "  --runtime-dir DIR     the private socket and the map (/run/um)\n"
        "  --config FILE         this configuration alone (/usr/lib/um/um.conf, /etc/um/um.conf,\n"
        "                        /etc/um/um.conf.d/*.conf)\n"
        "  --check-config        read the configuration, say what is wrong with it, and end\n"
        "  --accept-new-vault-key  the passwords' old key is lost: take um-vault's next one, and "
        "end\n"
        "  --vault PROGRAM       um-vault, by hand (" UM_LIBEXECDIR "/um-vault)\n"
        "  --quality PROGRAM     um-quality, by hand (" UM_LIBEXECDIR "/um-quality)\n"
        "  --notify PROGRAM      um-notify, by hand (" UM_LIBEXECDIR "/um-notify)\n"
        "  --fido PROGRAM        um-fido, by hand (" UM_LIBEXECDIR "/um-fido)\n"
        "  --no-helper           make no homes\n"
        "  --system-bus ADDRESS  where to own org.um1: an address, default, or none (default "
        "under\n"
        "                        systemd, none by hand)\n"
        "  --etc DIR             read passwd, group, subuid, subgid, um/banned-words and\n"
        "                        ssh/sshd_config here (/etc)\n"
        "  --sshd-pid FILE       what sshd writes when it has read that (/run/sshd.pid)\n"
        "  --boot-id ID          which boot it is (as the kernel says)\n"
        "  --debug               tell more\n"
        "  --version             print the version\n"
        "  --help                print this\n"
        "SIGHUP reads the configuration again.  umd(8) has the rest.\n";

enum {
        OPTION_STATE_DIR = 1,
        OPTION_RUNTIME_DIR,
        OPTION_CONFIG,
        OPTION_CHECK_CONFIG,
        OPTION_ACCEPT_KEY,
        OPTION_VAULT,
        OPTION_QUALITY,
        OPTION_NOTIFY,
        OPTION_FIDO,
        OPTION_NO_HELPER,
        OPTION_SYSTEM_BUS,
        OPTION_ETC,
        OPTION_SSHD_PID,
        OPTION_BOOT_ID,
        OPTION_DEBUG,
        OPTION_VERSION,
        OPTION_HELP,
};

static const struct option longs[] = {
        { "state-dir", required_argument, NULL, OPTION_STATE_DIR },
        { "runtime-dir", required_argument, NULL, OPTION_RUNTIME_DIR },
        { "config", required_argument, NULL, OPTION_CONFIG },
        { "check-config", no_argument, NULL, OPTION_CHECK_CONFIG },
        { "accept-new-vault-key", no_argument, NULL, OPTION_ACCEPT_KEY },
        { "vault", required_argument, NULL, OPTION_VAULT },
        { "quality", required_argument, NULL, OPTION_QUALITY },
        { "notify", required_argument, NULL, OPTION_NOTIFY },
        { "fido", required_argument, NULL, OPTION_FIDO },
        { "no-helper", no_argument, NULL, OPTION_NO_HELPER },
        { "system-bus", required_argument, NULL, OPTION_SYSTEM_BUS },
        { "etc", required_argument, NULL, OPTION_ETC },
        { "sshd-pid", required_argument, NULL, OPTION_SSHD_PID },
        { "boot-id", required_argument, NULL, OPTION_BOOT_ID },
        { "debug", no_argument, NULL, OPTION_DEBUG },
        { "version", no_argument, NULL, OPTION_VERSION },
        { "help", no_argument, NULL, OPTION_HELP },
        { NULL, 0, NULL, 0 },
};

/* 0 set, 1 one that only prints, -EINVAL. */
static int option_set(Options *options, int option) {
        switch (option) {
        case OPTION_STATE_DIR:
                options->state_dir = optarg;
                return 0;
        case OPTION_RUNTIME_DIR:
                options->runtime_dir = optarg;
                return 0;
        case OPTION_CONFIG:
                options->config.only = optarg;
                return 0;
        case OPTION_CHECK_CONFIG:
                options->check_config = true;
                return 0;
        case OPTION_ACCEPT_KEY:
                options->accept_key = true;
                return 0;
        case OPTION_VAULT:
                options->vault = optarg;
                return 0;
        case OPTION_QUALITY:
                options->quality = optarg;
                return 0;
        case OPTION_NOTIFY:
                options->notify = optarg;
                return 0;
        case OPTION_FIDO:
                options->fido = optarg;
                return 0;
        case OPTION_NO_HELPER:
                options->no_helper = true;
                return 0;
        case OPTION_SYSTEM_BUS:
                options->system_bus = optarg;
                return 0;
        case OPTION_ETC:
                options->etc = optarg;
                return 0;
        case OPTION_SSHD_PID:
                options->sshd_pid = optarg;
                return 0;
        case OPTION_BOOT_ID:
                options->boot_id = optarg;
                return 0;
        case OPTION_DEBUG:
                options->debug = true;
                return 0;
        case OPTION_VERSION:
                fputs("umd " UM_VERSION "\n", stdout);
                return 1;
        case OPTION_HELP:
                fputs(usage, stdout);
                return 1;
        }
        return -EINVAL;
}

static int options_parse(int argc, char **argv, Options *options) {
        int c, r = 0;

        while (r == 0 && (c = getopt_long(argc, argv, "", longs, NULL)) >= 0)
                r = option_set(options, c);
        if (r == 0 && optind < argc) {
                fprintf(stderr, "umd: takes no arguments but options; see --help\n");
                return -EINVAL;
        }
        return r;
}

/* 1 and systemd's socket, 0 where systemd passed none. */
static int socket_take(int *ret_fd) {
        char **names = NULL;
        int count = sd_listen_fds_with_names(true, &names), r = count;

        if (count == 1)
                r = strcmp(names[0], BUS_FD_NAME) == 0 &&
                                    sd_is_socket_unix(SD_LISTEN_FDS_START, SOCK_STREAM, 1, NULL,
                                                      0) > 0
                            ? 1
                            : -EINVAL;
        else if (count > 1)
                r = -E2BIG;
        for (char **name = names; name && *name; name++)
                free(*name);
        free(names);
        if (r > 0)
                *ret_fd = SD_LISTEN_FDS_START;
        return r;
}

/* For signalfd(2), in every thread to come. */
static int signals_block(void) {
        sigset_t set;

        sigemptyset(&set);
        sigaddset(&set, SIGTERM);
        sigaddset(&set, SIGINT);
        sigaddset(&set, SIGHUP);
        if (signal(SIGPIPE, SIG_IGN) == SIG_ERR)
                return -errno;
        return sigprocmask(SIG_BLOCK, &set, NULL) < 0 ? -errno : 0;
}

/* What a reload asks first, and an admin before a restart. */
static int config_check(const Options *options) {
        ConfigError error;
        Config config;
        int r = config_load(&options->config, &config, &error);

        if (r < 0)
                fprintf(stderr, "umd: %s\n", error.text);
        return r;
}

static int run(Options *options) {
        Log log;
        int r;

        log_init(&log, options->debug);
        r = base_process_harden();
        if (r >= 0)
                r = signals_block();
        if (r < 0) {
                log_write(&log, &(LogRecord){ .priority = LOG_ERR, .fault = r }, "hardening");
                return r;
        }
        if (options->accept_key)
                return vault_key_accept(options->state_dir, &log);
        r = socket_take(&options->bus_fd);
        if (r < 0) {
                log_write(&log, &(LogRecord){ .priority = LOG_ERR, .fault = r },
                          "systemd must pass one listening socket named " BUS_FD_NAME);
                return r;
        }
        if (!options->system_bus)
                options->system_bus = r > 0 ? "default" : "none";
        return manager_run(options, &log);
}

int main(int argc, char **argv) {
        Options options = {
                .state_dir = "/var/lib/um",
                .runtime_dir = "/run/um",
                .vault = UM_LIBEXECDIR "/um-vault",
                .quality = UM_LIBEXECDIR "/um-quality",
                .notify = UM_LIBEXECDIR "/um-notify",
                .fido = UM_LIBEXECDIR "/um-fido",
                .etc = "/etc",
                .sshd_pid = "/run/sshd.pid",
                .bus_fd = -1,
                .config = { .vendor = UM_PREFIX "/lib/um/um.conf",
                            .local = UM_SYSCONFDIR "/um/um.conf",
                            .drop_ins = UM_SYSCONFDIR "/um/um.conf.d" },
        };
        int r = options_parse(argc, argv, &options);

        if (r < 0)
                return 2;
        if (r > 0)
                return 0;
        r = options.check_config ? config_check(&options) : run(&options);
        return r < 0 ? 1 : 0;
}
