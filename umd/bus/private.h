/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What the files of umd/bus share.
 *
 * A byte's way: server.c accepts, peer.c passes it through the gate into the peer's sd-bus,
 * call.c's filter finds the row of access.c's table, learns who asks (of the socket, or of the
 * system bus in system.c), asks access.c, and runs the handler of a face (manager.c, users.c, ...),
 * which calls a verb of core.  reply.c sends what came of it, after the flush. */

#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

#include <systemd/sd-bus.h>
#include <systemd/sd-event.h>
#include <systemd/sd-id128.h>

#include "base/base.h"
#include "wire/wire.h"
#include "umd/core/core.h"
#include "umd/bus/bus.h"
#include "umd/bus/gate.h"

/* ---- limits ---------------------------------------------------------------------------------- */

#define SERVER_PEERS_MAX       1024U
#define SERVER_PEERS_RESERVED  64U /* of them for uid 0 */
#define SERVER_PEERS_PER_UID   32U
#define SERVER_PEERS_ROOT      256U
#define SERVER_PEERS_BEHIND    128U /* of root's, for programs that others started: su, sudo */
#define SERVER_FDS_KEPT        96U  /* what umd needs besides peers and sessions */
#define SERVER_FDS_RESERVED    192U /* for peers and sessions of uid 0 */
#define SERVER_ACCEPTS_AT_ONCE 16U
#define SERVER_BYTES_MAX       ((size_t)32 << 20) /* waiting for all but root's */
#define SERVER_UID_BYTES_MAX   ((size_t)4 << 20)  /* of one uid */

#define PEER_FDS              3U                  /* its socket and the pair behind the gate */
#define PEER_CALLS_MAX        8U                  /* in flight */
#define PEER_QUEUE_MAX        ((size_t)1 << 20)   /* bytes of replies; full, no more is added */
#define PEER_QUEUE_THROTTLE   ((size_t)256 << 10) /* above it calls wait */
#define PEER_MESSAGE_MAX      ((size_t)16 << 20)  /* a reply of ours; more is a fault */
#define PEER_MESSAGES_AT_ONCE 16U
#define PEER_TURN_USEC        (2 * USEC_PER_MSEC) /* of others than root; a call is not cut short */
/* Of others' peers and of the system bus: behind root's peers, the vault, the clock. */
#define PRIORITY_OTHERS (SD_EVENT_PRIORITY_NORMAL + 10)

#define SYSTEM_PENDING_MAX        128U /* callers whose uid is being asked for */
#define SYSTEM_PENDING_PER_SENDER 8U
#define SYSTEM_CALLS_MAX          128U /* held by verbs that wait */
#define SYSTEM_SIGNALS_QUEUED_MAX 10000U
#define SYSTEM_CREDENTIALS_USEC   (5 * USEC_PER_SEC)

#define LOGIN_SESSIONS_MAX 16384U
#define FACE_NODES_MAX     1000U
#define FACE_NAMES_MAX     4096U /* of one call */

/* ---- the system bus and the peers ------------------------------------------------------------ */

typedef struct Peer Peer;
typedef struct Call Call;

LIST_HEAD(CallList, Call);

/* How far Audit.Verify has come on a connection; of the system bus, for the one who asks there. */
typedef struct AuditWalk {
        CoreAuditVerifier *verifier;
        CoreAuditVerdict verdict;
        char *sender; /* NULL on the private socket */
} AuditWalk;

void audit_walk_clear(AuditWalk *walk);

/* A connection as call.c sees it: of a peer, or of the system bus (peer NULL). */
typedef struct Link {
        Bus *bus;
        Peer *peer;
        sd_bus *sd_bus;
        bool has_faces; /* the vtables stand on it: put there when somebody looks */
        AuditWalk walk;
} Link;

/* A message for a peer that its socket has not taken yet. */
typedef struct Out {
        TAILQ_ENTRY(Out) entry;
        size_t len, done;
        int fd; /* goes with the first byte, or -1 */
        uint8_t bytes[];
} Out;

TAILQ_HEAD(OutQueue, Out);

struct Peer {
        LIST_ENTRY(Peer) entry;
        Link link; /* sd_bus NULL until the first whole call */
        CorePeer core_peer;
        pid_t pid; /* who connected */
        Gate gate;
        int fd, inner_fd; /* the socket; our end of the pair to sd-bus */
        sd_event_source *source, *inner_source;
        uid_t behind_uid; /* of root's: who started the program, as far as can be known; else 0 */
        struct OutQueue queue;
        size_t queue_bytes;
        Out *incoming; /* being read from inner_fd */
        uint32_t in_flight;
        bool wants_signals; /* said AddMatch */
        bool message_sound; /* the filter saw the last one, and its body is what it says */
        struct CallList calls;
};

