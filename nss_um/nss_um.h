/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* nss_um: libnss_um.so.2, glibc's "um" source for passwd, group and initgroups.  Runs inside every
 * process of the host, so it is a guest: links libc only; reads no environment; logs nothing;
 * starts no thread and installs no handler; keeps no descriptor, no lock and no pthread key;
 * allocates nothing where a map is published.  docs/api/map.md has what it reads,
 * docs/api/org.um1.Nss.md what it asks where there is no map.
 *
 * Statuses: SUCCESS; NOTFOUND only from a valid, complete map, from umd, or for what um never owns;
 * TRYAGAIN with ERANGE only for a buffer that is too small; all else is UNAVAIL, with errno. */

#include <errno.h>
#include <grp.h>
#include <nss.h>
#include <pwd.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/types.h>

#include "base/base.h"
#include "map/map.h"

#define NSS_UM_EXPORT __attribute__((visibility("default")))
/* A lookup as one function: everything it calls is inlined, but for what is marked COLD. */
#define NSS_UM_LOOKUP NSS_UM_EXPORT __attribute__((flatten))
#define COLD          __attribute__((noinline, cold))

/* ---- the map, held --------------------------------------------------------------------------- */

typedef struct Place Place;

/* One use of a mapping.  What is read through the view counts only if mapping_release() says so. */
typedef struct Hold {
        const Place *place; /* NULL where the mapping is this use's alone */
        uint64_t turn;
        MapView view; /* of a place: without what lookups do not look at */
} Hold;

/* Gives the newest published map, for lookups in one table: the process's, or, alone, a mapping
 * that nobody else changes.  -ENOENT where there is none, or map_open()'s faults. */
int mapping_hold(MapTable table, bool alone, Hold *ret);
/* False: another thread replaced the map meanwhile, and whatever was read is to be forgotten.  True
 * always where the hold was alone. */
bool mapping_release(const Hold *hold);

/* ---- lookups and walks ----------------------------------------------------------------------- */

/* By name, or by id where name is NULL.  A name's len counts; it need not end with a NUL. */
typedef struct Query {
        const char *name;
        size_t len;
        uint32_t id;
} Query;

typedef enum Kind {
        KIND_USER,
        KIND_GROUP,
        KIND_GROUPS_OF_USER,
        _KIND_MAX,
} Kind;

/* glibc's list of gids, of which `at` are taken. */
typedef struct Gids {
        gid_t group; /* is in the list already */
        gid_t *list;
        long at, room;
        bool cut;    /* there must not be more: what does not fit is left out */
        long end;    /* where the added ones end */
        size_t more; /* by how much the list was too short */
} Gids;

/* What glibc asks for, and where it wants it. */
typedef struct Request {
        Kind kind;
        Query query; /* of a walk: not used */
        void *ret;   /* struct passwd, struct group or Gids */
        char *buffer;
        size_t size;
} Request;

/* No name is the empty one, which nobody has. */
static inline Request request_by_name(Kind kind, const char *name, void *ret, char *buffer,
                                      size_t size) {
        return (Request){ .kind = kind,
                          .query.name = name ? name : "",
                          .query.len = name ? strnlen(name, BASE_NAME_MAX + 1) : 0,
                          .ret = ret,
                          .buffer = buffer,
                          .size = size };
}

static inline Request request_by_id(Kind kind, uint32_t id, void *ret, char *buffer, size_t size) {
        return (Request){
                .kind = kind, .query.id = id, .ret = ret, .buffer = buffer, .size = size
        };
}

/* A record of the map, or an answer of umd in its shape. */
typedef union Found {
        MapUser user;
        MapGroup group;
} Found;

/* From the map; from umd where no valid, complete map says anything. */
enum nss_status lookup(Request request, int *ret_errno);

/* Each hands one record out: a copy of its strings into the buffer, of its gids into the list.
 * TRYAGAIN and ERANGE where they do not fit. */
enum nss_status user_copy(const MapUser *user, Request request, int *ret_errno);
enum nss_status group_copy(const MapGroup *group, Request request, int *ret_errno);
enum nss_status gids_copy(const MapUser *user, Request request, int *ret_errno);
enum nss_status found_copy(const Found *found, Request request, int *ret_errno);
/* uid and gid 0 are nobody's of um, whatever a map says. */
bool found_valid(const Found *found, Kind kind);

/* A thread's way through all users, or all groups; {} before its beginning. */
typedef struct Walk {
        bool begun, over;
        MapView view; /* a mapping of its own: one moment from beginning to end */
        MapCursor cursor;
} Walk;

