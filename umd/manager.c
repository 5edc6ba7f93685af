/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* umd's one loop, and the wiring of its parts: host, vault and helper to core, core to the map and
 * the faces.
 *
 * The order that everything rests on: verbs run, then one core_flush() makes all of them durable,
 * then the map is published, then replies go out.  A store that cannot be served leaves umd up to
 * say so: no map, no answers but why. */

#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <syslog.h>
#include <unistd.h>

#include <systemd/sd-daemon.h>

#include "base/base.h"
#include "config.h"
#include "map/map.h"
#include "um_helper/um_helper.h"
#include "um_notify/um_notify.h"
#include "um_quality/um_quality.h"
#include "um_vault/um_vault.h"
#include "umd/bus/bus.h"
#include "umd/umd.h"

#define TICK_USEC (5 * USEC_PER_SEC)
#define KEYS_USER "um-keys" /* as whom sshd asks for keys */

typedef struct Manager {
        const Options *options;
        const Log *log;
        sd_event *event;
        Config config;
        uint64_t started_usec;
        int state_fd, map_fd;
        Paths paths;
        char name[HOST_NAME_MAX + 1];
        Host *host;
        VaultClient *vault;
        bool vault_key_wrong;
        QualityClient *quality;
        NotifyClient *notify;
        TokenClient *tokens; /* to um-fido */
        HelperClient *helper;
        Core *core; /* NULL: degraded */
        Publish *publish;
        Sudoers *sudoers;
        Bus *bus;
        FlushTimer flush;
        WakeTimer wake;
        sd_event_source *tick;
        BootClock clock;
        ClockWatch clock_watch;
        uint64_t flush_told_usec; /* boottime: when a flush that failed was last told of */
        bool disk_full;           /* told */
        char why[1024];           /* degraded: what is wrong and what to do */
} Manager;

static int complain(const Manager *manager, const char *what, int fault) {
        log_write(manager->log, &(LogRecord){ .priority = LOG_ERR, .fault = fault }, "%s", what);
        return fault;
}

/* ---- flushing -------------------------------------------------------------------------------- */

static void disk_tell(Manager *manager) {
        bool full = core_disk_is_full(manager->core);

        if (full != manager->disk_full)
                log_disk(manager->log, full);
        manager->disk_full = full;
}

static void manager_flush(void *userdata) {
        Manager *manager = userdata;
        int r;

        flush_timer_clear(&manager->flush);
        if (!manager->core)
                return;
        r = core_flush(manager->core);
        if (r < 0)
                log_flush_fault(manager->log, r, &manager->flush_told_usec);
        disk_tell(manager);
        if (manager->publish)
                (void)publish_run(manager->publish,
                                  base_realtime_usec()); /* logs; lookups ask us */
        sudoers_run(manager->sudoers, base_realtime_usec());
        if (manager->bus)
                bus_flushed(manager->bus, r);
        core_wake(manager->core, base_realtime_usec());
}

static void flush_wanted(void *userdata) {
        flush_timer_wanted(&((Manager *)userdata)->flush);
}

static void flush_wanted_later(void *userdata) {
        Manager *manager = userdata;

        flush_timer_later(&manager->flush);
}

/* ---- waking core ----------------------------------------------------------------------------- */

static void wake_at(void *userdata, uint64_t boottime_usec) {
        Manager *manager = userdata;

        wake_timer_wanted(&manager->wake, boottime_usec);
}

static void wake(void *userdata) {
        Manager *manager = userdata;

        core_wake(manager->core, base_realtime_usec());
}

static void clock_was_set(void *userdata) {
        Manager *manager = userdata;

        if (manager->core)
                core_tick(manager->core, base_realtime_usec());
}

/* ---- what core asks of the host -------------------------------------------------------------- */

static const char *name_held(void *userdata, const char *name, bool group) {
        const Manager *manager = userdata;

        return host_name_held(manager->host, name, group);
}

static bool id_held(void *userdata, uint32_t id, char *ret_holder, size_t size) {
        const Manager *manager = userdata;

        return host_id_held(manager->host, id, ret_holder, size);
}

static bool home_held(void *userdata, const char *home, char *ret_holder, size_t size) {
        const Manager *manager = userdata;

        return host_home_held(manager->host, home, ret_holder, size);
}

static bool time_zone_known(void *userdata, const char *zone) {
        const Manager *manager = userdata;

        return host_time_zone_known(manager->host, zone);
}

static bool group_gid(void *userdata, const char *name, gid_t *ret) {
        const Manager *manager = userdata;

        return host_group_gid(manager->host, name, ret);
}

