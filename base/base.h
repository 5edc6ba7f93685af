/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* base: what C lacks and every folder needs.  libc only; nothing here logs, reads the environment,
 * starts a thread or installs a handler, so all of it may run inside any process that loads one of
 * um's modules.  Faults are negative errno values. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/types.h>

/* ---- ownership ------------------------------------------------------------------------------- */

#define _cleanup_(f)     __attribute__((cleanup(f)))
#define _cleanup_free_   _cleanup_(base_freep)
#define _cleanup_close_  _cleanup_(base_closep)
#define _cleanup_secret_ _cleanup_(base_secret_freep)

/* Hands an owned pointer over: the variable is NULL afterwards. */
#define TAKE(var)                                                                                  \
        ({                                                                                         \
                __typeof__(var) *take_at_ = &(var);                                                \
                __typeof__(var) take_value_ = *take_at_;                                           \
                *take_at_ = NULL;                                                                  \
                take_value_;                                                                       \
        })

#define ARRAY_LENGTH(a) (sizeof(a) / sizeof((a)[0]))

static inline void base_freep(void *p) {
        free(*(void **)p);
}

/* Closes fd if it is one, keeps errno, returns -1: fd = base_close(fd). */
int base_close(int fd);

static inline void base_closep(int *fd) {
        base_close(*fd);
}

static inline int base_take_fd(int *fd) {
        int value = *fd;

        *fd = -1;
        return value;
}

/* ---- time ------------------------------------------------------------------------------------ */

#define USEC_PER_MSEC ((uint64_t)1000)
#define USEC_PER_SEC  ((uint64_t)1000000)
#define USEC_INFINITY UINT64_MAX

/* The wall clock, microseconds since 1970 UTC.  Only entry points call this; others are given now.
 */
uint64_t base_realtime_usec(void);
/* CLOCK_BOOTTIME: for deadlines, locks and throttles; goes on during suspend, is never set back. */
uint64_t base_boottime_usec(void);
/* CLOCK_THREAD_CPUTIME_ID: what the calling thread had of a processor. */
uint64_t base_thread_usec(void);

/* ---- strict numbers -------------------------------------------------------------------------- */

/* The whole of s as a decimal number: digits only, no sign, no space, no leading zero, at most 20
 * digits.  -EINVAL for anything else, -ERANGE outside [min, max]. */
int base_parse_u64(const char *s, uint64_t min, uint64_t max, uint64_t *ret);
/* A uid or gid: as above, and never 65535 or 4294967295, which mean "none" to the kernel. */
int base_parse_id(const char *s, uint32_t *ret);
/* "90s", "15m", "4h", "30d", "12w", "1y" (365 days); one number, one unit.  "never" is
 * USEC_INFINITY. */
int base_parse_span(const char *s, uint64_t *ret_usec);
/* RFC 3339 with a zone ("2026-08-01T09:00:00Z", "...+02:00", a space for the T allowed), years
 * 1970 to 9999, leap seconds refused. */
int base_parse_rfc3339(const char *s, uint64_t *ret_usec);
/* Writes "2026-08-01T09:00:00Z"; USEC_INFINITY is "never".  buf has at least 32 bytes. */
void base_format_rfc3339(uint64_t usec, char *buf);

/* ---- text ------------------------------------------------------------------------------------ */

/* Lays texts one behind the other, each with its NUL; one that is empty or NULL takes nothing.  The
 * length of each goes to ret_bytes; at most max[i].  What they take together, or -EMSGSIZE. */
ssize_t base_texts_pack(const char *const *texts, const uint16_t *max, size_t count,
                        uint16_t *ret_bytes, char *buf);

/* Decodes one character of UTF-8 strictly (no overlong form, no surrogate, at most U+10FFFF).
 * Returns the bytes used, or -EILSEQ. */
int base_utf8_decode(const char *s, size_t len, uint32_t *ret_codepoint);
/* May the character be shown on a terminal and stored in a field?  No C0, DEL, C1, line or
 * paragraph separator, bidi control, byte-order mark, noncharacter (SECURITY: shadow's
 * CVE-2023-29383 and on). */
bool base_codepoint_printable(uint32_t codepoint);
/* Copies at most len bytes of s so that a terminal or log can show them: what is not printable
 * UTF-8 becomes \xNN per byte, a backslash \\.  Always terminates; cuts at a character, ending in
 * "..." if it had to.  Returns the length written. */
size_t base_escape(const char *s, size_t len, char *buf, size_t size);

/* A bounded text being built in a caller's buffer; never overruns, remembers that it was cut. */
typedef struct Text {
        char *buf;
        size_t size;
        size_t len;
        bool cut;
} Text;

