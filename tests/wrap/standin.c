/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The stand-in: sd-bus on the server's side of the private socket.  What it says is right by
 * construction; the tests hold against it what a module makes of it while calls fail. */

#include <assert.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/base.h"
#include "tests/nss/mkmap.h"
#include "tests/wrap/standin.h"
#include "wire/wire.h"

#define PEERS_MAX 8U

typedef struct Login {
        char id[WIRE_LOGIN_ID_BYTES + 1], user[BASE_NAME_MAX + 1];
        bool changing;
        unsigned step;
        char fresh[BASE_PASSWORD_MAX + 1];
} Login;

/* One at a time: the tests make one call after the other. */
static Login login, proved; /* the dialogue, and the last login whose password was right */
static StandinTally *tally;

/* ---- org.um1.Nss ----------------------------------------------------------------------------- */

static bool person_find(const char *name, uint32_t id, Person *ret) {
        for (uint32_t n = 0; n < STANDIN_USERS; n++) {
                person_make(n, "/bin/sh", ret);
                if (name ? strcmp(ret->name, name) == 0 : ret->user.uid == id)
                        return true;
        }
        return false;
}

static int person_read(sd_bus_message *m, Person *ret) {
        bool by_name = sd_bus_message_has_signature(m, "s") > 0;
        const char *name = NULL;
        uint32_t id = 0;
        int r = by_name ? sd_bus_message_read_basic(m, 's', &name)
                        : sd_bus_message_read_basic(m, 'u', &id);

        return r < 0 ? r : person_find(name, id, ret);
}

static int user_get(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        Person p;
        int r = person_read(m, &p);

        if (r <= 0)
                return r < 0 ? r
                             : sd_bus_reply_method_errorf(m, WIRE_ERROR_PREFIX "NoSuchUser", "no");
        return sd_bus_reply_method_return(m, "suusss", p.user.name, p.user.uid, p.user.gid, p.gecos,
                                          p.home, p.user.shell);
}

static int group_get(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        sd_bus_message *reply = NULL;
        Person p;
        int r = person_read(m, &p);

        if (r <= 0)
                return r < 0 ? r
                             : sd_bus_reply_method_errorf(m, WIRE_ERROR_PREFIX "NoSuchGroup", "no");
        r = sd_bus_message_new_method_return(m, &reply);
        if (r >= 0)
                r = sd_bus_message_append(reply, "su", p.group.name, p.group.gid);
        if (r >= 0)
                r = sd_bus_message_open_container(reply, 'a', "s");
        for (size_t i = 0; i < p.group.member_count && r >= 0; i++)
                r = sd_bus_message_append_basic(reply, 's', p.group.members[i]);
        if (r >= 0)
                r = sd_bus_message_close_container(reply);
        if (r >= 0)
                r = sd_bus_send(NULL, reply, NULL);
        sd_bus_message_unref(reply);
        return r;
}

static int gids_get(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        sd_bus_message *reply = NULL;
        uint32_t gids[9];
        Person p;
        int r = person_read(m, &p);

        if (r <= 0)
                return r < 0 ? r
                             : sd_bus_reply_method_errorf(m, WIRE_ERROR_PREFIX "NoSuchUser", "no");
        gids[0] = p.user.gid;
        memcpy(gids + 1, p.gids, p.user.gid_count * sizeof(gids[0]));
        r = sd_bus_message_new_method_return(m, &reply);
        if (r >= 0)
                r = sd_bus_message_append_array(reply, 'u', gids,
                                                (p.user.gid_count + 1) * sizeof(gids[0]));
        if (r >= 0)
                r = sd_bus_send(NULL, reply, NULL);
        sd_bus_message_unref(reply);
        return r;
}

/* ---- org.um1.Login --------------------------------------------------------------------------- */