static const char *group_at(void *userdata, size_t at) {
        const Manager *manager = userdata;

        return host_group_at(manager->host, at);
}

static void clock_read(void *userdata, CoreClock *ret) {
        const Manager *manager = userdata;

        boot_clock_read(&manager->clock, ret);
}

static void lockout_told(void *userdata, const CoreLockout *lockout) {
        const Manager *manager = userdata;

        log_lockout(manager->log, lockout);
}

static void notice_told(void *userdata, const char *name, const char *text) {
        const Manager *manager = userdata;

        log_notice(manager->log, name, text);
}

static bool sshd_asked(void *userdata, char *ret_why) {
        const Manager *manager = userdata;

        return sshd_verifies(manager->paths.sshd_config, manager->options->sshd_pid, ret_why);
}

static void local_refresh(void *userdata) {
        Manager *manager = userdata;

        host_tick(manager->host);
}

static void local_changed(void *userdata, const HostDiff *diff) {
        Manager *manager = userdata;

        if (!manager->publish)
                return;
        publish_host_changed(manager->publish, diff);
        core_host_changed(manager->core);
        sudoers_host_changed(manager->sudoers);
        flush_wanted(manager);
}

/* ---- what the vault's client asks ------------------------------------------------------------ */

static bool vault_key_told(void *userdata, const uint8_t *id) {
        Manager *manager = userdata;
        bool by_hand = manager->options->bus_fd < 0;

        if (!manager->core)
                return true; /* nothing is served, nothing is made */
        return vault_key_is_right(manager->log, manager->core,
                                  by_hand ? manager->paths.key_dir : VAULT_KEY_DIR, id,
                                  &manager->vault_key_wrong);
}

/* ---- what the faces ask ---------------------------------------------------------------------- */

static void status_fill(void *userdata, BusStatus *ret) {
        const Manager *manager = userdata;
        PublishStatus map = { 0 };

        if (manager->publish)
                publish_status(manager->publish, &map);
        *ret = (BusStatus){
                .version = UM_VERSION,
                .map_users = map.users,
                .map_groups = map.groups,
                .map_bytes = map.bytes,
                .map_published_usec = map.published_usec,
                .started_usec = manager->started_usec,
                .map_ok = map.ok,
                .recovery_key = vault_client_recovery(manager->vault),
        };
        quality_client_problem(manager->quality, ret->quality, sizeof(ret->quality));
        notify_client_problem(manager->notify, ret->mail, sizeof(ret->mail));
        token_client_problem(manager->tokens, ret->fido, sizeof(ret->fido));
        sudoers_problem(manager->sudoers, ret->sudo, sizeof(ret->sudo));
}

static bool bus_hides(void *userdata, const char *name, uint32_t id) {
        const Manager *manager = userdata;

        return (name && host_holds_name(manager->host, name)) ||
               (id != UINT32_MAX && host_holds_id(manager->host, id));
}

static bool bus_asks_keys(void *userdata, uid_t uid) {
        const Manager *manager = userdata;

        return host_is_user(manager->host, KEYS_USER, uid);
}

static void bus_fault(void *userdata, int fault, const char *text) {
        const Manager *manager = userdata;

        log_write(manager->log, &(LogRecord){ .priority = LOG_ERR, .fault = fault }, "%s", text);
}

/* ---- the parts ------------------------------------------------------------------------------- */

static int places_open(Manager *manager) {
        const Options *options = manager->options;
        PlaceError error;
        int r;

        r = place_state(options->state_dir, &manager->state_fd, &error);
        if (r >= 0 && options->bus_fd < 0)
                r = place_key(manager->state_fd, &error);
        if (r >= 0)
                r = place_map(options->runtime_dir, &manager->map_fd, &error);
        if (r < 0) {
                log_write(manager->log, &(LogRecord){ .priority = LOG_ERR }, "%s", error.text);
                return r;
        }
        r = place_paths(options->state_dir, options->runtime_dir, options->etc, &manager->paths);
        return r < 0 ? complain(manager, "the paths given", r) : 0;
}