LIST_HEAD(PeerList, Peer);

typedef struct Server {
        int fd, reserve_fd; /* the reserve is given up to refuse a peer when no other is left */
        sd_event_source *source, *timer;
        uint64_t timer_usec; /* what it is set to */
        struct PeerList peers;
        uint32_t peer_count;
        uint64_t last_connection;
} Server;

int server_listen(Bus *bus, int fd);
void server_close(Bus *bus);
/* A peer's gate awaits something until then. */
void server_deadline(Bus *bus, uint64_t deadline_usec);
/* May the uid have `count` descriptors more?  False leaves the rest to root. */
bool server_may_open(const Bus *bus, uid_t uid, size_t count);
/* Does too much wait for the uid's peers, or for all?  Never root. */
bool server_is_clogged(const Bus *bus, uid_t uid);

/* Takes fd, also on a fault. */
int peer_new(Bus *bus, int fd, const Actor *actor, uid_t behind_uid, pid_t pid, Peer **ret);
Peer *peer_free(Peer *peer);
/* Does what can be done now; may free the peer. */
void peer_pump(Peer *peer);

/* The way back, whole messages: from sd-bus into the queue, from the queue to the socket. */
int relay_answer(Peer *peer, const void *bytes, size_t len);
/* Until inner_fd has no more or the queue is full; -ENOBUFS over the limits of the uid. */
int relay_read(Peer *peer);
bool relay_is_full(const Peer *peer);
int relay_write(Peer *peer); /* 1: the socket is full */
void relay_clear(Peer *peer);

/* org.freedesktop.DBus, as far as a connection without a broker has it.  1 answered, 0 not its. */
int driver_call(Link *link, sd_bus_message *m);

typedef struct SystemPending SystemPending;
LIST_HEAD(SystemPendingList, SystemPending);

typedef struct System {
        Link link;
        char *address; /* NULL: the system bus */
        sd_event_source *retry;
        uint64_t retry_usec;
        sd_bus_slot *name_slot, *filter_slot, *disconnected_slot;
        struct SystemPendingList pending;
        uint32_t pending_count, call_count;
} System;

/* The person behind a process, for the audit alone: (uid_t)-1 at the least doubt.  pidfd may be -1.
 */
uid_t system_login_uid(pid_t pid, int pidfd);
/* Asks the bus who sent the call, and goes on with call_run() when it knows; any doubt denies.
 * Takes call. */
void system_identify(Call *call);
void system_close(Bus *bus);

/* The process that has the pid now; -ENOENT, -ESRCH: none. */
int process_find(pid_t pid, CoreProcess *ret);
/* Its parent, that one's, and so on, as far as they live and max goes: how many.  Process 1 is
 * everybody's and left out. */
size_t process_ancestors(pid_t pid, CoreProcess *ret, size_t max);
/* A pidfd of that very process; -ESRCH: it is gone. */
int process_open(const CoreProcess *process, int *ret_pidfd);
bool process_lives(int pidfd);

/* ---- who may --------------------------------------------------------------------------------- */

typedef enum AccessWho {
        ACCESS_NOBODY, /* zero on purpose */
        ACCESS_ROOT,
        ACCESS_RIGHT,   /* root, or who has the permission */
        ACCESS_SELF,    /* the same, or the user it is about */
        ACCESS_ONESELF, /* the user it is about, and not root: what nobody else may ever see */
        ACCESS_OWNER,   /* as RIGHT, or an owner of the group it is about */
        ACCESS_MEMBER,  /* root, or any user of um: the handler reads about whom, or leaves out */
        ACCESS_KEYS,    /* root, or what sshd asks for keys */
        ACCESS_EVERYONE,
        _ACCESS_WHO_MAX,
} AccessWho;

/* Where it stands, and with it what `self` and `owner` go by. */
typedef enum AccessObject {
        ACCESS_ON_ROOT,
        ACCESS_ON_ROOT_BY_NAME, /* the first argument (s or u) tells about whom */
        ACCESS_ON_USER,
        ACCESS_ON_GROUP,
        _ACCESS_OBJECT_MAX,
} AccessObject;

#define ACCESS_PRIVATE   1U /* on the private socket only */
#define ACCESS_SENSITIVE 2U /* call or reply carry a secret */
#define ACCESS_ALWAYS    4U /* answers also where the store is not served */
#define ACCESS_WRITES    8U /* leaves something in the store: not without end for who is not root */

