/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* umd, the files beside its folders: the daemon around core and bus.  Private to these files and
 * their tests.
 *
 * manager.c wires the parts; every part is told what it needs and knows none of the others:
 * configuration, the log, the clients of um's other services, what the host holds, the map. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include <systemd/sd-event.h>

#include "base/base.h"
#include "umd/core/core.h"

/* ---- log ------------------------------------------------------------------------------------- */

/* Events an admin may wait for; each has a message id (journalctl MESSAGE_ID=...), listed in
 * umd(8). */
typedef enum LogMessage {
        MESSAGE_NONE,
        MESSAGE_STARTED,
        MESSAGE_STOPPED,
        MESSAGE_DEGRADED,
        MESSAGE_CONFIG_REFUSED,
        MESSAGE_CONFIG_LOADED,
        MESSAGE_FLUSH_FAILED,
        MESSAGE_DISK_FULL,
        MESSAGE_DISK_BACK,
        MESSAGE_MAP_WITHDRAWN,
        MESSAGE_MAP_BACK,
        MESSAGE_VAULT_LOST,
        MESSAGE_VAULT_BACK,
        MESSAGE_VAULT_RECORD,
        MESSAGE_VAULT_KEY,
        MESSAGE_QUALITY_LOST,
        MESSAGE_QUALITY_BACK,
        MESSAGE_QUALITY_SOURCE,
        MESSAGE_QUALITY_SOURCE_BACK,
        MESSAGE_COLLISION,
        MESSAGE_COLLISION_OVER,
        MESSAGE_LOCAL_UNREADABLE,
        MESSAGE_LOCKOUT,
        MESSAGE_SOURCE_THROTTLED,
        MESSAGE_NOTIFY_LOST,
        MESSAGE_NOTIFY_BACK,
        MESSAGE_MAIL_FAILED,
        MESSAGE_NOTICE,
        MESSAGE_FIDO_LOST,
        MESSAGE_FIDO_BACK,
        MESSAGE_SUDOERS_FAILED,
        MESSAGE_SUDOERS_BACK,
        _MESSAGE_MAX,
} LogMessage;

/* To the journal where systemd connected stderr to it, to stderr otherwise. */
typedef struct Log {
        bool journal, debug;
} Log;

typedef struct LogRecord {
        int priority; /* LOG_ERR, ... of <syslog.h> */
        LogMessage message;
        int fault;          /* negative errno, or 0: appended to the text, and ERRNO= */
        const char *object; /* "user/alice": UM_OBJECT=, or NULL */
} LogRecord;

void log_init(Log *log, bool debug);
/* Texts of others in the arguments are escaped here.  Never given a secret. */
void log_write(const Log *log, const LogRecord *record, const char *format, ...)
        __attribute__((format(printf, 3, 4)));
/* 32 hex digits; NULL for MESSAGE_NONE. */
const char *log_message_id(LogMessage message);

/* ---- configuration --------------------------------------------------------------------------- */

typedef struct Config {
        uint32_t id_first, id_last;
        bool enumerate, unknown_names;
        char shell[BASE_PATH_MAX + 1], home_root[BASE_PATH_MAX + 1];
        char tenant[BASE_NAME_MAX + 1];      /* whose host this is */
        char breach_file[BASE_PATH_MAX + 1]; /* "": none */
        char sendmail[BASE_PATH_MAX + 1];    /* um-notify reads it itself; here: by hand */
} Config;

#define CONFIG_TEXT_MAX 512U

typedef struct ConfigError {
        char text[CONFIG_TEXT_MAX]; /* "FILE:LINE: what and why" */
} ConfigError;

/* Where it is read from, later ones over earlier ones; NULL is left out.  Files that are not there
 * are no error, but for `only`, which stands for all three. */
typedef struct ConfigPaths {
        const char *vendor, *local, *drop_ins, *only;
} ConfigPaths;

#define CONFIG_FILE_MAX (1024U * 1024)

void config_init(Config *ret); /* as shipped */
/* Applies one file's text to config.  -EINVAL and the error at the first line that is not right;
 * config may have changed by then. */
int config_parse(Config *config, const char *file, const char *text, size_t len,
                 ConfigError *error);
/* All files over the defaults.  On a fault *ret stays as it was. */
int config_load(const ConfigPaths *paths, Config *ret, ConfigError *error);
/* Texts are borrowed from config. */
void config_settings(const Config *config, CoreSettings *ret);

/* ---- a channel: numbered requests to another process, over SOCK_SEQPACKET -------------------- */

typedef struct Channel Channel;