static int helpers_new(Manager *manager) {
        const Options *options = manager->options;
        bool by_hand = options->bus_fd < 0;
        VaultClientSpec vault = {
                .log = manager->log,
                .event = manager->event,
                .socket = by_hand ? NULL : VAULT_SOCKET,
                .binary = options->vault,
                .key_dir = manager->paths.key_dir,
                .passwd = manager->paths.passwd,
                .userdata = manager,
                .key_is_right = vault_key_told,
        };
        QualityClientSpec quality = {
                .log = manager->log,
                .event = manager->event,
                .socket = by_hand ? NULL : QUALITY_SOCKET,
                .binary = options->quality,
                .banned = manager->paths.banned,
                .passwd = manager->paths.passwd,
        };
        NotifyClientSpec notify = {
                manager->log,    manager->event,           by_hand ? NULL : NOTIFY_SOCKET,
                options->notify, manager->config.sendmail, manager->paths.passwd
        };
        HostSpec host = {
                .log = manager->log,
                .event = manager->event,
                .etc = options->etc,
                .userdata = manager,
                .changed = local_changed,
        };
        int r;

        r = host_new(&host, &manager->host);
        if (r < 0)
                return complain(manager, "the local passwd and group cannot be read", r);
        r = vault_client_new(&vault, &manager->vault);
        if (r >= 0)
                r = quality_client_new(&quality, &manager->quality);
        if (r >= 0)
                quality_client_set_breach_file(manager->quality, manager->config.breach_file);
        if (r >= 0)
                r = notify_client_new(&notify, &manager->notify);
        if (r >= 0)
                r = token_client_new(manager->log, manager->event, by_hand ? options->fido : NULL,
                                     manager->paths.passwd, &manager->tokens);
        if (r >= 0)
                r = helper_client_new(manager->log, manager->event,
                                      options->no_helper ? NULL : HELPER_SOCKET, &manager->helper);
        return r < 0 ? complain(manager, "the clients of um's other services", r) : 0;
}

/* Nothing is served rather than something wrong: an old map would go on answering, too. */
static void degrade(Manager *manager, const char *reason) {
        int r;

        snprintf(manager->why, sizeof(manager->why),
                 "%s; put it right or restore a backup, then restart umd", reason);
        log_write(manager->log, &(LogRecord){ .priority = LOG_CRIT, .message = MESSAGE_DEGRADED },
                  "%s; until then um's users cannot log in", manager->why);
        r = map_withdraw(manager->map_fd, NULL);
        if (r < 0 && r != -ENOENT)
                (void)complain(manager, "the old map cannot be withdrawn", r);
}

static void settings_read(Manager *manager, CoreSettings *ret) {
        config_settings(&manager->config, ret);
        if (gethostname(manager->name, sizeof(manager->name)) < 0)
                manager->name[0] = '\0';
        ret->host = manager->name;
        notify_client_set_host(manager->notify, manager->name);
}

static void core_start(Manager *manager) {
        CoreHost host = {
                .userdata = manager,
                .name_held = name_held,
                .id_held = id_held,
                .time_zone_known = time_zone_known,
                .home_held = home_held,
                .group_gid = group_gid,
                .group_at = group_at,
                .refresh = local_refresh,
                .flush_wanted = flush_wanted,
                .flush_wanted_later = flush_wanted_later,
                .clock = clock_read,
                .wake_at = wake_at,
                .lockout = lockout_told,
                .sshd_verifies = sshd_asked,
                .program_safe = program_is_safe,
                .notice = notice_told,
        };
        CoreError error = { 0 };
        CoreSettings settings;
        CoreQuality quality;
        CoreHelper helper;
        CoreVault vault;
        int r;

        if (place_store_lost(manager->state_fd, manager->options->state_dir, error.text,
                             sizeof(error.text))) {
                degrade(manager, error.text);
                return;
        }
        settings_read(manager, &settings);
        vault_client_operations(manager->vault, &vault);
        quality_client_operations(manager->quality, &quality);
        notify_client_operations(manager->notify, &host.mail);
        helper_client_operations(manager->helper, &helper);
        r = core_new(manager->options->state_dir, &settings, &host, &vault, &quality, &helper,
                     &manager->core, &error);
        if (r == 0)
                r = place_store_made(manager->state_fd);
        if (r == 0) {
                token_client_attach(manager->tokens, manager->core);
                vault_client_bind(manager->vault, core_store_id(manager->core));
                core_tick(manager->core, base_realtime_usec()); /* before the map is made */
                return;
        }
        manager->core = core_free(manager->core);
        degrade(manager, error.text[0] != '\0' ? error.text : strerrordesc_np(-r));
}