enum nss_status walk_next(Walk *walk, Request request, int *ret_errno);
void walk_end(Walk *walk);

/* May um own what is asked for?  Asked before the socket only: a map cannot hold what it may not.
 * 1 yes, 0 no (another source's, or nobody's), or a fault of reading /etc/passwd or /etc/group. */
int query_possible(Kind kind, const Query *query);

/* ---- umd, asked where there is no map -------------------------------------------------------- */

/* An answer of umd, in the shape of a record. */
typedef struct Answer {
        void *memory; /* what is found points into it */
        Found found;
} Answer;

void answer_done(Answer *answer);
/* 1 found, 0 umd says that there is none, or a fault.  Of a KIND_GROUPS_OF_USER only the gids are
 * set.  At most 250 ms; after a silent or senseless peer -EHOSTDOWN at once for two seconds. */
int socket_ask(Kind kind, const Query *query, Answer *ret);

/* ---- D-Bus, as much of it as five calls need ------------------------------------------------- */

#define MESSAGE_MAX 65536U

/* Writes a method call with serial 1 and one argument, s or u.  Returns its length; 0: too long. */
size_t message_call(const char *member, const Query *query, unsigned char *buf, size_t size);

typedef enum MessageKind {
        MESSAGE_OTHER, /* a signal, a call: not for us */
        MESSAGE_RETURN,
        MESSAGE_ERROR,
} MessageKind;

typedef struct Message {
        MessageKind kind;
        const char *error; /* of an ERROR */
        const char *signature;
        const unsigned char *body;
        size_t body_bytes;
} Message;

#define MESSAGE_HEAD_BYTES 16U
/* The whole length of the message that begins with these 16 bytes; -EBADMSG, -EMSGSIZE. */
int message_length(const unsigned char *head, size_t *ret_bytes);
/* Takes a whole message apart; everything points into bytes, which must be 8-aligned.  -EBADMSG for
 * whatever the specification forbids, and for a reply that is not to serial 1. */
int message_parse(const unsigned char *bytes, size_t len, Message *ret);

/* Reads a body from its beginning; after a fault every further read fails too. */
typedef struct Body {
        const unsigned char *bytes;
        size_t len, at;
        bool bad;
} Body;

uint32_t body_u32(Body *body);
/* NUL-terminated, without a NUL inside; "" after a fault. */
const char *body_string(Body *body, size_t *ret_len);
/* Bytes of the array that begins here (its elements are 4-aligned); at is then its first byte. */
uint32_t body_array(Body *body);
/* Has all of it been read, without a fault? */
bool body_finished(const Body *body);

/* ---- statuses -------------------------------------------------------------------------------- */

static inline enum nss_status nss_none(int *ret_errno) {
        *ret_errno = ENOENT;
        return NSS_STATUS_NOTFOUND;
}

static inline enum nss_status nss_too_small(int *ret_errno) {
        *ret_errno = ERANGE;
        return NSS_STATUS_TRYAGAIN;
}

/* ERANGE and EAGAIN would make callers try again with a larger buffer, or for ever. */
static inline enum nss_status nss_unavailable(int fault, int *ret_errno) {
        *ret_errno = fault == -ERANGE || fault == -EAGAIN || fault >= 0 ? EIO : -fault;
        return NSS_STATUS_UNAVAIL;
}

/* ---- what glibc calls ------------------------------------------------------------------------ */

enum nss_status _nss_um_getpwnam_r(const char *name, struct passwd *ret, char *buffer, size_t size,
                                   int *ret_errno);
enum nss_status _nss_um_getpwuid_r(uid_t uid, struct passwd *ret, char *buffer, size_t size,
                                   int *ret_errno);
enum nss_status _nss_um_setpwent(int stay_open);
enum nss_status _nss_um_getpwent_r(struct passwd *ret, char *buffer, size_t size, int *ret_errno);
enum nss_status _nss_um_endpwent(void);
enum nss_status _nss_um_getgrnam_r(const char *name, struct group *ret, char *buffer, size_t size,
                                   int *ret_errno);
enum nss_status _nss_um_getgrgid_r(gid_t gid, struct group *ret, char *buffer, size_t size,
                                   int *ret_errno);
enum nss_status _nss_um_setgrent(int stay_open);
enum nss_status _nss_um_getgrent_r(struct group *ret, char *buffer, size_t size, int *ret_errno);
enum nss_status _nss_um_endgrent(void);
enum nss_status _nss_um_initgroups_dyn(const char *name, gid_t group, long *start, long *size,
                                       gid_t **groups, long limit, int *ret_errno);