/* r: 0 and the answer (valid during the call), -ETIMEDOUT, or -ECONNRESET. */
typedef void (*ChannelDone)(void *userdata, int r, const void *packet, size_t len);

typedef struct ChannelSpec {
        uint64_t timeout_usec; /* of each request */
        size_t packet_max;
        unsigned pending_max;
        bool keep; /* connect again by itself; else when there is a request */
        void *userdata;
        /* A connected, non-blocking socket whose peer was checked. */
        int (*connect)(void *userdata, int *ret_fd);
        /* The id in an answer; a fault drops the connection. */
        int (*answer_id)(const void *packet, size_t len, uint64_t *ret_id);
        int (*connected)(void *userdata); /* a fault drops it again; NULL: nothing is to be said */
        void (*lost)(void *userdata, int fault); /* also a connect that failed */
} ChannelSpec;

int channel_new(sd_event *event, const ChannelSpec *spec, Channel **ret);
Channel *channel_free(Channel *channel); /* requests under way end without their done */
/* Tries to connect if there is no connection; never waits. */
int channel_connect(Channel *channel);
/* Sends a copy of packet, wiped when it is sent.  done is called once with call, later, unless this
 * is a fault: -EBUSY where pending_max requests wait, or why there is no connection.  call comes
 * from malloc() or is NULL; unless this is a fault it is the channel's, freed after done or with
 * the channel. */
int channel_call(Channel *channel, uint64_t id, const void *packet, size_t len, ChannelDone done,
                 void *call);

/* Who may be one of our helpers at the other end of fd: whoever could replace it could read all
 * that it is told anyway (root), or the user of that name in the file passwd.  -EPERM: somebody
 * else. */
int channel_peer_check(int fd, const char *passwd, const char *user);

static inline void channel_freep(Channel **channel) {
        *channel = channel_free(*channel);
}

/* ---- the vault ------------------------------------------------------------------------------- */

typedef struct VaultClient VaultClient;

typedef struct VaultClientSpec {
        const Log *log;
        sd_event *event;
        const char *socket; /* the vault systemd starts, or NULL: */
        const char *binary; /* a child of our own */
        const char *key_dir;
        const char *passwd; /* where the uid of um-vault stands */
        void *userdata;
        /* Asked at each connection, with the id of the vault's key (VAULT_KEY_ID_BYTES): is it the
         * right one?  Until it was, no verifier that the vault made is taken.  NULL: any is. */
        bool (*key_is_right)(void *userdata, const uint8_t *id);
} VaultClientSpec;

int vault_client_new(const VaultClientSpec *spec, VaultClient **ret);
VaultClient *vault_client_free(VaultClient *client); /* ends the child */
/* store_id (16 bytes) is borrowed as long as requests are made; before it is set they fail. */
void vault_client_bind(VaultClient *client, const uint8_t *store_id);
void vault_client_operations(VaultClient *client, CoreVault *ret);
/* Is the vault's key kept for a recovery key: "none", "kept" or "failed"; "": it did not say. */
const char *vault_client_recovery(const VaultClient *client);

static inline void vault_client_freep(VaultClient **client) {
        *client = vault_client_free(*client);
}

/* One of um's services that umd speaks to.  Under systemd it listens on socket, as the user of that
 * name in the file passwd.  By hand (socket NULL) it is a child of our own: `binary --fd N
 * --peer-uid UID option value` with one end of a socketpair, killed when we die; option NULL: none.
 * All texts are borrowed. */
typedef struct Service {
        const char *socket;
        const char *user, *passwd;
        const char *binary, *option, *value;
        pid_t child; /* 0: none; ours */
} Service;

/* For ChannelSpec.connect: a new connection; by hand a new child in place of the old one. */
int service_connect(Service *service, int *ret_fd);
void service_end(Service *service); /* kills and reaps the child, if there is one */

/* ---- the quality of passwords ---------------------------------------------------------------- */

typedef struct QualityClient QualityClient;

typedef struct QualityClientSpec {
        const Log *log;
        sd_event *event;
        const char *socket; /* the um-quality systemd starts, or NULL: */
        const char *binary; /* a child of our own, and */
        const char *banned; /* its banned words */
        const char *passwd; /* where the uid of um-quality stands */
} QualityClientSpec;

int quality_client_new(const QualityClientSpec *spec, QualityClient **ret);
QualityClient *quality_client_free(QualityClient *client); /* ends the child */
void quality_client_operations(QualityClient *client, CoreQuality *ret);
/* Which file of leaked hashes is asked ("": none), from now on; asks at once whether it is one. */
void quality_client_set_breach_file(QualityClient *client, const char *path);
/* Looks whether the lists are as they should be; what changed is logged.  Called every few seconds.
 */