/* Returned by a handler: the call is the verb's until its done callback. */
#define CALL_HELD 1000

typedef int (*AccessHandler)(Call *call, CoreError *error);

typedef struct Access {
        const char *interface, *member;
        const char *in, *out;
        const char *names; /* of all arguments, NUL after each */
        AccessObject object;
        AccessWho who;
        const char *permission; /* "" where there is none */
        unsigned flags;
        AccessHandler handler;
        CoreWhere where; /* the permission has to be held; NOWHERE: root alone */
        const char *own; /* what the user it is about needs himself; NULL: nothing */
} Access;

/* The row of a method call on this link, or NULL. */
const Access *access_find(const char *path, const char *interface, const char *member);
const Access *access_rows(size_t *ret_count);
/* 0, CORE_E_ACCESS_DENIED with the permission in *error, or a fault; decides by call->actor. */
int access_check(Call *call, CoreError *error);
/* Has the caller one more permission?  As core_may(); call notes what was missing for the log. */
int access_ask(Call *call, const CoreQuestion *question, CoreError *error);
/* A refusal for want of the permission ("" where it has no name); call notes it for the log. */
int access_refuse(Call *call, const char *permission, CoreError *error);
/* Writes into the log that the call was refused, and for want of what. */
void access_record(Call *call, bool elsewhere);
/* Is the uid one of /etc/passwd or /etc/group, and so nobody to um?  Never root's. */
bool access_is_local(const Bus *bus, uid_t uid);
/* Has the uid written too much lately?  Charges it.  Never root. */
bool access_is_exhausted(Bus *bus, uid_t uid, uint64_t boottime_usec);
/* Is it the name or the e-mail address of the user with that uid?  Always false for root's. */
int access_is_self(Core *core, uid_t uid, const char *name);

/* The table as vtables: what Introspect shows. */
typedef struct Faces Faces;
int faces_new(Faces **ret);
Faces *faces_free(Faces *faces);
int faces_add(Link *link);

/* ---- a call ---------------------------------------------------------------------------------- */

struct Call {
        LIST_ENTRY(Call) entry; /* of its peer, or of bus->calls */
        Bus *bus;
        Peer *peer; /* NULL: the system bus, or the peer is gone */
        bool on_system, listed, ends_with_peer;
        sd_bus_message *message;
        const Access *access;
        Actor actor;         /* uid (uid_t)-1 until it is known */
        char *name;          /* of the user or group whose path it is, or NULL */
        const char *about;   /* whom it is about where the path does not say; of the message */
        const char *missing; /* the permission it was refused for; NULL: its row's */
        uint64_t now_usec;
};

/* The filter of every link. */
int call_filter(sd_bus_message *m, void *userdata, sd_bus_error *error);
/* Authorises and runs; takes call. */
void call_run(Call *call);
/* Reply to it; where the handler returned CALL_HELD, its done callback then frees the call. */
int call_reply_new(Call *call, sd_bus_message **ret);
int call_reply_send(Call *call, sd_bus_message *reply);
/* Replies in one line, for what has simple types. */
int call_reply(Call *call, const char *types, ...);
void call_fail(Call *call, int r, const CoreError *error);
Call *call_free(Call *call);
static inline void message_unrefp(sd_bus_message **m) {
        *m = sd_bus_message_unref(*m);
}

#define _cleanup_message_ _cleanup_(message_unrefp)

/* ---- errors ---------------------------------------------------------------------------------- */

WireError error_of_outcome(CoreOutcome outcome);
int error_message_new(sd_bus_message *call, WireError error, const char *text,
                      sd_bus_message **ret);
int error_reply(Bus *bus, sd_bus_message *call, WireError error, const char *text);
/* Sets *error and returns the outcome. */
int error_set(CoreError *error, CoreOutcome outcome, const char *format, ...)
        __attribute__((format(printf, 3, 4)));

/* ---- replies wait for the flush -------------------------------------------------------------- */

typedef struct Reply Reply;
STAILQ_HEAD(ReplyQueue, Reply);

int reply_send(Bus *bus, sd_bus_message *call, sd_bus_message *reply);
/* Before the flush: for what promises nothing that could be lost with it (CoreStep's early). */
int reply_send_early(sd_bus_message *reply);
void reply_clear(Bus *bus);

typedef struct Signal Signal;
STAILQ_HEAD(SignalQueue, Signal);

void signals_listen(Bus *bus);
void signals_send(Bus *bus);
void signals_clear(Bus *bus);

/* ---- reading arguments ----------------------------------------------------------------------- */