static int context_read(sd_bus_message *m, char *user, bool *changing) {
        const char *key, *value;
        int r = sd_bus_message_enter_container(m, 'a', "{sv}");

        user[0] = '\0';
        while (r >= 0 && (r = sd_bus_message_enter_container(m, 'e', "sv")) > 0) {
                r = sd_bus_message_read_basic(m, 's', &key);
                if (r >= 0 && strcmp(key, "user") == 0) {
                        r = sd_bus_message_read(m, "v", "s", &value);
                        if (r >= 0)
                                strncpy(user, value, BASE_NAME_MAX);
                } else if (r >= 0 && strcmp(key, "operation") == 0) {
                        r = sd_bus_message_read(m, "v", "s", &value);
                        if (r >= 0)
                                *changing = strcmp(value, WIRE_OPERATION_CHANGE_PASSWORD) == 0;
                } else if (r >= 0)
                        r = sd_bus_message_skip(m, "v");
                if (r >= 0)
                        r = sd_bus_message_exit_container(m);
        }
        return r < 0 ? r : sd_bus_message_exit_container(m);
}

static bool user_is(const char *user, const char *name) {
        return strcmp(user, name) == 0;
}

static int step_append(sd_bus_message *reply, WireStepKind kind, const char *text, const char *key,
                       const char *value) {
        return sd_bus_message_append(reply, "(usa{sv})", kind, text, 1, key, "s", value);
}

static int done_append(sd_bus_message *reply, WireVerdict verdict) {
        if (verdict == WIRE_VERDICT_ALLOW && !login.changing)
                tally->proofs++;
        else if (verdict == WIRE_VERDICT_ALLOW)
                tally->changes++;
        else if (verdict == WIRE_VERDICT_UNKNOWN_USER)
                tally->foreign++;
        return sd_bus_message_append(reply, "(usa{sv})", WIRE_STEP_DONE, "", 3, "verdict", "u",
                                     verdict, "reason", "s", "told", "reference", "s", "um-1");
}

static int begin(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        static unsigned counter;
        sd_bus_message *reply = NULL;
        int r;

        login = (Login){};
        snprintf(login.id, sizeof(login.id), "%032x", ++counter);
        r = context_read(m, login.user, &login.changing);
        if (r >= 0)
                r = sd_bus_message_new_method_return(m, &reply);
        if (r >= 0)
                r = sd_bus_message_append_basic(reply, 's', login.id);
        if (r >= 0 && user_is(login.user, "mallory"))
                r = done_append(reply, WIRE_VERDICT_UNKNOWN_USER);
        else if (r >= 0) {
                tally->begins++;
                r = step_append(reply, WIRE_STEP_ASK_HIDDEN, "One line\nPassword: ", "secret",
                                WIRE_SECRET_PASSWORD);
        }
        if (r >= 0)
                r = sd_bus_send(NULL, reply, NULL);
        sd_bus_message_unref(reply);
        return r;
}

/* The steps: the password; in a change then a text to show, the new one and the new one again. */
static int next_append(sd_bus_message *reply, const char *answer) {
        switch (login.step++) {
        case 0:
                if (!user_is(answer, STANDIN_PASSWORD) || user_is(login.user, "dave"))
                        return done_append(reply, WIRE_VERDICT_BAD_PROOF);
                if (!login.changing) {
                        proved = login;
                        return done_append(reply, WIRE_VERDICT_ALLOW);
                }
                return step_append(reply, WIRE_STEP_SHOW, "Choose well.", "later", "unknown key");
        case 1:
                return step_append(reply, WIRE_STEP_ASK_HIDDEN, "New password: ", "secret",
                                   WIRE_SECRET_NEW_PASSWORD);
        case 2:
                memcpy(login.fresh, answer, strlen(answer) + 1);
                return step_append(reply, WIRE_STEP_ASK_HIDDEN, "Again: ", "secret",
                                   WIRE_SECRET_NEW_AGAIN);
        default:
                return done_append(reply, user_is(answer, login.fresh) && answer[0]
                                                  ? WIRE_VERDICT_ALLOW
                                                  : WIRE_VERDICT_CHANGE_FAILED);
        }
}

