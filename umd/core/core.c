/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The whole of core: its store, its settings, who listens, and the flush.
 *
 * The flush is the moment things happened.  Until then everything a verb did lies in the store's
 * open batch, and what follows from it in memory (news, proofs of logins, sessions) is marked with
 * the batch's number; when the flush fails all of that goes with the batch. */

#include <errno.h>
#include <string.h>

#include "umd/core/internal.h"
#include "umd/core/second.h"

static void settings_done(CoreSettings *settings) {
        free((char *)settings->shell);
        free((char *)settings->home_root);
        free((char *)settings->tenant);
        free((char *)settings->host);
}

static int settings_copy(const CoreSettings *settings, CoreSettings *ret) {
        CoreSettings copy = *settings;

        copy.shell = strdup(settings->shell);
        copy.home_root = strdup(settings->home_root);
        copy.tenant = strdup(settings->tenant);
        copy.host = strdup(settings->host ? settings->host : "");
        if (!copy.shell || !copy.home_root || !copy.tenant || !copy.host) {
                settings_done(&copy);
                return -ENOMEM;
        }
        *ret = copy;
        return 0;
}

static int open_store(const char *state_dir, Store **ret, CoreError *error) {
        int r = store_open(state_dir, true, ret);

        if (r == STORE_E_TOO_NEW)
                return core_fail(error, CORE_E_UNAVAILABLE,
                                 "the store in %s was written by a newer um", state_dir);
        if (r > 0)
                return core_fail(error, CORE_E_UNAVAILABLE,
                                 "the store in %s is damaged or not one of um", state_dir);
        if (r < 0)
                (void)core_fail(error, CORE_E_UNAVAILABLE, "the store in %s cannot be opened: %s",
                                state_dir, strerror(-r));
        return r;
}

int core_new(const char *state_dir, const CoreSettings *settings, const CoreHost *host,
             const CoreVault *vault, const CoreQuality *quality, const CoreHelper *helper,
             Core **ret, CoreError *error) {
        Core *core;
        int r;

        core = calloc(1, sizeof(*core));
        if (!core)
                return -ENOMEM;
        core->host = *host;
        core->vault = *vault;
        core->quality = *quality;
        core->helper = *helper;
        r = settings_copy(settings, &core->settings);
        if (r == 0)
                r = core_logins_new(core, &core->logins);
        if (r == 0)
                r = core_refusals_new(&core->refusals);
        if (r == 0)
                r = core_misses_new(&core->misses);
        if (r == 0)
                r = base_random(core->lane_key, sizeof(core->lane_key));
        if (r == 0)
                r = open_store(state_dir, &core->store, error);
        if (r != 0) {
                core_free(core);
                return r;
        }
        *ret = core;
        return 0;
}

Core *core_free(Core *core) {
        if (!core)
                return NULL;
        core->logins = core_logins_free(core->logins);
        core_jobs_free(core);
        core_factor_jobs_free(core);
        core_mail_jobs_free(core);
        core_vault_forget(core);
        core_news_done(&core->news);
        core_idset_done(&core->ending);
        core_idset_done(&core->to_end);
        free(core->refusals);
        free(core->misses);
        core->roles = core_roles_free(core->roles);
        core->store = store_close(core->store);
        settings_done(&core->settings);
        free(core);
        return NULL;
}

void core_set_settings(Core *core, const CoreSettings *settings) {
        CoreSettings copy;

        if (settings_copy(settings, &copy) < 0)
                return; /* no memory for three words: the old ones stay */
        /* other grants count from now on, whoever's they are */
        core->host_moved = core->host_moved || strcmp(core->settings.tenant, copy.tenant) != 0;
        settings_done(&core->settings);
        core->settings = copy;
}

void core_use_tokens(Core *core, const CoreTokens *tokens) {
        core->tokens = *tokens;
}

const uint8_t *core_store_id(const Core *core) {
        return store_id(core->store);
}

void core_add_listener(Core *core, const CoreListener *listener) {
        if (core->listener_count < CORE_LISTENER_MAX)
                core->listeners[core->listener_count++] = *listener;
}

bool core_has_unflushed(const Core *core) {
        return store_has_batch(core->store);
}

static void news_tell(Core *core, const News *news) {
        for (size_t i = 0; i < news->count; i++) {
                const NewsItem *item = &news->items[i];

                if (item->news == _CORE_NEWS_MAX)
                        continue;
                for (size_t l = 0; l < core->listener_count; l++)
                        core->listeners[l].changed(core->listeners[l].userdata, item->object,
                                                   item->news, item->id, item->name,
                                                   item->old_name ? item->old_name : item->name);
        }
        for (size_t l = 0; l < core->listener_count && news->everybody; l++)
                if (core->listeners[l].everybody)
                        core->listeners[l].everybody(core->listeners[l].userdata);
        for (size_t l = 0; l < core->listener_count && news->policy; l++)
                if (core->listeners[l].policy)
                        core->listeners[l].policy(core->listeners[l].userdata);
        for (size_t l = 0; l < core->listener_count; l++)
                if (core->listeners[l].flushed)
                        core->listeners[l].flushed(core->listeners[l].userdata);
}