typedef struct NameList {
        const char **names; /* each valid as long as the message */
        size_t count;
} NameList;

void name_list_clear(NameList *list);

/* Attributes as they are given to somebody; the texts are the message's. */
typedef struct AttributeList {
        UserAttribute *list;
        size_t count;
} AttributeList;

#define FACE_ATTRIBUTES_MAX 64U

/* One key of an a{sv}: where its value goes. */
typedef struct DictField {
        const char *key;
        const char *type; /* "s" const char *, "b" bool, "u" uint32_t, "t" uint64_t, "as" NameList,
                               "a(sst)" AttributeList */
        void *value;
        bool *seen; /* may be NULL */
} DictField;

/* Strict: a key that is unknown or there twice, and a value of another type, are CORE_E_BAD_VALUE.
 */
int read_dict(sd_bus_message *m, const char *what, const DictField *fields, size_t count,
              CoreError *error);
int read_options(sd_bus_message *m, CoreOptions *ret, CoreError *error);
int read_names(sd_bus_message *m, NameList *ret, CoreError *error);
/* ay as a Secret: 1 to max bytes, or 0 where empty is permitted. */
int read_secret(sd_bus_message *m, size_t max, bool empty, Secret **ret, CoreError *error);

/* ---- objects --------------------------------------------------------------------------------- */

typedef struct Property {
        const char *name, *key; /* "FullName"; "full_name" in lists */
        char type; /* s u t b, a: as, S: a UserStatus as s, A and P: a user's attributes */
        size_t offset, count_offset;
        bool private; /* left out where the record hides_private */
} Property;

/* One entry of an a{sv}: a list of texts. */
int dict_append_texts(sd_bus_message *m, const char *key, const char *const *texts, size_t count);

const Property *property_rows(AccessObject object, size_t *ret_count);
/* Is it for those with user.view.private? */
bool property_is_private(AccessObject object, const char *name);
const char *property_signature(const Property *property);
/* The object's fields as a{sv}: keys of lists, or names of properties. */
int property_append_all(sd_bus_message *m, AccessObject object, const void *record, bool keys);

/* org.freedesktop.DBus.Properties.Get and GetAll. */
typedef struct PropertyQuery {
        const char *name; /* NULL: all */
        bool ours;        /* of our interface, or of any */
} PropertyQuery;

int property_query_read(Call *call, const char *own, PropertyQuery *ret);
int property_reply(Call *call, AccessObject object, const PropertyQuery *query, const void *record);

/* prefix + name, encoded; the caller's. */
int object_path(const char *prefix, const char *name, char **ret);
int call_reply_path(Call *call, const char *prefix, const char *name);
/* "ch-1042", or "" for 0. */
#define CHANGE_TEXT_MAX 32U
void change_text(const CoreChange *change, char *buf);
int call_reply_change(Call *call, const CoreChange *change);

/* ---- the faces ------------------------------------------------------------------------------- */

#define CURSOR_BYTES 64U /* as core writes them */

/* The link the call came by; NULL when it is gone. */
Link *call_link(Call *call);
/* The fields that may be set; a creation takes the name apart from them. */
typedef struct UserFields {
        UserSpec spec; /* its texts are the message's */
        AttributeList attributes;
} UserFields;

/* ret is zeroed, and cleared by the caller whatever the answer. */
int read_user_fields(sd_bus_message *m, bool creation, UserFields *ret, CoreError *error);
void user_fields_clear(UserFields *fields);

int manager_create_user(Call *call, CoreError *error);
int manager_create_user_with_password(Call *call, CoreError *error);
int manager_get_user_by_name(Call *call, CoreError *error);
int manager_get_user_by_uid(Call *call, CoreError *error);
int manager_list_users(Call *call, CoreError *error);
int manager_create_group(Call *call, CoreError *error);
int manager_get_group_by_name(Call *call, CoreError *error);
int manager_get_group_by_gid(Call *call, CoreError *error);
int manager_list_groups(Call *call, CoreError *error);
int manager_report(Call *call, CoreError *error);
int manager_status(Call *call, CoreError *error);
int manager_list_permissions(Call *call, CoreError *error);
int manager_check_permission(Call *call, CoreError *error); /* apps.c */
int manager_undo(Call *call, CoreError *error);             /* changes.c */
int manager_batch(Call *call, CoreError *error);