static int answer(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        sd_bus_message *reply = NULL;
        char text[BASE_PASSWORD_MAX + 1] = "";
        const void *bytes;
        const char *id;
        size_t len;
        int r;

        r = sd_bus_message_read_basic(m, 's', &id);
        if (r >= 0)
                r = sd_bus_message_read_array(m, 'y', &bytes, &len);
        if (r < 0)
                return r;
        if (!user_is(id, login.id) || len > BASE_PASSWORD_MAX)
                return sd_bus_reply_method_errorf(m, WIRE_ERROR_PREFIX "NoSuchEntry", "no");
        if (len > 0)
                memcpy(text, bytes, len);
        r = sd_bus_message_new_method_return(m, &reply);
        if (r >= 0)
                r = next_append(reply, text);
        if (r >= 0)
                r = sd_bus_send(NULL, reply, NULL);
        sd_bus_message_unref(reply);
        return r;
}

/* "" is a login by key; any other must be the one that was proved, for the same user. */
static WireVerdict judge(const char *user, const char *id) {
        if (id[0] && (!user_is(id, proved.id) || !user_is(user, proved.user)))
                return WIRE_VERDICT_DENIED;
        return user_is(user, "alice")     ? WIRE_VERDICT_ALLOW
               : user_is(user, "carol")   ? WIRE_VERDICT_RENEW
               : user_is(user, "eve")     ? WIRE_VERDICT_EXPIRED
               : user_is(user, "mallory") ? WIRE_VERDICT_UNKNOWN_USER
                                          : WIRE_VERDICT_DENIED;
}

static int judged_read(sd_bus_message *m, WireVerdict *ret) {
        char user[BASE_NAME_MAX + 1] = "";
        bool changing;
        const char *id;
        int r = context_read(m, user, &changing);

        if (r >= 0)
                r = sd_bus_message_read_basic(m, 's', &id);
        if (r < 0)
                return r;
        *ret = judge(user, id);
        tally->foreign += *ret == WIRE_VERDICT_UNKNOWN_USER;
        return 0;
}

static int authorize(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        WireVerdict verdict;
        int r = judged_read(m, &verdict);

        if (r < 0)
                return r;
        tally->accounts += verdict == WIRE_VERDICT_ALLOW;
        tally->renewals += verdict == WIRE_VERDICT_RENEW;
        return sd_bus_reply_method_return(m, "usss", verdict, "why", "Said once.", "um-2");
}

static int session_open(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        WireVerdict verdict;
        int pair[2], r = judged_read(m, &verdict);

        if (r < 0)
                return r;
        if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0)
                return -errno;
        if (verdict == WIRE_VERDICT_RENEW)
                verdict = WIRE_VERDICT_DENIED; /* the account phase is where that is said */
        tally->sessions += verdict == WIRE_VERDICT_ALLOW;
        r = sd_bus_reply_method_return(m, "ussssh", verdict, "", "", "um-3",
                                       verdict == WIRE_VERDICT_ALLOW ? "s1" : "", pair[0]);
        close(pair[0]);
        close(pair[1]);
        return r;
}

/* ---- serving --------------------------------------------------------------------------------- */

static const sd_bus_vtable nss_table[] = {
        SD_BUS_VTABLE_START(0),
        SD_BUS_METHOD("GetUserByName", "s", "suusss", user_get, 0),
        SD_BUS_METHOD("GetUserByUID", "u", "suusss", user_get, 0),
        SD_BUS_METHOD("GetGroupByName", "s", "suas", group_get, 0),
        SD_BUS_METHOD("GetGroupByGID", "u", "suas", group_get, 0),
        SD_BUS_METHOD("GetGroupsOfUser", "s", "au", gids_get, 0),
        SD_BUS_VTABLE_END,
};

