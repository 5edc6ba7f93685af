/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Lookups through libnss_um, and whether what they said can be true. */

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "nss_um/nss_um.h"
#include "tests/wrap/story.h"

/* Is there somebody to say who u<n> is? */
static bool answer_possible(const Story *story) {
        return story->scene != SCENE_NOTHING;
}

static bool inside(const char *s, const char *buf, size_t size) {
        return s >= buf && s < buf + size && memchr(s, '\0', (size_t)(buf + size - s));
}

static bool user_right(const struct passwd *pw, const char *buf, size_t size, uint32_t n) {
        Person p;

        person_get(n, &p);
        return inside(pw->pw_name, buf, size) && inside(pw->pw_passwd, buf, size) &&
               inside(pw->pw_gecos, buf, size) && inside(pw->pw_dir, buf, size) &&
               inside(pw->pw_shell, buf, size) && strcmp(pw->pw_name, p.name) == 0 &&
               strcmp(pw->pw_passwd, "*") == 0 && pw->pw_uid == p.user.uid &&
               pw->pw_gid == p.user.gid && strcmp(pw->pw_gecos, p.gecos) == 0 &&
               strcmp(pw->pw_dir, p.home) == 0 &&
               (strcmp(pw->pw_shell, p.user.shell) == 0 || n == 1); /* umd has no newer shell */
}

static bool group_right(const struct group *gr, const char *buf, size_t size, uint32_t n) {
        size_t count = 0;
        Person p;

        person_get(n, &p);
        if (!inside(gr->gr_name, buf, size) || strcmp(gr->gr_name, p.name) != 0 ||
            gr->gr_gid != p.group.gid || strcmp(gr->gr_passwd, "*") != 0 ||
            (const char *)gr->gr_mem < buf || (const char *)gr->gr_mem >= buf + size)
                return false;
        for (char **member = gr->gr_mem; *member; member++, count++)
                if (count >= p.group.member_count || !inside(*member, buf, size))
                        return false;
        for (size_t i = 0; i < count; i++) {
                size_t k = 0;

                while (k < count && strcmp(gr->gr_mem[k], p.members[i]) != 0)
                        k++;
                if (k == count)
                        return false;
        }
        return count == p.group.member_count;
}

/* What a status may be where nobody's record is at hand. */
static void status_check(const Run *run, enum nss_status status, int error, bool right) {
        bool exists = run->story.subject < STANDIN_USERS, small = run->story.size < BUFFER_BYTES;

        switch (status) {
        case NSS_STATUS_SUCCESS:
                if (!exists || !right)
                        wrong(run, exists ? "a wrong record" : "somebody who is nobody");
                return;
        case NSS_STATUS_NOTFOUND:
                if (exists)
                        wrong(run, "nobody, who is somebody");
                break;
        case NSS_STATUS_TRYAGAIN:
                if (error != ERANGE || !small || !exists)
                        wrong(run, "try again, errno %d", error);
                return;
        case NSS_STATUS_UNAVAIL:
                if (error == ERANGE || error == EAGAIN || error == 0)
                        wrong(run, "unavailable with errno %d", error);
                break;
        case NSS_STATUS_RETURN:
        default:
                wrong(run, "status %d", (int)status);
                return;
        }
        if (run->tally.failures > 0)
                return;
        if (status == NSS_STATUS_UNAVAIL && error == ETIMEDOUT) {
                test.late++;
                return;
        }
        if (exists && answer_possible(&run->story))
                wrong(run, "status %d, errno %d, though nothing failed", (int)status, error);
        if (!exists && answer_possible(&run->story) && status != NSS_STATUS_NOTFOUND)
                wrong(run, "no answer, errno %d, though nothing failed", error);
}

void user_run(Run *run) {
        const Story *story = &run->story;
        _cleanup_free_ char *buf = malloc(story->size); /* exactly: who writes beyond is seen */
        enum nss_status status;
        struct passwd pw = {};
        int error = 0;
        char name[16];

        assert(buf);
        snprintf(name, sizeof(name), "u%u", story->subject);
        wrap_arm(&run->plan);
        status = story->verb == VERB_USER_BY_NAME
                         ? _nss_um_getpwnam_r(name, &pw, buf, story->size, &error)
                         : _nss_um_getpwuid_r(MKMAP_FIRST_ID + story->subject, &pw, buf,
                                              story->size, &error);
        wrap_disarm(&run->tally);
        status_check(run, status, error,
                     status == NSS_STATUS_SUCCESS &&
                             user_right(&pw, buf, story->size, story->subject));
}