int user_properties(Call *call, CoreError *error);
int user_update(Call *call, CoreError *error);
int user_set_password(Call *call, CoreError *error);
int user_must_change(Call *call, CoreError *error);
int user_create_setup_code(Call *call, CoreError *error);
int user_lock(Call *call, CoreError *error);
int user_suspend(Call *call, CoreError *error);
int user_step(Call *call, CoreError *error);
int user_list_factors(Call *call, CoreError *error);
int user_enrol_factor(Call *call, CoreError *error);
int user_confirm_factor(Call *call, CoreError *error);
int user_create_recovery_codes(Call *call, CoreError *error);
int user_remove_factor(Call *call, CoreError *error);
int user_reset_factors(Call *call, CoreError *error);
int user_add_key(Call *call, CoreError *error);
int user_list_keys(Call *call, CoreError *error);
int user_remove_key(Call *call, CoreError *error);

int group_properties(Call *call, CoreError *error);
int group_update(Call *call, CoreError *error);
int group_members(Call *call, CoreError *error);
int group_delete(Call *call, CoreError *error);

int audit_list(Call *call, CoreError *error);
int audit_verify(Call *call, CoreError *error);

int policy_set(Call *call, CoreError *error);
int policy_unset(Call *call, CoreError *error);
int policy_get_effective(Call *call, CoreError *error);
int policy_list(Call *call, CoreError *error);

int role_add(Call *call, CoreError *error);
int role_set(Call *call, CoreError *error);
int role_delete(Call *call, CoreError *error);
int role_get(Call *call, CoreError *error);
int role_list(Call *call, CoreError *error);
int role_permissions(Call *call, CoreError *error);
int role_grant(Call *call, CoreError *error);
int role_revoke(Call *call, CoreError *error);
int role_list_grants(Call *call, CoreError *error);
int role_list_holders(Call *call, CoreError *error);
int role_try(Call *call, CoreError *error);
int role_get_effective(Call *call, CoreError *error);
int role_why(Call *call, CoreError *error);

int tenant_add(Call *call, CoreError *error);
int tenant_set(Call *call, CoreError *error);
int tenant_delete(Call *call, CoreError *error);
int tenant_list(Call *call, CoreError *error);
int attribute_add(Call *call, CoreError *error);
int attribute_set(Call *call, CoreError *error);
int attribute_delete(Call *call, CoreError *error);
int attribute_list(Call *call, CoreError *error);

int app_register(Call *call, CoreError *error);
int app_unregister(Call *call, CoreError *error);
int app_get(Call *call, CoreError *error);
int app_list(Call *call, CoreError *error);

int sudo_add(Call *call, CoreError *error);
int sudo_set(Call *call, CoreError *error);
int sudo_delete(Call *call, CoreError *error);
int sudo_get(Call *call, CoreError *error);
int sudo_list(Call *call, CoreError *error);

int login_begin(Call *call, CoreError *error);
int login_answer(Call *call, CoreError *error);
int login_authorize(Call *call, CoreError *error);
int login_open_session(Call *call, CoreError *error);

typedef struct LoginSession LoginSession;
LIST_HEAD(LoginSessionList, LoginSession);
/* Finds the sessions that were open when umd last ran. */
void login_sessions_resume(Bus *bus);
void login_sessions_clear(Bus *bus);

int nss_get_user_by_name(Call *call, CoreError *error);
int nss_get_user_by_uid(Call *call, CoreError *error);
int nss_get_group_by_name(Call *call, CoreError *error);
int nss_get_group_by_gid(Call *call, CoreError *error);
int nss_get_groups_of_user(Call *call, CoreError *error);
int nss_get_authorized_keys(Call *call, CoreError *error);

/* ---- the whole ------------------------------------------------------------------------------- */

/* What the uids other than root may still write, one token bucket each: the moment at which it is
 * full again says all.  The fullest gives its place to a new one. */
#define WRITES_BURST       120U
#define WRITES_REFILL_USEC (2 * USEC_PER_SEC)
#define WRITES_UID_MAX     512U

typedef struct WriteBucket {
        uid_t uid;
        uint64_t full_usec;
} WriteBucket;

struct Bus {
        sd_event *event;
        Core *core; /* NULL: not served */
        char *why_unavailable;
        BusHost host;
        sd_id128_t id;
        char guid[GATE_GUID_BYTES + 1];
        Faces *faces;
        Server server;
        System system;
        struct CallList calls; /* held, of the system bus or of peers that are gone */
        struct ReplyQueue replies;
        struct SignalQueue signals;
        bool policy_changed; /* a signal is due for that */
        struct LoginSessionList sessions;
        uint32_t session_count;
        WriteBucket writes[WRITES_UID_MAX];
};

void bus_log(const Bus *bus, int fault, const char *text);