/* Did the store make a part of the batch durable by itself (store.h: a long one)? */
static bool flushed_early(Core *core) {
        StoreStatistics statistics;
        bool early;

        if (store_statistics(core->store, &statistics) < 0)
                return true;
        early = statistics.batches != core->batches_seen;
        core->batches_seen = statistics.batches;
        return early;
}

/* So many are asked of the helper at once; it takes no more than it has places for, and the lines
 * of sudoers need one. */
#define ENDING_AT_ONCE 24U

static void sessions_end(Core *core) {
        for (size_t i = 0; i < ENDING_AT_ONCE && core->to_end.count > 0; i++) {
                core->helper.end_sessions(core->helper.userdata, core->to_end.ids[core->to_end_at]);
                if (++core->to_end_at == core->to_end.count) {
                        core_idset_done(&core->to_end);
                        core->to_end_at = 0;
                }
        }
}

/* What waits cannot, or not again: that one is asked for at once. */
static void sessions_to_end(Core *core, const IdSet *ending) {
        size_t at;

        for (size_t i = 0; i < ending->count; i++) {
                bool asked =
                        core_idset_find(&core->to_end, ending->ids[i], &at) && at < core->to_end_at;

                if (asked || core_idset_add(&core->to_end, ending->ids[i]) < 0)
                        core->helper.end_sessions(core->helper.userdata, ending->ids[i]);
        }
        sessions_end(core);
}

int core_flush(Core *core) {
        _cleanup_idset_ IdSet ending = { 0 };
        News news = core->news;
        int r;

        if (!store_has_batch(core->store) && !core->host_moved) {
                core->flush_called = false;
                return 0;
        }
        core->news = (News){ 0 }; /* a listener may change things: that is the next batch's */
        r = store_flush(core->store);
        if (r == -EBUSY) { /* somebody reads: nothing was tried */
                core->news = news;
                return r;
        }
        core->flush_called = false;
        ending = core->ending;
        core->ending = (IdSet){ 0 };
        if (r < 0) {
                core_logins_drop_batch(core->logins, core->batch);
                core_moments_lost(core);
        }
        core->batch++;
        /* Of a batch that is lost in part nobody knows which: listeners look at each object anew,
         * and find it as it is. */
        news.everybody = news.everybody || core->host_moved;
        if ((flushed_early(core) || r >= 0) && (news.count > 0 || news.everybody || news.policy)) {
                core->host_moved = false;
                news_tell(core, &news);
        }
        core_news_done(&news);
        if (r >= 0) /* of a change that is lost nothing follows */
                sessions_to_end(core, &ending);
        core_notices_flushed(core, r);
        core_mails_flushed(core, core->batch - 1, r);
        core_attempts_flushed(core, core->batch - 1, r); /* the next batch may begin in it */
        return r;
}

uint64_t core_boottime(const Core *core) {
        CoreClock clock;

        core->host.clock(core->host.userdata, &clock);
        return clock.boottime_usec;
}

void core_note_time(Core *core, uint64_t now_usec) {
        if (now_usec > core->now_usec)
                core->now_usec = now_usec;
}

void core_tick(Core *core, uint64_t now_usec) {
        core->now_usec = now_usec; /* also backwards: the clock may have been set right */
        core_logins_tick(core->logins, now_usec);
        sessions_end(core);
        /* where it fails the counts stay, and are told with the next */
        (void)core_refusals_tick(core, now_usec);
        (void)core_misses_tick(core, now_usec);
        core_moments_run(core, now_usec);
}

void core_wake(Core *core, uint64_t now_usec) {
        core_note_time(core, now_usec);
        core_attempts_wake(core, now_usec);
        core_mails_wake(core, now_usec);
        core_moments_run(core, now_usec);
}

bool core_disk_is_full(const Core *core) {
        return store_disk_is_full(core->store);
}

int core_status(Core *core, CoreStatus *ret) {
        bool ready = core->vault.ready(core->vault.userdata);
        StoreStatistics statistics;
        PolicyValues values;
        int r;

        r = store_statistics(core->store, &statistics);
        if (r < 0)
                return r;
        *ret = (CoreStatus){
                .users = statistics.users,
                .groups = statistics.groups,
                .audit_entries = statistics.audit_entries,
                .store_used_bytes = statistics.used_bytes,
                .store_map_bytes = statistics.map_bytes,
                .sessions = core_session_count(core),
                .vault_ready = ready && !core->vault_key_wrong,
                .vault_key_wrong = ready && core->vault_key_wrong,
                .tenant = core->settings.tenant,
        };
        r = core_tenant_known(core, core->settings.tenant, &ret->tenant_known);
        if (r < 0)
                return r;
        if (core_policy_values_now(core, 0, &values) == 0) {
                ret->mail_wanted = values.password_reset_by_email ||
                                   core_method_permitted(&values, POLICY_METHOD_EMAIL_CODE);
                ret->fido_wanted = core_method_permitted(&values, POLICY_METHOD_FIDO2);
        }
        return 0;
}