static const sd_bus_vtable login_table[] = {
        SD_BUS_VTABLE_START(0),
        SD_BUS_METHOD("Begin", "a{sv}", "s(usa{sv})", begin, 0),
        SD_BUS_METHOD("Answer", "say", "(usa{sv})", answer, 0),
        SD_BUS_METHOD("Authorize", "a{sv}s", "usss", authorize, 0),
        SD_BUS_METHOD("OpenSession", "a{sv}s", "ussssh", session_open, 0),
        SD_BUS_VTABLE_END,
};

static sd_bus *peer_new(int fd) {
        sd_id128_t id =
                SD_ID128_MAKE(75, 6d, 75, 6d, 75, 6d, 75, 6d, 75, 6d, 75, 6d, 75, 6d, 75, 6d);
        sd_bus *bus = NULL;

        assert(sd_bus_new(&bus) >= 0 && sd_bus_set_fd(bus, fd, fd) >= 0);
        assert(sd_bus_set_server(bus, true, id) >= 0 && sd_bus_negotiate_fds(bus, true) >= 0);
        assert(sd_bus_add_object_vtable(bus, NULL, WIRE_PATH, WIRE_NSS, nss_table, NULL) >= 0);
        assert(sd_bus_add_object_vtable(bus, NULL, WIRE_PATH, WIRE_LOGIN, login_table, NULL) >= 0);
        if (sd_bus_start(bus) < 0)
                bus = sd_bus_close_unref(bus);
        return bus;
}

/* All there is to do now; NULL once the peer is gone. */
static sd_bus *peer_serve(sd_bus *bus) {
        int r;

        do
                r = sd_bus_process(bus, NULL);
        while (r > 0);
        return r < 0 ? sd_bus_close_unref(bus) : bus;
}

/* Several at a time: a login keeps its connection from one phase to the next, and where a call
 * failed on the way one is left over until its end. */
static void serve(int listener) {
        sd_bus *peers[PEERS_MAX] = { NULL };

        signal(SIGPIPE, SIG_IGN);
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        for (;;) {
                struct pollfd polls[1 + PEERS_MAX] = { { .fd = -1, .events = POLLIN } };

                for (size_t i = 0; i < PEERS_MAX; i++) {
                        if (peers[i])
                                peers[i] = peer_serve(peers[i]);
                        polls[1 + i] = (struct pollfd){ .fd = -1 };
                        if (peers[i])
                                polls[1 + i] = (struct pollfd){ .fd = sd_bus_get_fd(peers[i]),
                                                                .events = (short)sd_bus_get_events(
                                                                        peers[i]) };
                        else
                                polls[0].fd = listener; /* there is a place */
                }
                (void)poll(polls, 1 + PEERS_MAX, -1);
                for (size_t i = 0; (polls[0].revents & POLLIN) && i < PEERS_MAX; i++)
                        if (!peers[i]) {
                                int fd =
                                        accept4(listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

                                peers[i] = fd >= 0 ? peer_new(fd) : NULL;
                                break;
                        }
        }
}

void standin_start(const char *path, Standin *ret) {
        struct sockaddr_un address = { .sun_family = AF_UNIX };
        int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

        tally = mmap(NULL, sizeof(*tally), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1,
                     0);
        assert(listener >= 0 && tally != MAP_FAILED);
        strncpy(address.sun_path, path, sizeof(address.sun_path) - 1);
        (void)unlink(path);
        assert(bind(listener, (struct sockaddr *)&address, sizeof(address)) == 0 &&
               listen(listener, 64) == 0);
        ret->tally = tally;
        ret->pid = fork();
        assert(ret->pid >= 0);
        if (ret->pid == 0)
                serve(listener);
        close(listener);
}

void standin_stop(Standin *standin) {
        kill(standin->pid, SIGKILL);
        waitpid(standin->pid, NULL, 0);
}
