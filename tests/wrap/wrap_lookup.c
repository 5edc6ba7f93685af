/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* libnss_um, the map's writer and base with calls that fail.  For each lookup it is known what is
 * true: the answer is that, or "unavailable"; never "nobody" for somebody, never a wrong record,
 * and nothing stays behind.  Where no call failed, the answer is complete.
 *
 *   wrap_lookup RUNS SEED      in a mount namespace whose /run is fresh; RUNS with one call in 400
 *                              failing, after a sweep in which every call of every story fails
 * alone
 *
 * Prints what is wrong, then one line of figures. */

#include <assert.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "nss_um/nss_um.h"
#include "tests/wrap/story.h"

#define BUS_AWAY  "/run/um/away"
#define RATE      2500U /* of a million: one call in 400 */
#define WRONG_MAX 20U

Test test = { .dir_fd = -1, .shell = "/bin/sh" };

static const char *const verb_names[_VERB_MAX] = { "getpwnam",
                                                   "getpwuid",
                                                   "getgrnam",
                                                   "getgrgid",
                                                   "initgroups",
                                                   "getpwent",
                                                   "getgrent",
                                                   "map_publish",
                                                   "map_append",
                                                   "base_file_read",
                                                   "base_local_find_name",
                                                   "base_local_find_id",
                                                   "base_secret_new",
                                                   "base_fd_above_stdio",
                                                   "base_unix_connect" };

void wrong(const Run *run, const char *format, ...) {
        va_list ap;

        if (test.wrong++ >= WRONG_MAX)
                return;
        printf("WRONG %s of %u, scene %d, buffer %zu, after %s failed (seed %llu, nth %llu, way "
               "%u): ",
               verb_names[run->story.verb], run->story.subject, (int)run->story.scene,
               run->story.size, run->tally.last, (unsigned long long)run->plan.seed,
               (unsigned long long)run->plan.nth, run->plan.way);
        va_start(ap, format);
        vprintf(format, ap);
        va_end(ap);
        putchar('\n');
}

/* ---- scenes ---------------------------------------------------------------------------------- */

void person_get(uint32_t n, Person *ret) {
        person_make(n, n == 1 ? test.shell : "/bin/sh", ret);
}

static MapBuild *build_make(uint32_t flags, uint32_t count) {
        MapBuild *build = NULL;
        Person p;

        if (map_build_new(flags, &build) < 0)
                return NULL;
        for (uint32_t n = 0; n < count; n++) {
                person_get(n, &p);
                if (map_build_user(build, &p.user) < 0 || map_build_group(build, &p.group) < 0)
                        return map_build_free(build);
        }
        return build;
}

int publish(uint32_t flags, uint32_t count) {
        _cleanup_(map_build_freep) MapBuild *build = build_make(flags, count);
        _cleanup_(map_writer_freep) MapWriter *writer = NULL;
        int r;

        r = build ? map_build_write(build, test.dir_fd, &writer) : -ENOMEM;
        if (r >= 0)
                r = map_publish(test.dir_fd, writer, test.writer);
        if (r < 0)
                return r;
        map_writer_free(test.writer);
        test.writer = TAKE(writer);
        return 0;
}

static void map_take_away(void) {
        if (!test.writer)
                return;
        assert(map_withdraw(test.dir_fd, test.writer) == 0);
        test.writer = map_writer_free(test.writer);
}

static void scene_set(Scene scene) {
        static Scene now = _SCENE_MAX;
        bool umd = scene == SCENE_MAP_AND_UMD || scene == SCENE_UMD || scene == SCENE_PART_MAP;

        (void)(umd ? rename(BUS_AWAY, BUS) : rename(BUS, BUS_AWAY));
        if (scene == SCENE_MAP || scene == SCENE_MAP_AND_UMD)
                assert(publish(MAP_FLAG_COMPLETE | MAP_FLAG_ENUMERATE, STANDIN_USERS) == 0);
        else if (scene == SCENE_PART_MAP) {
                assert(publish(MAP_FLAG_ENUMERATE, STANDIN_USERS / 2) == 0);
        } else if (scene != SCENE_WARM)
                map_take_away();
        else if (now != SCENE_WARM) {
                struct passwd pw;
                char buf[BUFFER_BYTES];
                int error;

                assert(publish(MAP_FLAG_COMPLETE | MAP_FLAG_ENUMERATE, STANDIN_USERS) == 0);
                assert(_nss_um_getpwnam_r("u1", &pw, buf, sizeof(buf), &error) ==
                       NSS_STATUS_SUCCESS);
        }
        now = scene;
        wrap_clock_advance(10 * USEC_PER_SEC);
}

/* ---- running --------------------------------------------------------------------------------- */

/* Of the low numbers, which are given out first. */
static unsigned descriptor_count(void) {
        unsigned count = 0;

        for (int fd = 0; fd < 32; fd++)
                count += fcntl(fd, F_GETFD) >= 0;
        return count;
}