void quality_client_tick(QualityClient *client);
/* What is wrong, for a person; "" where nothing is. */
void quality_client_problem(const QualityClient *client, char *ret, size_t size);

static inline void quality_client_freep(QualityClient **client) {
        *client = quality_client_free(*client);
}

/* ---- mail ------------------------------------------------------------------------------------ */

typedef struct NotifyClient NotifyClient;

typedef struct NotifyClientSpec {
        const Log *log;
        sd_event *event;
        const char *socket;   /* the um-notify systemd starts, or NULL: */
        const char *binary;   /* a child of our own, and */
        const char *sendmail; /* the program it runs */
        const char *passwd;   /* where the uid of um-notify stands */
} NotifyClientSpec;

int notify_client_new(const NotifyClientSpec *spec, NotifyClient **ret);
NotifyClient *notify_client_free(NotifyClient *client); /* ends the child */
void notify_client_operations(NotifyClient *client, CoreMailer *ret);
void notify_client_set_host(NotifyClient *client,
                            const char *host); /* as mails call this machine */
void notify_client_tick(NotifyClient *client); /* called every few seconds */
/* What is wrong, for a person; "" where nothing is. */
void notify_client_problem(const NotifyClient *client, char *ret, size_t size);

static inline void notify_client_freep(NotifyClient **client) {
        *client = notify_client_free(*client);
}

/* ---- security keys --------------------------------------------------------------------------- */

typedef struct TokenClient TokenClient;

/* binary NULL: the um-fido systemd starts, whose uid stands in the file passwd; else a child of our
 * own. */
int token_client_new(const Log *log, sd_event *event, const char *binary, const char *passwd,
                     TokenClient **ret);
TokenClient *token_client_free(TokenClient *client);       /* ends the child */
void token_client_attach(TokenClient *client, Core *core); /* core asks it from now on */
void token_client_tick(TokenClient *client);               /* called every few seconds */
/* What is wrong, for a person; "" where nothing is. */
void token_client_problem(const TokenClient *client, char *ret, size_t size);

static inline void token_client_freep(TokenClient **client) {
        *client = token_client_free(*client);
}

/* ---- the root helper ------------------------------------------------------------------------- */

typedef struct HelperClient HelperClient;

/* socket NULL: um runs without its helper, homes are CORE_HOME_OFF. */
int helper_client_new(const Log *log, sd_event *event, const char *socket, HelperClient **ret);
HelperClient *helper_client_free(HelperClient *client);
void helper_client_operations(HelperClient *client, CoreHelper *ret);

typedef enum SudoersResult {
        SUDOERS_FAULT,
        SUDOERS_INSTALLED,
        SUDOERS_OFF,     /* um runs without its helper */
        SUDOERS_NO_SUDO, /* it is not there */
        SUDOERS_FOREIGN, /* a file of that name that um did not write */
        SUDOERS_REFUSED, /* by the helper, or by visudo */
        _SUDOERS_RESULT_MAX,
} SudoersResult;

typedef void (*SudoersDone)(void *userdata, SudoersResult result, int fault);

/* Has the file of lines beside the map installed.  done is called once, later, unless this is a
 * fault. */
int helper_client_install_sudoers(HelperClient *client, SudoersDone done, void *userdata);

static inline void helper_client_freep(HelperClient **client) {
        *client = helper_client_free(*client);
}

/* ---- which boot it is ------------------------------------------------------------------------ */

typedef struct BootClock {
        uint8_t id[CORE_BOOT_ID_BYTES]; /* zeroes: nobody knows */
} BootClock;

/* boot_id: 32 hex digits, as systemd's %b; NULL: the kernel's own, where it shows it.  -EINVAL. */
int boot_clock_init(BootClock *clock, const char *boot_id);
void boot_clock_read(const BootClock *clock, CoreClock *ret);

/* ---- when the clock is set ------------------------------------------------------------------- */

typedef struct ClockWatch {
        void (*was_set)(void *userdata);
        void *userdata;
        int fd; /* -1: none */
        sd_event_source *source;
} ClockWatch;

int clock_watch_init(ClockWatch *watch, sd_event *event);
void clock_watch_done(ClockWatch *watch);

/* ---- when the loop flushes ------------------------------------------------------------------- */

typedef struct FlushTimer {
        void (*run)(void *userdata); /* flushes, and clears the timer */
        void *userdata;
        sd_event_source *idle, *late;
        unsigned verbs; /* that wait for it */
} FlushTimer;