static int publish_start(Manager *manager) {
        PublishSpec spec = {
                .log = manager->log,
                .core = manager->core,
                .host = manager->host,
                .dir_fd = manager->map_fd,
                .path = manager->paths.map,
                .enumerate = manager->config.enumerate,
        };
        SudoersSpec sudoers = { manager->log,  manager->event,  manager->core,
                                manager->host, manager->helper, manager->map_fd };
        CoreListener listener;
        int r;

        if (!manager->core)
                return 0;
        r = publish_new(&spec, &manager->publish);
        if (r < 0)
                return complain(manager, "the map", r);
        publish_listener(manager->publish, &listener);
        core_add_listener(manager->core, &listener);
        r = sudoers_new(&sudoers, &manager->sudoers);
        if (r < 0)
                return complain(manager, "the lines of sudoers", r);
        manager_flush(manager); /* what core_new() wrote, the first map, the lines of sudoers */
        return 0;
}

static int bus_start(Manager *manager) {
        const Options *options = manager->options;
        BusHost host = {
                .userdata = manager,
                .status = status_fill,
                .hides = bus_hides,
                .asks_keys = bus_asks_keys,
                .log = bus_fault,
        };
        const char *address = options->system_bus;
        int fd = options->bus_fd, r = 0;
        PlaceError error;

        if (fd < 0)
                r = place_bus(options->runtime_dir, &fd, &error);
        if (r < 0) {
                log_write(manager->log, &(LogRecord){ .priority = LOG_ERR }, "%s", error.text);
                return r;
        }
        r = bus_new(manager->event, manager->core, manager->core ? NULL : manager->why, &host,
                    &manager->bus);
        if (r < 0) {
                base_close(fd);
                return complain(manager, "the faces", r);
        }
        r = bus_listen(manager->bus, fd);
        if (r < 0)
                return complain(manager, "the private socket", r);
        if (strcmp(address, "none") == 0)
                return 0;
        r = bus_attach_system(manager->bus, strcmp(address, "default") == 0 ? NULL : address);
        return r < 0 ? complain(manager, "the system bus", r) : 0;
}

/* ---- signals and time ------------------------------------------------------------------------ */

static void status_notify(const Manager *manager) {
        PublishStatus map = { 0 };

        if (manager->core)
                publish_status(manager->publish, &map);
        if (!manager->core)
                (void)sd_notifyf(false, "STATUS=Not serving: %s", manager->why);
        else
                (void)sd_notifyf(false, "STATUS=%llu users, %llu groups%s",
                                 (unsigned long long)map.users, (unsigned long long)map.groups,
                                 map.ok ? "" : "; the map is withdrawn");
}

static int tick_fired(sd_event_source *source, uint64_t usec, void *userdata) {
        Manager *manager = userdata;

        (void)sd_event_source_set_time(source, base_boottime_usec() + TICK_USEC);
        (void)sd_event_source_set_enabled(source, SD_EVENT_ONESHOT);
        if (!manager->core)
                return 0;
        core_tick(manager->core, base_realtime_usec());
        host_tick(manager->host);
        quality_client_tick(manager->quality);
        notify_client_tick(manager->notify);
        token_client_tick(manager->tokens);
        sudoers_tick(manager->sudoers, base_realtime_usec());
        if (publish_is_due(manager->publish) || core_has_unflushed(manager->core))
                manager_flush(manager);
        status_notify(manager);
        return 0;
}

static int stop_signalled(sd_event_source *source, const struct signalfd_siginfo *info,
                          void *userdata) {
        return sd_event_exit(sd_event_source_get_event(source), 0);
}

static int reload_signalled(sd_event_source *source, const struct signalfd_siginfo *info,
                            void *userdata) {
        Manager *manager = userdata;
        CoreSettings settings;
        ConfigError error;
        Config config;

        if (config_load(&manager->options->config, &config, &error) < 0) {
                log_write(manager->log,
                          &(LogRecord){ .priority = LOG_ERR, .message = MESSAGE_CONFIG_REFUSED },
                          "%s; the configuration stays as it was", error.text);
                return 0;
        }
        (void)sd_notifyf(false, "RELOADING=1\nMONOTONIC_USEC=%llu",
                         (unsigned long long)base_boottime_usec());
        manager->config = config;
        quality_client_set_breach_file(manager->quality, manager->config.breach_file);
        if (manager->core) {
                settings_read(manager, &settings);
                core_set_settings(manager->core, &settings);
                publish_set_enumerate(manager->publish, config.enumerate);
                manager_flush(manager);
        }
        log_write(manager->log,
                  &(LogRecord){ .priority = LOG_INFO, .message = MESSAGE_CONFIG_LOADED },
                  "configuration read again");
        (void)sd_notify(false, "READY=1");
        return 0;
}

