/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What changed since the last flush, each object once.  A change collects its own and hands them
 * over with its commit, so that what was rolled back is never told; core_flush() tells the rest, or
 * drops it with the batch.  Handing over cannot fail: the room is taken before the commit. */

#include <errno.h>
#include <string.h>

#include "umd/core/internal.h"

/* Ids end below 2^31 (base_id_reserved), so the kind has a bit of its own. */
static uint32_t news_key(CoreObject object, uint32_t id) {
        return id | (uint32_t)object << 31;
}

static void item_done(NewsItem *item) {
        free(item->name);
        free(item->old_name);
}

int core_news_reserve(News *news, size_t more) {
        size_t need = news->count + more, size = news->size ? news->size : 8;
        NewsItem *p;

        if (need > news->size) {
                while (size < need)
                        size *= 2;
                p = reallocarray(news->items, size, sizeof(*p));
                if (!p)
                        return -ENOMEM;
                news->items = p;
                news->size = size;
        }
        return core_idset_reserve(&news->index, more);
}

/* What two pieces of news about one object are together. */
static CoreNews news_join(CoreNews first, CoreNews then) {
        switch (first) {
        case CORE_NEWS_ADDED:
                return then == CORE_NEWS_REMOVED ? _CORE_NEWS_MAX : CORE_NEWS_ADDED;
        case CORE_NEWS_REMOVED: /* restored within the batch */
                return then == CORE_NEWS_ADDED ? CORE_NEWS_CHANGED : CORE_NEWS_REMOVED;
        case CORE_NEWS_CHANGED:
                return then == CORE_NEWS_REMOVED ? CORE_NEWS_REMOVED : CORE_NEWS_CHANGED;
        case _CORE_NEWS_MAX:
                break;
        }
        return then == CORE_NEWS_ADDED ? CORE_NEWS_ADDED : _CORE_NEWS_MAX;
}

/* Takes the item's texts; there is room. */
static void news_put(News *news, NewsItem *item) {
        NewsItem *had;
        size_t at;

        if (!core_idset_find(&news->index, news_key(item->object, item->id), &at)) {
                (void)core_idset_add(&news->index, news_key(item->object, item->id));
                news->items[news->count++] = *item;
                *item = (NewsItem){ 0 };
                return;
        }
        had = &news->items[at];
        had->news = news_join(had->news, item->news);
        /* the oldest name is the one the listeners know */
        if (!had->old_name && item->old_name)
                had->old_name = TAKE(item->old_name);
        free(had->name);
        had->name = TAKE(item->name);
        item_done(item);
        *item = (NewsItem){ 0 };
}

int core_news_add(News *news, CoreObject object, CoreNews what, uint32_t id, const char *name,
                  const char *old_name) {
        NewsItem item = { .object = object, .news = what, .id = id };
        int r;

        r = core_news_reserve(news, 1);
        if (r < 0)
                return r;
        item.name = strdup(name);
        if (old_name)
                item.old_name = strdup(old_name);
        if (!item.name || (old_name && !item.old_name)) {
                item_done(&item);
                return -ENOMEM;
        }
        news_put(news, &item);
        return 0;
}

void core_news_merge(News *into, News *from) {
        into->everybody = into->everybody || from->everybody;
        into->policy = into->policy || from->policy;
        for (size_t i = 0; i < from->count; i++)
                news_put(into, &from->items[i]);
        core_news_done(from);
}

void core_news_done(News *news) {
        for (size_t i = 0; i < news->count; i++)
                item_done(&news->items[i]);
        free(news->items);
        core_idset_done(&news->index);
        *news = (News){ 0 };
}