int flush_timer_init(FlushTimer *timer, sd_event *event);
void flush_timer_done(FlushTimer *timer);
void flush_timer_wanted(FlushTimer *timer); /* somebody waits */
void flush_timer_later(FlushTimer *timer);  /* nobody does: soon enough */
void flush_timer_clear(FlushTimer *timer);  /* it is being done */

/* ---- a moment that core wants to be woken at ----------------------------------------------------
 */

typedef struct WakeTimer {
        void (*run)(void *userdata);
        void *userdata;
        sd_event_source *source;
        uint64_t usec; /* boottime; USEC_INFINITY: not wanted */
} WakeTimer;

int wake_timer_init(WakeTimer *timer, sd_event *event);
void wake_timer_done(WakeTimer *timer);
void wake_timer_wanted(WakeTimer *timer, uint64_t boottime_usec); /* an earlier wish stands */

/* ---- what core tells the admin --------------------------------------------------------------- */

void log_lockout(const Log *log, const CoreLockout *lockout);
void log_notice(const Log *log, const char *name, const char *text);
/* *told_usec (boottime, 0 at first) keeps when it was last told. */
void log_flush_fault(const Log *log, int fault, uint64_t *told_usec);
void log_disk(const Log *log, bool full);

/* ---- what the host holds --------------------------------------------------------------------- */

typedef struct Host Host;

/* What /etc/passwd and /etc/group hold now and did not, or no longer do; valid during the call. */
typedef struct HostDiff {
        const char *const *names;
        size_t name_count;
        const uint32_t *ids;
        size_t id_count;
} HostDiff;

typedef struct HostSpec {
        const Log *log;
        sd_event *event;
        const char *etc; /* "/etc"; tests bring their own */
        void *userdata;
        void (*changed)(void *userdata, const HostDiff *diff);
} HostSpec;

int host_new(const HostSpec *spec, Host **ret); /* a fault where the files cannot be read */
Host *host_free(Host *host);
/* What CoreHost asks. */
const char *host_name_held(Host *host, const char *name, bool group);
bool host_id_held(Host *host, uint32_t id, char *ret_holder, size_t size);
bool host_time_zone_known(Host *host, const char *zone);
bool host_group_gid(const Host *host, const char *name, gid_t *ret);
const char *host_group_at(const Host *host, size_t at);
bool host_home_held(Host *host, const char *home, char *ret_holder, size_t size);
/* Which of the two files holds the name, or the id, or NULL.  For the map both files count for
 * users and groups alike, so that a user and his private group come and go together. */
const char *host_holds_name(const Host *host, const char *name);
const char *host_holds_id(const Host *host, uint32_t id);
/* Is the uid that local user's? */
bool host_is_user(const Host *host, const char *name, uint32_t uid);
/* Looks again, whatever inotify said; called every few seconds. */
void host_tick(Host *host);

static inline void host_freep(Host **host) {
        *host = host_free(*host);
}

/* ---- the map --------------------------------------------------------------------------------- */

typedef struct Publish Publish;

typedef struct PublishStatus {
        uint64_t users, groups, bytes, published_usec;
        bool ok;
} PublishStatus;

typedef struct PublishSpec {
        const Log *log;
        Core *core;
        const Host *host;
        int dir_fd;       /* of map.d */
        const char *path; /* of map.d/map */
        bool enumerate;
} PublishSpec;

/* Publishes nothing yet; the first run makes a whole file.  spec's pointers are borrowed. */
int publish_new(const PublishSpec *spec, Publish **ret);
Publish *publish_free(Publish *publish); /* the map stays */
/* What core_add_listener takes: news are collected until publish_run. */
void publish_listener(Publish *publish, CoreListener *ret);
void publish_set_enumerate(Publish *publish, bool enumerate); /* a new file is due */
void publish_host_changed(Publish *publish, const HostDiff *diff);
/* Makes the map true again: news as one delta, or a new file.  A fault withdraws the map, is logged
 * here, and a run a second later or more tries again.  Audit entries of records that the host's
 * names and ids hide or give back wait for the next core_flush. */
int publish_run(Publish *publish, uint64_t now_usec);
bool publish_is_due(const Publish *publish); /* a run would do something */
void publish_status(const Publish *publish, PublishStatus *ret);

static inline void publish_freep(Publish **publish) {
        *publish = publish_free(*publish);
}

/* ---- places ---------------------------------------------------------------------------------- */

/* A line for the admin about what was refused. */
typedef struct PlaceError {
        char text[512];
} PlaceError;