static int loop_prepare(Manager *manager) {
        int r = sd_event_new(&manager->event);

        if (r >= 0)
                r = sd_event_add_signal(manager->event, NULL, SIGTERM, stop_signalled, manager);
        if (r >= 0)
                r = sd_event_add_signal(manager->event, NULL, SIGINT, stop_signalled, manager);
        if (r >= 0)
                r = sd_event_add_signal(manager->event, NULL, SIGHUP, reload_signalled, manager);
        if (r >= 0)
                r = sd_event_add_time(manager->event, &manager->tick, CLOCK_BOOTTIME,
                                      base_boottime_usec() + TICK_USEC, USEC_PER_SEC, tick_fired,
                                      manager);
        if (r >= 0)
                r = flush_timer_init(&manager->flush, manager->event);
        if (r >= 0)
                r = wake_timer_init(&manager->wake, manager->event);
        if (r >= 0)
                r = clock_watch_init(&manager->clock_watch, manager->event);
        if (r >= 0)
                r = sd_event_set_watchdog(manager->event, true);
        return r < 0 ? complain(manager, "the event loop", r) : 0;
}

/* ---- a life ---------------------------------------------------------------------------------- */

static int manager_start(Manager *manager) {
        uint64_t began_usec = base_boottime_usec();
        ConfigError error;
        int r;

        manager->started_usec = base_realtime_usec();
        r = config_load(&manager->options->config, &manager->config, &error);
        if (r < 0) {
                log_write(manager->log,
                          &(LogRecord){ .priority = LOG_ERR, .message = MESSAGE_CONFIG_REFUSED },
                          "%s", error.text);
                return r;
        }
        r = boot_clock_init(&manager->clock, manager->options->boot_id);
        if (r < 0)
                return complain(manager, "--boot-id must be 32 hex digits", r);
        r = places_open(manager);
        if (r >= 0)
                r = loop_prepare(manager);
        if (r >= 0)
                r = helpers_new(manager);
        if (r < 0)
                return r;
        core_start(manager);
        r = publish_start(manager);
        if (r >= 0)
                r = bus_start(manager);
        if (r < 0)
                return r;
        status_notify(manager);
        (void)sd_notify(false, "READY=1");
        log_write(manager->log, &(LogRecord){ .priority = LOG_INFO, .message = MESSAGE_STARTED },
                  "umd " UM_VERSION " serves after %llu ms%s",
                  (unsigned long long)((base_boottime_usec() - began_usec) / USEC_PER_MSEC),
                  manager->core ? "" : " (degraded)");
        return 0;
}

/* In the order in which they use each other; what is acknowledged is durable, the map stays. */
static void manager_done(Manager *manager) {
        if (manager->core) {
                (void)core_refusals_tell(manager->core, base_realtime_usec());
                (void)core_misses_tell(manager->core, base_realtime_usec());
        }
        if (manager->bus)
                manager_flush(manager);
        manager->bus = bus_free(manager->bus);
        manager->core = core_free(manager->core);
        manager->publish = publish_free(manager->publish);
        manager->sudoers = sudoers_free(manager->sudoers);
        manager->vault = vault_client_free(manager->vault);
        manager->quality = quality_client_free(manager->quality);
        manager->notify = notify_client_free(manager->notify);
        manager->tokens = token_client_free(manager->tokens);
        manager->helper = helper_client_free(manager->helper);
        manager->host = host_free(manager->host);
        wake_timer_done(&manager->wake);
        clock_watch_done(&manager->clock_watch);
        flush_timer_done(&manager->flush);
        sd_event_source_disable_unref(manager->tick);
        sd_event_unref(manager->event);
        base_close(manager->map_fd);
        base_close(manager->state_fd);
}

int manager_run(const Options *options, const Log *log) {
        Manager manager = { .options = options, .log = log, .state_fd = -1, .map_fd = -1 };
        int r;

        manager.clock_watch =
                (ClockWatch){ .was_set = clock_was_set, .userdata = &manager, .fd = -1 };
        manager.flush = (FlushTimer){ .run = manager_flush, .userdata = &manager };
        manager.wake = (WakeTimer){ .run = wake, .userdata = &manager };
        r = manager_start(&manager);
        if (r >= 0) {
                r = sd_event_loop(manager.event);
                (void)sd_notify(false, "STOPPING=1");
                log_write(log,
                          &(LogRecord){ .priority = r < 0 ? LOG_ERR : LOG_INFO,
                                        .message = MESSAGE_STOPPED,
                                        .fault = r < 0 ? r : 0 },
                          "umd stops");
        }
        manager_done(&manager);
        return r;
}
