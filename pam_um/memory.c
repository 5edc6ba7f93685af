/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What one PAM handle remembers between the calls of a login: who was judged under which login id,
 * the connection he was judged on, and the session's descriptor.  pam_set_data keeps it inside the
 * process; sshd authenticates in a child that is gone when the session opens, so the login id also
 * travels in PAM's environment, where umd's own binding to user, service and peer has to guard it.
 */

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/base.h"
#include "pam_um/pam_um.h"

#define PROOF_KEY      "um-proof"
#define CONNECTION_KEY "um-connection"
#define SESSION_KEY    "um-session"

static int data_set(pam_handle_t *handle, const char *key, void *data,
                    void (*cleanup)(pam_handle_t *, void *, int)) {
        if (pam_set_data(handle, key, data, cleanup) == PAM_SUCCESS)
                return 0;
        cleanup(handle, data, 0);
        return -ENOMEM;
}

/* Runs the cleanup of what stood there.  Without an entry libpam would allocate one for nothing. */
static bool data_drop(pam_handle_t *handle, const char *key) {
        const void *data = NULL;

        if (pam_get_data(handle, key, &data) != PAM_SUCCESS || !data)
                return false;
        (void)pam_set_data(handle, key, NULL, NULL); /* replacing needs no memory */
        return true;
}

static void proof_cleanup(pam_handle_t *handle, void *data, int error_status) {
        if (data)
                base_wipe(data, sizeof(Proof));
        free(data);
}

int memory_set_proof(const Call *call, const char *login, bool foreign) {
        Proof *proof = calloc(1, sizeof(*proof));

        if (!proof)
                return -ENOMEM;
        proof->foreign = foreign;
        memcpy(proof->user, call->user, sizeof(proof->user));
        memcpy(proof->service, call->service, sizeof(proof->service));
        strncpy(proof->login, login, sizeof(proof->login) - 1);
        return data_set(call->handle, PROOF_KEY, proof, proof_cleanup);
}

const Proof *memory_proof(const pam_handle_t *handle) {
        const void *data = NULL;

        return pam_get_data(handle, PROOF_KEY, &data) == PAM_SUCCESS ? data : NULL;
}

void memory_drop_proof(pam_handle_t *handle) {
        (void)data_drop(handle, PROOF_KEY);
}

bool memory_proof_fits(const Proof *proof, const Call *call) {
        return strcmp(proof->user, call->user) == 0 && strcmp(proof->service, call->service) == 0;
}

int memory_set_login_env(pam_handle_t *handle, const char *login) {
        char pair[sizeof(WIRE_LOGIN_ID_ENV "=") + WIRE_LOGIN_ID_BYTES] = WIRE_LOGIN_ID_ENV "=";

        strncat(pair, login, WIRE_LOGIN_ID_BYTES);
        return pam_putenv(handle, pair) == PAM_SUCCESS ? 0 : -ENOMEM;
}

void memory_login_env(pam_handle_t *handle, char *ret) {
        const char *value = pam_getenv(handle, WIRE_LOGIN_ID_ENV);

        if (value && strlen(value) == WIRE_LOGIN_ID_BYTES &&
            strspn(value, "0123456789abcdef") == WIRE_LOGIN_ID_BYTES)
                memcpy(ret, value, WIRE_LOGIN_ID_BYTES + 1);
        else
                ret[0] = '\0';
}

void memory_drop_login_env(pam_handle_t *handle) {
        if (pam_getenv(handle,
                       WIRE_LOGIN_ID_ENV)) /* libpam logs the removal of what is not there */
                (void)pam_putenv(handle, WIRE_LOGIN_ID_ENV);
}

/* ---- the connection -------------------------------------------------------------------------- */

/* umd took pid and uids from the kernel when it was made: it speaks for no other process, and for
 * this one only as long as they are the same. */
typedef struct Connection {
        sd_bus *bus; /* NULL: taken */
        int fd;
        dev_t dev; /* the socket's: an application may close any descriptor behind our back, */
        ino_t ino; /* and the number is somebody else's then */
        pid_t pid;
        uid_t uid, real_uid;
} Connection;

static bool connection_is_open(const Connection *connection) {
        struct stat st;

        return fstat(connection->fd, &st) == 0 && S_ISSOCK(st.st_mode) &&
               st.st_dev == connection->dev && st.st_ino == connection->ino;
}

static bool connection_is_ours(const Connection *connection) {
        return connection->pid == getpid() && connection->uid == geteuid() &&
               connection->real_uid == getuid();
}

/* sd-bus does nothing in a forked child, and would close a number that is not its own any more: in
 * both cases its memory is given up. */
static void connection_cleanup(pam_handle_t *handle, void *data, int error_status) {
        Connection *connection = data;

        if (!connection)
                return;
        if (connection->bus && connection_is_open(connection)) {
                if (connection->pid == getpid())
                        sd_bus_close_unref(connection->bus);
                else
                        base_close(connection->fd);
        }
        free(connection);
}

static int connection_describe(sd_bus *bus, Connection *ret) {
        struct stat st;
        int fd = sd_bus_get_fd(bus);

        if (fd < 0)
                return fd;
        if (fstat(fd, &st) < 0)
                return -errno;
        *ret = (Connection){ .bus = bus,
                             .fd = fd,
                             .dev = st.st_dev,
                             .ino = st.st_ino,
                             .pid = getpid(),
                             .uid = geteuid(),
                             .real_uid = getuid() };
        return 0;
}

int memory_set_connection(pam_handle_t *handle, sd_bus *bus) {
        Connection *connection = malloc(sizeof(*connection));
        int r = connection ? connection_describe(bus, connection) : -ENOMEM;

        if (r < 0) {
                free(connection);
                sd_bus_close_unref(bus);
                return r;
        }
        return data_set(handle, CONNECTION_KEY, connection, connection_cleanup);
}

sd_bus *memory_take_connection(pam_handle_t *handle) {
        const void *data = NULL;
        sd_bus *bus = NULL;

        if (pam_get_data(handle, CONNECTION_KEY, &data) == PAM_SUCCESS && data) {
                Connection *connection = (Connection *)data; /* libpam gives our own back const */

                if (connection_is_ours(connection) && connection_is_open(connection) &&
                    wire_is_quiet(connection->bus))
                        bus = TAKE(connection->bus);
        }
        memory_drop_connection(handle);
        return bus;
}

void memory_drop_connection(pam_handle_t *handle) {
        (void)data_drop(handle, CONNECTION_KEY);
}

/* ---- the session ----------------------------------------------------------------------------- */

static void session_cleanup(pam_handle_t *handle, void *data, int error_status) {
        int *session = data;

        if (session)
                base_close(*session);
        free(session);
}

int memory_set_session(pam_handle_t *handle, int fd) {
        int *session = malloc(sizeof(*session));

        if (!session) {
                base_close(fd);
                return -ENOMEM;
        }
        *session = fd;
        return data_set(handle, SESSION_KEY, session, session_cleanup);
}

bool memory_drop_session(pam_handle_t *handle) {
        return data_drop(handle, SESSION_KEY);
}