/* Opens the state directory (made where it is absent) and locks it: it must be ours and nobody
 * else's to read, and of one umd only.  Keep *ret_fd open. */
int place_state(const char *path, int *ret_fd, PlaceError *error);
/* Makes the folder of the record key of a vault that is our child: state/vault. */
int place_key(int state_fd, PlaceError *error);
/* Opens runtime_dir/map.d, made with its parent where it is absent, 0755. */
int place_map(const char *runtime_dir, int *ret_fd, PlaceError *error);
/* Listens at runtime_dir/bus, mode 0666, in place of what an earlier umd left there. */
int place_bus(const char *runtime_dir, int *ret_fd, PlaceError *error);
/* Files of those folders, as they are named to others. */
typedef struct Paths {
        char map[512], key_dir[512], passwd[512], banned[512];
        char sshd_config[512];
} Paths;

int place_paths(const char *state_dir, const char *runtime_dir, const char *etc,
                Paths *ret); /* -ENAMETOOLONG */
/* A store was here once and is gone, which must not be taken for an empty one: says so in ret_why.
 */
bool place_store_lost(int state_fd, const char *path, char *ret_why, size_t size);
bool place_has_store(int state_fd);
int place_store_made(int state_fd);

/* ---- sshd ------------------------------------------------------------------------------------ */

#define SSHD_WHY_MAX CORE_SSHD_WHY_BYTES

/* Does sshd let security keys in only where they verified their user?  config is its settings,
 * whose folder includes are relative to; pid is what it writes when it has read them.  False with
 * why: a phrase, mostly with a file; true with "".  Reads a few small files each time. */
bool sshd_verifies(const char *config, const char *pid, char ret_why[static SSHD_WHY_MAX]);

/* ---- the vault's key ------------------------------------------------------------------------- */

/* What a vault client asks at each connection.  Another key than the store's is told, with where
 * the key is (key_dir) and what to do; *wrong keeps that it was, and is false at first. */
bool vault_key_is_right(const Log *log, Core *core, const char *key_dir, const uint8_t *id,
                        bool *wrong);
/* --accept-new-vault-key: forgets in the store which key was its own. */
int vault_key_accept(const char *state_dir, const Log *log);

/* ---- sudoers --------------------------------------------------------------------------------- */

/* CoreHost.program_safe: walks from the root, through each link. */
bool program_is_safe(void *userdata, const char *path, char *ret_real, char *ret_why,
                     size_t why_size);

typedef struct Sudoers Sudoers;

typedef struct SudoersSpec {
        const Log *log;
        sd_event *event;
        Core *core;
        const Host *host;
        HelperClient *helper;
        int dir_fd; /* of map.d, where the lines are put for the helper */
} SudoersSpec;

/* Keeps the lines of sudoers true: as sudoers_run() and the clock say.  Listens to core; nothing is
 * asked before the first run. */
int sudoers_new(const SudoersSpec *spec, Sudoers **ret);
Sudoers *sudoers_free(Sudoers *sudoers);     /* the file stays: its lines end by themselves */
void sudoers_host_changed(Sudoers *sudoers); /* some name is the host's own, or not any more */
/* After a flush: renders where something of it may have changed, and asks the helper where the
 * lines are others.  What goes wrong is logged here, and tried again.  NULL allowed. */
void sudoers_run(Sudoers *sudoers, uint64_t now_usec);
void sudoers_tick(Sudoers *sudoers, uint64_t now_usec); /* called every few seconds */
/* What is wrong, for a person; "" where nothing is.  NULL allowed. */
#define SUDOERS_PROBLEM_BYTES 192U
void sudoers_problem(const Sudoers *sudoers, char *ret, size_t size);

static inline void sudoers_freep(Sudoers **sudoers) {
        *sudoers = sudoers_free(*sudoers);
}

/* ---- the manager ----------------------------------------------------------------------------- */

typedef struct Options {
        const char *state_dir, *runtime_dir;
        const char *vault; /* the programs, by hand */
        const char *quality, *notify, *fido;
        const char *etc;        /* where local accounts and sshd's settings are read */
        const char *sshd_pid;   /* the file that sshd writes when it has read them */
        const char *boot_id;    /* where the kernel's is not to be seen; NULL: it is */
        const char *system_bus; /* an address, "default" or "none" */
        bool no_helper, debug;
        bool check_config; /* read it and end */
        bool accept_key;   /* give up the vault's old key and end */
        int bus_fd;        /* systemd's, or -1: by hand */
        ConfigPaths config;
} Options;

/* Serves until SIGTERM or SIGINT, which like SIGHUP are blocked already. */
int manager_run(const Options *options, const Log *log);
