/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The inside of publishing: what publish.c (when), publish_file.c (a whole file) and
 * publish_delta.c (what changed) share. */

#include "map/map.h"
#include "umd/umd.h"

/* More objects than this in one run: a new file is cheaper than a delta. */
#define PUBLISH_DELTA_MAX 512U
/* Hidden records that are told one by one, in the log and the audit. */
#define PUBLISH_HIDDEN_MAX 256U

/* Ids of users and groups, which um gives out from one counter: each is one of either. */
typedef struct IdList {
        uint32_t *ids;
        size_t count, allocated;
} IdList;

int id_list_add(IdList *list, uint32_t id);
void id_list_sort(IdList *list); /* and each once */
bool id_list_has(const IdList *list, uint32_t id);
void id_list_remove(IdList *list, uint32_t id);
void id_list_clear(IdList *list);

struct Publish {
        PublishSpec spec;
        bool file_due;       /* deltas will not do */
        bool withdrawn;      /* told so, too */
        uint64_t retry_usec; /* boottime: while withdrawn, not before */
        MapWriter *writer;
        MapView view; /* of what is published, to see what was */
        bool has_view;
        IdList changed;   /* from core's news */
        IdList disturbed; /* from the host's files */
        IdList hidden;    /* told to be hidden; unsorted */
        PublishStatus status;
};

/* Which local file hides the entry, or NULL. */
const char *publish_hides(const Publish *publish, const CoreEntry *entry);
/* Tells, once, that the entry is hidden by that file, or (NULL) that it is not any more. */
void publish_tell(Publish *publish, const CoreEntry *entry, const char *file, uint64_t now_usec);
/* Copies of the entry's lists without what local names and ids hold; the rest is borrowed.  Free
 * with publish_lists_done. */
typedef struct PublishLists {
        gid_t *gids;
        const char **members;
} PublishLists;

int publish_user_spec(const Publish *publish, const CoreEntry *entry, PublishLists *lists,
                      MapUserSpec *ret);
int publish_group_spec(const Publish *publish, const CoreEntry *entry, PublishLists *lists,
                       MapGroupSpec *ret);

static inline void publish_lists_done(PublishLists *lists) {
        free(lists->gids);
        free(lists->members);
}

/* A whole new file in place of whatever is published. */
int publish_file(Publish *publish, uint64_t now_usec);
/* publish->changed and ->disturbed as one delta; MAP_E_FULL where a file is due. */
int publish_delta(Publish *publish, uint64_t now_usec);