void group_run(Run *run) {
        const Story *story = &run->story;
        _cleanup_free_ char *buf = malloc(story->size);
        enum nss_status status;
        struct group gr = {};
        int error = 0;
        char name[16];

        assert(buf);
        snprintf(name, sizeof(name), "u%u", story->subject);
        wrap_arm(&run->plan);
        status = story->verb == VERB_GROUP_BY_NAME
                         ? _nss_um_getgrnam_r(name, &gr, buf, story->size, &error)
                         : _nss_um_getgrgid_r(MKMAP_FIRST_ID + story->subject, &gr, buf,
                                              story->size, &error);
        wrap_disarm(&run->tally);
        status_check(run, status, error,
                     status == NSS_STATUS_SUCCESS &&
                             group_right(&gr, buf, story->size, story->subject));
}

static bool gids_right(const gid_t *gids, long count, uint32_t n) {
        Person p;

        person_get(n, &p);
        if (count < 1 || gids[0] != p.user.gid || (size_t)count != p.user.gid_count + 1)
                return false;
        for (size_t i = 0; i < p.user.gid_count; i++) {
                long k = 1;

                while (k < count && gids[k] != p.gids[i])
                        k++;
                if (k == count)
                        return false;
        }
        return true;
}

void gids_run(Run *run) {
        const Story *story = &run->story;
        gid_t primary = MKMAP_FIRST_ID + story->subject, *gids = malloc(sizeof(*gids));
        long start = 1, size = 1;
        enum nss_status status;
        int error = 0;
        char name[16];

        assert(gids);
        gids[0] = primary; /* as glibc calls it */
        snprintf(name, sizeof(name), "u%u", story->subject);
        wrap_arm(&run->plan);
        status = _nss_um_initgroups_dyn(name, primary, &start, &size, &gids, -1, &error);
        wrap_disarm(&run->tally);
        if (status != NSS_STATUS_SUCCESS && start != 1)
                wrong(run, "%ld groups without success", start);
        status_check(run, status, error,
                     status == NSS_STATUS_SUCCESS && gids_right(gids, start, story->subject));
        free(gids);
}

/* A walk shows everybody once and says so, or does not end well. */
static void walk_check(const Run *run, enum nss_status status, int error, uint64_t seen) {
        bool map = run->story.scene != SCENE_UMD && run->story.scene != SCENE_NOTHING;
        uint32_t count = run->story.scene == SCENE_PART_MAP ? STANDIN_USERS / 2 : STANDIN_USERS;

        if (status == NSS_STATUS_NOTFOUND && seen != (1ULL << count) - 1)
                wrong(run, "the walk ended before all were seen (%llx)", (unsigned long long)seen);
        else if (status == NSS_STATUS_TRYAGAIN || status == NSS_STATUS_SUCCESS)
                wrong(run, "a walk ended with status %d", (int)status);
        else if (run->tally.failures == 0 && map && status != NSS_STATUS_NOTFOUND)
                wrong(run, "status %d, errno %d, though nothing failed", (int)status, error);
}

static bool seen_add(uint64_t *seen, uint32_t n) {
        if (n >= STANDIN_USERS || (*seen & 1ULL << n))
                return false;
        *seen |= 1ULL << n;
        return true;
}

void walk_run(Run *run) {
        bool users = run->story.verb == VERB_WALK_USERS;
        char buf[BUFFER_BYTES];
        enum nss_status status;
        struct passwd pw;
        struct group gr;
        uint64_t seen = 0;
        int error = 0;

        wrap_arm(&run->plan);
        status = users ? _nss_um_setpwent(0) : _nss_um_setgrent(0);
        while (status == NSS_STATUS_SUCCESS) {
                bool right = true;
                uint32_t n;

                status = users ? _nss_um_getpwent_r(&pw, buf, sizeof(buf), &error)
                               : _nss_um_getgrent_r(&gr, buf, sizeof(buf), &error);
                if (status != NSS_STATUS_SUCCESS)
                        break;
                n = (users ? pw.pw_uid : gr.gr_gid) - MKMAP_FIRST_ID;
                right = seen_add(&seen, n) && (users ? user_right(&pw, buf, sizeof(buf), n)
                                                     : group_right(&gr, buf, sizeof(buf), n));
                if (!right) {
                        wrong(run, "the walk has a wrong record %u", n);
                        break;
                }
        }
        (void)(users ? _nss_um_endpwent() : _nss_um_endgrent());
        wrap_disarm(&run->tally);
        walk_check(run, status, error, seen);
}
