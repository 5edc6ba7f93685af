/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* um-helper: the few things of um that need root.  Fixed verbs, numeric arguments: no path, name or
 * text ever comes with a request.  What a verb needs to know of a user (his name, gid, home) it
 * reads by uid from the published map, and the lines of sudoers from a file beside that.
 *
 * SOCK_SEQPACKET on HELPER_SOCKET (socket-activated, mode 0600, owner um); each request is one
 * HelperRequest, each answer one HelperReply; a packet that is not so ends the connection.  Peers
 * other than um and root are dropped.  umd accepts a helper of uid root only. */

#include <stdint.h>

#define HELPER_SOCKET   "/run/um-helper/socket"
#define HELPER_PROTOCOL 1U

#define HELPER_SUDOERS_FILE "sudoers" /* of map.d, umd's: HEAD, and the lines that are wanted */
#define HELPER_SUDOERS_MAX  (1024U * 1024 + 256) /* bytes */
#define HELPER_SUDOERS_HEAD                                                                        \
        "# Written by um, and written anew with each change: see umctl sudo list.\n"

typedef enum HelperVerb {
        /* Makes the user's home from /etc/skel, mode 0700, owned by him; exactly once in a race,
         * never half.  HELPER_EXISTS where it is there and his, HELPER_FOREIGN where it is there
         * and not. The skeleton's files, folders and symbolic links are copied with their modes,
         * without setuid, setgid and sticky bits, ACLs and extended attributes; other kinds are
         * left out. Takes 8 s at most, else HELPER_FAULT with ETIMEDOUT. */
        HELPER_MAKE_HOME = 1,
        /* Ends every process of the user's sessions and his manager (cgroup user-UID.slice) at
         * once.  HELPER_OK also where there is none.  Does not ask the map: whoever was taken out
         * of it must not stay. */
        HELPER_END_SESSIONS,
        /* Tells him so a while before, on each of his terminals (/dev/pts): one fixed sentence.
         * HELPER_OK also where there is none. */
        HELPER_WARN_SESSIONS,
        /* Makes /etc/sudoers.d/50-um what umd's file of lines says, durably, or removes it where
         * that has none; uid is 0.  HELPER_EXISTS: it is so already.  HELPER_FOREIGN: a file that
         * um did not write.  HELPER_REFUSED: not in the form of um_helper/sudoers_check.c, or
         * sudoers.d is open to others.  Where it does not become so it stays as it was. */
        HELPER_INSTALL_SUDOERS,
        _HELPER_VERB_MAX,
} HelperVerb;

typedef enum HelperStatus {
        HELPER_OK,
        HELPER_EXISTS,
        HELPER_FOREIGN, /* another's file or directory stands there; left alone */
        HELPER_NO_USER, /* the map has no such uid, or the uid is not one um may act on: reserved,
                           or somebody's in /etc/passwd */
        HELPER_REFUSED, /* the home is not in a place um makes homes in, or the verb is unknown */
        HELPER_FAULT,   /* error is the errno value */
        HELPER_NO_SUDO, /* no sudoers.d, or no visudo */
        HELPER_REFUSED_BY_VISUDO,
        _HELPER_STATUS_MAX,
} HelperStatus;

typedef struct HelperRequest {
        uint32_t protocol;
        uint32_t verb; /* HelperVerb */
        uint64_t id;
        uint32_t uid;
        uint32_t reserved; /* 0 */
} HelperRequest;

typedef struct HelperReply {
        uint32_t protocol;
        uint32_t status; /* HelperStatus */
        uint64_t id;
        uint32_t error; /* errno value with HELPER_FAULT, else 0 */
        uint32_t reserved;
} HelperReply;