void base_text_init(Text *text, char *buf, size_t size);
void base_text_add(Text *text, const char *s);
void base_text_addf(Text *text, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* ---- fields: the one validator --------------------------------------------------------------- */

#define BASE_NAME_MAX  32U  /* user and group names, bytes without the NUL */
#define BASE_GECOS_MAX 255U /* full names; also the derived GECOS */
#define BASE_PATH_MAX  255U /* home and shell */
#define BASE_LINE_MAX  255U /* title, department, reason, phone, ... */
#define BASE_EMAIL_MAX 254U /* RFC 5321 */
#define BASE_PASSWORD_MAX                                                                          \
        511U /* PAM_MAX_RESP_SIZE and libxcrypt's limit, both 512 with the NUL; longer: refused */

typedef enum Field {
        FIELD_USER_NAME,  /* [a-z_][a-z0-9_-]*, not a number in any base, not um or um-* */
        FIELD_GROUP_NAME, /* the same */
        FIELD_FULL_NAME,  /* printable UTF-8 without ':' ',' '='; may be empty */
        FIELD_HOME,       /* absolute, no empty, "." or ".." part, no ':' */
        FIELD_SHELL,      /* the same */
        FIELD_LINE,       /* printable UTF-8; may be empty */
        FIELD_EMAIL,      /* local@domain, ASCII, as RFC 5321 without quoting; may be empty */
        FIELD_PHONE,      /* [+]digits, spaces, "-", "(", ")", "/"; may be empty */
        FIELD_LANGUAGE,   /* BCP 47 or locale shape: de, de-AT, pt_BR; may be empty */
        FIELD_TIME_ZONE,  /* IANA shape: Europe/Berlin, UTC; that it exists is the caller's to check
                           */
        _FIELD_MAX,
} Field;

typedef enum FieldFault {
        FIELD_OK,
        FIELD_FAULT_EMPTY,
        FIELD_FAULT_TOO_LONG,
        FIELD_FAULT_FIRST,     /* the first character is not permitted there */
        FIELD_FAULT_CHARACTER, /* a character that is never permitted */
        FIELD_FAULT_ENCODING,  /* not UTF-8 */
        FIELD_FAULT_NUMERIC,   /* would be read as a number by some tool */
        FIELD_FAULT_RESERVED,  /* um's own: um, um-* */
        FIELD_FAULT_RELATIVE,  /* not an absolute path */
        FIELD_FAULT_PART,      /* an empty, "." or ".." part of a path */
        FIELD_FAULT_SHAPE,     /* the whole does not have the form */
        _FIELD_FAULT_MAX,
} FieldFault;

/* Checks len bytes (a NUL among them is a FIELD_FAULT_CHARACTER).  Applied at write, import, sync,
 * publish and print alike: nothing else in um decides what a name may look like. */
FieldFault base_field_check(Field field, const char *s, size_t len);
/* "name", "full name", ... as errors name it; static. */
const char *base_field_label(Field field);
/* The rule that was broken, as a phrase to follow the value: "must begin with a-z or _"; static. */
const char *base_field_rule(Field field, FieldFault fault);

/* Why an id may not be given to a user or group of um ("system ids 0-999"), or NULL if it may. */
const char *base_id_reserved(uint32_t id);

/* ---- /etc/passwd and /etc/group, read without NSS -------------------------------------------- */

#define BASE_PASSWD_PATH "/etc/passwd"
#define BASE_GROUP_PATH  "/etc/group"

/* One line of either file: name, any password field, id.  False for what is not such a line. */
bool base_local_parse(const char *line, size_t len, const char **ret_name, size_t *ret_name_len,
                      uint32_t *ret_id);
/* Looks for a name in a file of that form.  1 and the id, 0 if it is not there or the file is not,
 * or a fault.  Opens, reads with a buffer on the stack and closes; no allocation. */
int base_local_find_name(const char *path, const char *name, uint32_t *ret_id);
/* The same by id; the holder's name is written (BASE_NAME_MAX is no limit there: cut at size). */
int base_local_find_id(const char *path, uint32_t id, char *ret_name, size_t size);

/* ---- secrets --------------------------------------------------------------------------------- */

/* Bytes that are locked in memory where the limits allow it, kept out of core dumps, wiped when
 * freed, and cannot be formatted: there is no function that makes text of them.  A Secret holds at
 * most BASE_SECRET_MAX bytes and always has a NUL behind them for crypt(3). */
#define BASE_SECRET_MAX 4096U
typedef struct Secret Secret;

int base_secret_new(const void *data, size_t len, Secret **ret); /* -E2BIG, -ENOMEM */
Secret *base_secret_free(Secret *secret);                        /* NULL allowed; returns NULL */
const void *base_secret_bytes(const Secret *secret);             /* valid until freed */
size_t base_secret_len(const Secret *secret);
/* Compares in time that depends on len alone. */
bool base_bytes_equal(const void *a, const void *b, size_t len);
void base_wipe(void *data, size_t len);

static inline void base_secret_freep(Secret **secret) {
        *secret = base_secret_free(*secret);
}

/* ---- descriptors and sockets ----------------------------------------------------------------- */

/* Fills data with random bytes from the kernel, waiting for its pool at early boot. */
int base_random(void *data, size_t len);
/* Moves fd above 2, close-on-exec; programs start with 0-2 closed (SECURITY F4).  The old number is
 * closed, also on error. */
int base_fd_above_stdio(int fd);
/* Waits until fd is ready or the boottime deadline: 1 ready, -ETIMEDOUT, or a fault.  EINTR is
 * retried. */
int base_poll_until(int fd, short events, uint64_t deadline_usec);
/* The uid, gid and pid of a unix socket's peer at connect; ids are (uid_t)-1 on any fault. */
int base_peer_credentials(int fd, uid_t *ret_uid, gid_t *ret_gid, pid_t *ret_pid);
/* Connects a SOCK_CLOEXEC|SOCK_NONBLOCK unix socket above stdio, within the deadline. */
int base_unix_connect(const char *path, int type, uint64_t deadline_usec, int *ret_fd);
/* Reads at most max bytes of a regular file (O_NOFOLLOW, O_NONBLOCK, checked by fstat);
 * NUL-terminated, *ret is the caller's.  -EFBIG where there is more. */
int base_file_read(int dir_fd, const char *path, size_t max, char **ret, size_t *ret_len);

/* ---- a small service's first steps ----------------------------------------------------------- */

/* umask 0077, no core dump, not dumpable, no new privileges; descriptors 0-2 are open afterwards
 * (on /dev/null where they were not).  Asserted by the process itself, whatever its unit says. */
int base_process_harden(void);
/* The same for the one process that has to run a setgid program: new privileges are possible. */
int base_process_harden_but_exec(void);

/* What a small service is started with, read by getopt_long(3).  All of them take --fd, --peer-uid,
 * --help and --version; own names further ones, whose argument goes to *value. */
typedef struct BaseOption {
        const char *name;
        const char **value; /* NULL: it takes none */
        bool *flag;         /* and is set here */
} BaseOption;

#define BASE_OPTIONS_MAX 8U /* of one's own */

typedef struct BaseServiceOptions {
        int fd; /* -1: socket activation */
        bool has_peer;
        uint32_t peer_uid;
} BaseServiceOptions;

/* program as it calls itself in messages.  0; 1: --help or --version was answered; -EINVAL: what is
 * wrong was told. */
int base_service_options(int argc, char **argv, const char *program, const char *version,
                         const char *usage, const BaseOption *own, size_t own_count,
                         BaseServiceOptions *ret);

#define BASE_SERVICE_USER "um" /* umd's */

/* The one socket of a small service, SOCK_SEQPACKET, non-blocking, and whom it serves. */
#define BASE_SERVICE_PAUSE_MSEC 100

typedef struct BaseService {
        int listen_fd; /* from systemd, or -1 */
        int client_fd; /* by hand: this end of a socket pair, or -1 */
        uid_t peers[3];
        size_t peer_count;
} BaseService;

/* Takes fd, or for -1 the socket systemd passed (LISTEN_PID and LISTEN_FDS of the environment,
 * sd_listen_fds(3); NULL allowed), moves it to 3 and closes whatever else stands above stdio: only
 * for main(), before any other descriptor is opened.  It serves only_uid or, where that is NULL,
 * root, the user um of /etc/passwd and, by hand, the own uid.
 * -ENOTCONN: there is no socket; -EPROTOTYPE, -EINVAL: not one of this kind, or more than one. */
int base_service_start(int fd, const char *listen_pid, const char *listen_fds,
                       const uint32_t *only_uid, BaseService *ret);
/* Is the peer of fd one of those?  False on any doubt. */
bool base_service_serves(const BaseService *service, int fd);
/* The next peer, non-blocking: 1 *ret_fd is one it serves, 0 nobody, or -EBUSY: there is nothing to
 * accept it with; do not poll for others for BASE_SERVICE_PAUSE_MSEC. */
int base_service_accept(const BaseService *service, int *ret_fd);
/* Blocks SIGTERM and SIGINT and returns a signalfd(2) for them: before the first thread. */
int base_service_signals(void);