/* Mappings of maps in this process: 8 places, and the writer's page. */
static void mappings_check(const Run *run) {
        FILE *maps = fopen("/proc/self/maps", "re");
        unsigned count = 0;
        char line[512];

        assert(maps);
        while (fgets(line, sizeof(line), maps))
                count += strstr(line, MAP_DIR) != NULL;
        fclose(maps);
        if (count > 9)
                wrong(run, "%u mappings of maps", count);
}

static void story_run(Run *run) {
        static void (*const runs[_VERB_MAX])(Run *) = {
                user_run,  user_run,  group_run,   group_run,      gids_run,
                walk_run,  walk_run,  publish_run, append_run,     file_run,
                local_run, local_run, secret_run,  descriptor_run, connect_run,
        };
        unsigned before, after;

        scene_set(run->story.scene);
        before = descriptor_count();
        runs[run->story.verb](run);
        after = descriptor_count();
        if (before != after)
                wrong(run, "%u descriptors, and %u before", after, before);
        test.runs++;
        test.failures += run->tally.failures;
        if (test.runs % 256 == 0)
                mappings_check(run);
}

static Scene scene_of(Verb verb, uint32_t random) {
        static const Scene writers[] = { SCENE_MAP, SCENE_WARM },
                           peers[] = { SCENE_UMD, SCENE_UMD, SCENE_NOTHING };

        if (verb == VERB_PUBLISH || verb == VERB_APPEND)
                return writers[random % ARRAY_LENGTH(writers)];
        if (verb == VERB_CONNECT)
                return peers[random % ARRAY_LENGTH(peers)];
        return verb < VERB_PUBLISH ? (Scene)(random % _SCENE_MAX) : SCENE_NOTHING;
}

static Story story_random(uint64_t *random) {
        Story story = { .verb = (Verb)(wrap_random(random) % _VERB_MAX) };

        if (wrap_random(random) % 3 > 0)
                story.verb = (Verb)(story.verb % VERB_WALK_USERS); /* mostly single lookups */
        story.scene = scene_of(story.verb, wrap_random(random));
        story.subject = wrap_random(random) % (STANDIN_USERS + 10);
        story.size = wrap_random(random) % 4 > 0 ? BUFFER_BYTES : wrap_random(random) % 200 + 1;
        return story;
}

/* Each call of the story fails alone, in each of its ways. */
static void story_sweep(Story story) {
        Run run = { .story = story, .plan.nth = 1 };

        for (;;) {
                story_run(&run);
                if (run.tally.failures == 0)
                        return;
                if (++run.plan.way < run.tally.ways)
                        continue;
                run.plan.way = 0;
                run.plan.nth++;
        }
}

static void sweep(void) {
        for (Verb verb = 0; verb < _VERB_MAX; verb++)
                for (uint32_t at = 0; at < (verb < VERB_FILE_READ ? _SCENE_MAX : 3); at++) {
                        Story story = { scene_of(verb, at), verb, 3, BUFFER_BYTES };

                        story_sweep(story);
                        story.subject = STANDIN_USERS; /* nobody */
                        story_sweep(story);
                }
}

static void local_file_make(void) {
        FILE *file = fopen(LOCAL_FILE, "we");

        assert(file);
        for (uint32_t n = 0; n < STANDIN_USERS; n++)
                fprintf(file, "u%u:x:%u:%u:%0200d:/home/u%u:/bin/sh\n", n, 1000 + n, 1000 + n, 0,
                        n);
        fclose(file);
}

int main(int argc, char **argv) {
        uint64_t runs, seed, random;
        Standin standin;

        if (argc != 3 || base_parse_u64(argv[1], 1, UINT64_MAX, &runs) < 0 ||
            base_parse_u64(argv[2], 0, UINT64_MAX, &seed) < 0)
                return 2;
        setvbuf(stdout, NULL, _IOLBF, 0);
        umask(022);
        (void)mkdir("/run/um", 0755);
        (void)mkdir(MAP_DIR, 0755);
        test.dir_fd = open(MAP_DIR, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        assert(test.dir_fd >= 0);
        local_file_make();
        standin_start(BUS, &standin);
        sweep();
        random = wrap_seed(seed);
        for (uint64_t i = 0; i < runs; i++) {
                Run run = { .story = story_random(&random),
                            .plan = { .seed = seed + i, .per_million = RATE } };

                /* half of the calls of a story are few: every other story fails more often */
                run.plan.per_million *= i % 2 ? 1 : 20;
                story_run(&run);
        }
        map_take_away();
        standin_stop(&standin);
        close(test.dir_fd);
        if (test.late > 1 + test.runs / 10000) {
                printf("%llu lookups were late: more than a busy machine explains\n",
                       (unsigned long long)test.late);
                test.wrong++;
        }
        printf("%llu runs, %llu failed calls in %zu places, %llu wrong\n",
               (unsigned long long)test.runs, (unsigned long long)test.failures, wrap_places(),
               (unsigned long long)test.wrong);
        return test.wrong > 0;
}
