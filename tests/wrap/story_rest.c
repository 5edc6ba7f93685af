/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The map's writer, whose readers must not notice what failed in it, and base. */

#include <assert.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/wrap/story.h"

/* ---- the map's writer ------------------------------------------------------------------------ */

/* Every user of a complete map, read anew: whatever failed in the writer. */
static void map_check(const Run *run) {
        MapView view;
        MapUser user;
        Person p;
        int r = map_open(MAP_PATH, &view);

        if (r < 0) {
                wrong(run, "no map any more: %d", r);
                return;
        }
        for (uint32_t n = 0; n < STANDIN_USERS; n++) {
                person_get(n, &p);
                r = map_user_by_name(&view, p.name, strlen(p.name), &user);
                if (r != 1 || user.uid != p.user.uid ||
                    strcmp(user.strings + user.shell_at, p.user.shell) != 0)
                        wrong(run, "the map has %s wrong (%d)", p.name, r);
        }
        map_close(&view);
}

void publish_run(Run *run) {
        int r;

        wrap_arm(&run->plan);
        r = publish(MAP_FLAG_COMPLETE | MAP_FLAG_ENUMERATE, STANDIN_USERS);
        wrap_disarm(&run->tally);
        if (r < 0 && run->tally.failures == 0)
                wrong(run, "fault %d, though nothing failed", r);
        map_check(run);
        if (r < 0 && publish(MAP_FLAG_COMPLETE | MAP_FLAG_ENUMERATE, STANDIN_USERS) < 0)
                wrong(run, "a second try does not publish");
}

void append_run(Run *run) {
        const char *before = test.shell, *after = before[5] == 's' ? "/bin/bash" : "/bin/sh";
        Person p;
        int r;

        person_make(1, after, &p);
        wrap_arm(&run->plan);
        r = map_append(test.writer, &(MapChange){ .user = &p.user }, 1);
        wrap_disarm(&run->tally);
        if (r == 0)
                test.shell = after;
        else if (r < 0 && run->tally.failures == 0)
                wrong(run, "fault %d, though nothing failed", r);
        map_check(run);
        if (r == MAP_E_FULL)
                assert(publish(MAP_FLAG_COMPLETE | MAP_FLAG_ENUMERATE, STANDIN_USERS) == 0);
}

/* ---- base ------------------------------------------------------------------------------------ */

static void fault_check(const Run *run, int r) {
        if (r < 0 && run->tally.failures == 0)
                wrong(run, "fault %d, though nothing failed", r);
}

void file_run(Run *run) {
        _cleanup_free_ char *data = NULL;
        size_t len = 0;
        int r;

        wrap_arm(&run->plan);
        r = base_file_read(AT_FDCWD, LOCAL_FILE, 65536, &data, &len);
        wrap_disarm(&run->tally);
        fault_check(run, r);
        if (r >= 0 && (len != strlen(data) || !strstr(data, "\nu39:x:") || data[len - 1] != '\n'))
                wrong(run, "a file of %zu bytes", len);
        if (r < 0 && data)
                wrong(run, "a fault and a file");
}

void local_run(Run *run) {
        bool exists = run->story.subject < STANDIN_USERS;
        char name[16], found[16] = "";
        uint32_t id = 7;
        int r;

        snprintf(name, sizeof(name), "u%u", run->story.subject);
        wrap_arm(&run->plan);
        r = run->story.verb == VERB_LOCAL_NAME
                    ? base_local_find_name(LOCAL_FILE, name, &id)
                    : base_local_find_id(LOCAL_FILE, 1000 + run->story.subject, found,
                                         sizeof(found));
        wrap_disarm(&run->tally);
        fault_check(run, r);
        if (r >= 0 && r != exists)
                wrong(run, "%d", r);
        if (r == 1 && (run->story.verb == VERB_LOCAL_NAME ? id != 1000 + run->story.subject
                                                          : strcmp(found, name) != 0))
                wrong(run, "id %u, name %s", id, found);
}

void secret_run(Run *run) {
        _cleanup_secret_ Secret *secret = NULL;
        unsigned char random[64] = {};
        int r;

        wrap_arm(&run->plan);
        r = base_secret_new("hunter2", 7, &secret);
        if (r >= 0)
                r = base_random(random, sizeof(random));
        wrap_disarm(&run->tally);
        fault_check(run, r);
        if (secret &&
            (base_secret_len(secret) != 7 || memcmp(base_secret_bytes(secret), "hunter2", 8) != 0))
                wrong(run, "another secret");
        /* a half that stayed zero: one chance in 2^256 */
        if (r >= 0 &&
            (memcmp(random, (char[32]){}, 32) == 0 || memcmp(random + 32, (char[32]){}, 32) == 0))
                wrong(run, "not random");
}

/* As in a program that starts with standard input closed. */
void descriptor_run(Run *run) {
        int kept = fcntl(0, F_DUPFD_CLOEXEC, 100), fd, r;

        assert(kept >= 0);
        close(0);
        fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
        assert(fd == 0);
        wrap_arm(&run->plan);
        r = base_fd_above_stdio(fd);
        wrap_disarm(&run->tally);
        fault_check(run, r);
        if (r >= 0 && r < 3)
                wrong(run, "descriptor %d", r);
        if (fcntl(0, F_GETFD) >= 0)
                wrong(run, "descriptor 0 is still open");
        base_close(r);
        assert(dup2(kept, 0) == 0);
        close(kept);
}

void connect_run(Run *run) {
        bool listens = run->story.scene != SCENE_NOTHING;
        _cleanup_close_ int fd = -1;
        uid_t uid = 1;
        gid_t gid;
        pid_t pid;
        int r;

        wrap_arm(&run->plan);
        r = base_unix_connect(BUS, SOCK_STREAM, base_boottime_usec() + 50 * USEC_PER_MSEC, &fd);
        if (r >= 0)
                r = base_peer_credentials(fd, &uid, &gid, &pid);
        wrap_disarm(&run->tally);
        if (listens)
                fault_check(run, r);
        else if (r >= 0)
                wrong(run, "connected to nobody");
        if (r >= 0 && uid != geteuid())
                wrong(run, "peer %u", uid);
        if (r < 0 && fd >= 0 && uid != (uid_t)-1)
                wrong(run, "credentials %u with a fault", uid);
}
