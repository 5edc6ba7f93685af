/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* One story of wrap_lookup: a scene, a call made in it while calls fail, and what is wrong with the
 * outcome. */

#include "base/base.h"
#include "map/map.h"
#include "tests/nss/mkmap.h"
#include "tests/wrap/standin.h"
#include "tests/wrap/wrap.h"

#define BUS          "/run/um/bus"
#define LOCAL_FILE   "/run/passwd"
#define BUFFER_BYTES 1024U

typedef enum Scene {
        SCENE_MAP,         /* complete, a new file each time; nobody listens */
        SCENE_MAP_AND_UMD, /* the same, with umd to be asked where it cannot be read */
        SCENE_WARM,        /* complete, and mapped long ago */
        SCENE_UMD,         /* no map */
        SCENE_PART_MAP,    /* not complete: half the users, umd knows the others */
        SCENE_NOTHING,     /* neither */
        _SCENE_MAX,
} Scene;

typedef enum Verb {
        VERB_USER_BY_NAME,
        VERB_USER_BY_UID,
        VERB_GROUP_BY_NAME,
        VERB_GROUP_BY_GID,
        VERB_GROUPS_OF_USER,
        VERB_WALK_USERS,
        VERB_WALK_GROUPS,
        VERB_PUBLISH,
        VERB_APPEND,
        VERB_FILE_READ,
        VERB_LOCAL_NAME,
        VERB_LOCAL_ID,
        VERB_SECRET,
        VERB_DESCRIPTORS,
        VERB_CONNECT,
        _VERB_MAX,
} Verb;

typedef struct Story {
        Scene scene;
        Verb verb;
        uint32_t subject; /* a user's number; above STANDIN_USERS - 1 nobody's */
        size_t size;      /* of the caller's buffer */
} Story;

typedef struct Run {
        Story story;
        WrapPlan plan;
        WrapTally tally;
} Run;

typedef struct Test {
        uint64_t runs, failures, wrong;
        uint64_t late; /* lookups whose time was over because this machine had none for them */
        int dir_fd;
        MapWriter *writer;
        const char *shell; /* of u1: what map_append changes */
} Test;

extern Test test;

void wrong(const Run *run, const char *format, ...) __attribute__((format(printf, 2, 3)));
void person_get(uint32_t n, Person *ret);
/* A complete map of all users.  0, or a fault: then what stood there stands there. */
int publish(uint32_t flags, uint32_t count);

void user_run(Run *run);
void group_run(Run *run);
void gids_run(Run *run);
void walk_run(Run *run);
void publish_run(Run *run);
void append_run(Run *run);
void file_run(Run *run);
void local_run(Run *run);
void secret_run(Run *run);
void descriptor_run(Run *run);
void connect_run(Run *run);
