/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The workers: as many hashes at once as there are cores, in a queue that has an end.
 *
 * Guesses at one uid from one kind of place go down one lane: the next starts when the one before
 * is done, so that the ceiling of failures is exact and a user under attack cannot take every core.
 * One lock guards the queue, the lanes and the ceiling; nothing is hashed under it. */

#include <errno.h>
#include <pthread.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/base.h"
#include "um_vault/vault.h"

typedef struct Worker {
        VaultPool *pool;
        VaultRoom *room;
        pthread_t thread;
        const VaultJob *job; /* being worked on, or NULL */
} Worker;

struct VaultPool {
        const VaultContext *context;
        pthread_mutex_t lock;
        pthread_cond_t changed;
        JobQueue waiting, done;
        Worker workers[VAULT_WORKERS_MAX];
        unsigned worker_count;
        int event_fd;
        bool stop;
        Throttle passwords, codes, compares;
};

static bool lane_is_busy(const VaultPool *pool, uint64_t lane) {
        for (unsigned i = 0; i < pool->worker_count; i++) {
                const VaultJob *job = pool->workers[i].job;

                if (job && job->lane == lane)
                        return true;
        }
        return false;
}

static bool job_compares(const VaultJob *job) {
        return job->head.op == VAULT_COMPARE;
}

static bool compare_is_busy(const VaultPool *pool) {
        for (unsigned i = 0; i < pool->worker_count; i++)
                if (pool->workers[i].job && job_compares(pool->workers[i].job))
                        return true;
        return false;
}

/* Comparisons are many for one change and nobody's login: they take what is left over. */
static VaultJob *job_next(VaultPool *pool) {
        VaultJob *previous = NULL, *before_compare = NULL;
        bool compare = false;

        for (VaultJob *job = pool->waiting.first; job; previous = job, job = job->next) {
                if (job_compares(job)) {
                        if (!compare)
                                before_compare = previous;
                        compare = true;
                } else if (job->lane == 0 || !lane_is_busy(pool, job->lane))
                        return job_queue_remove(&pool->waiting, previous);
        }
        return compare && !compare_is_busy(pool) ? job_queue_remove(&pool->waiting, before_compare)
                                                 : NULL;
}

static void job_done(VaultPool *pool, VaultJob *job) {
        uint64_t one = 1;

        job_queue_add(&pool->done, job);
        (void)!write(pool->event_fd, &one, sizeof(one));
        if (pool->waiting.first)
                pthread_cond_broadcast(&pool->changed); /* its lane is free */
}

/* The ceiling that the job is a guess under, or NULL. */
static Throttle *throttle_of(VaultPool *pool, const VaultJob *job) {
        if (job->head.flags & VAULT_FLAG_NOTHING)
                return NULL;
        if (vault_op_guesses_code(job->head.op))
                return &pool->codes;
        if (job_compares(job))
                return &pool->compares;
        return job->head.op == VAULT_VERIFY ? &pool->passwords : NULL;
}

static bool job_failed(const VaultJob *job) {
        return job->head.status == VAULT_NO_MATCH || job->head.status == VAULT_USED;
}

/* Of comparisons each one counts: a match is what somebody who guesses would look for. */
static bool job_costs(const VaultJob *job) {
        return job_failed(job) || job_compares(job);
}

/* A guess that the ceiling refuses takes its time all the same, here and in its lane: an answer at
 * once, or one that asked for the time anew behind all the others, would tell who exists; and with
 * a code that the password before it was right, since one for nothing is not refused.  What came of
 * the work on such a code is told to nobody. */
static void job_run(VaultPool *pool, Worker *worker, VaultJob *job) {
        Throttle *throttle = throttle_of(pool, job);
        VaultStatus status = VAULT_OK;

        if (throttle)
                status = throttle_charge(throttle, job->lane, base_boottime_usec());
        worker->job = job;
        pthread_mutex_unlock(&pool->lock);
        if (status == VAULT_OK)
                vault_job_work(pool->context, worker->room, job);
        else {
                if (throttle == &pool->passwords)
                        vault_job_spend(pool->context, worker->room, job);
                else if (throttle == &pool->codes)
                        vault_job_work(pool->context, worker->room, job);
                vault_job_refuse(job, status);
        }
        pthread_mutex_lock(&pool->lock);
        worker->job = NULL;
        if (throttle && status == VAULT_OK && !job_costs(job))
                throttle_refund(throttle, job->lane);
        job_done(pool, job);
}

static void *worker_main(void *data) {
        Worker *worker = data;
        VaultPool *pool = worker->pool;

        pthread_mutex_lock(&pool->lock);
        while (!pool->stop) {
                VaultJob *job = job_next(pool);

                if (job)
                        job_run(pool, worker, job);
                else
                        pthread_cond_wait(&pool->changed, &pool->lock);
        }
        pthread_mutex_unlock(&pool->lock);
        return NULL;
}

static int worker_start(VaultPool *pool, Worker *worker) {
        int r;

        worker->pool = pool;
        r = vault_room_new(&worker->room);
        if (r < 0)
                return r;
        r = pthread_create(&worker->thread, NULL, worker_main, worker);
        if (r > 0) {
                worker->room = vault_room_free(worker->room);
                return -r;
        }
        return 0;
}

static void vault_pool_freep(VaultPool **pool) {
        *pool = vault_pool_free(*pool);
}

int vault_pool_new(const VaultContext *context, unsigned worker_count, VaultPool **ret) {
        _cleanup_(vault_pool_freep) VaultPool *pool = calloc(1, sizeof(*pool));
        int r = 0;

        if (!pool)
                return -ENOMEM;
        pool->context = context;
        pool->passwords.burst = THROTTLE_BURST;
        pool->passwords.refill_usec = THROTTLE_REFILL_USEC;
        pool->codes.burst = THROTTLE_CODE_BURST;
        pool->codes.refill_usec = THROTTLE_CODE_REFILL_USEC;
        pool->compares.burst = THROTTLE_COMPARE_BURST;
        pool->compares.refill_usec = THROTTLE_COMPARE_REFILL_USEC;
        pthread_mutex_init(&pool->lock, NULL);
        pthread_cond_init(&pool->changed, NULL);
        pool->event_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
        if (pool->event_fd < 0)
                return -errno;
        pthread_mutex_lock(&pool->lock); /* the count and the workers are read under it */
        while (r >= 0 && pool->worker_count < worker_count &&
               pool->worker_count < VAULT_WORKERS_MAX) {
                r = worker_start(pool, &pool->workers[pool->worker_count]);
                if (r >= 0)
                        pool->worker_count++;
        }
        pthread_mutex_unlock(&pool->lock);
        if (r < 0)
                return r;
        *ret = TAKE(pool);
        return 0;
}

VaultPool *vault_pool_free(VaultPool *pool) {
        if (!pool)
                return NULL;
        pthread_mutex_lock(&pool->lock);
        pool->stop = true;
        pthread_cond_broadcast(&pool->changed);
        pthread_mutex_unlock(&pool->lock);
        for (unsigned i = 0; i < pool->worker_count; i++) {
                pthread_join(pool->workers[i].thread, NULL);
                vault_room_free(pool->workers[i].room);
        }
        job_queue_clear(&pool->waiting);
        job_queue_clear(&pool->done);
        base_close(pool->event_fd);
        pthread_cond_destroy(&pool->changed);
        pthread_mutex_destroy(&pool->lock);
        free(pool);
        return NULL;
}

int vault_pool_fd(const VaultPool *pool) {
        return pool->event_fd;
}

static bool queue_has_room(const VaultPool *pool, const VaultJob *job) {
        unsigned lane = 0, compares = 0;

        if (pool->waiting.count >= VAULT_QUEUE_MAX)
                return false;
        if (job->lane == 0)
                return true;
        for (const VaultJob *other = pool->waiting.first; other; other = other->next) {
                lane += other->lane == job->lane;
                compares += job_compares(other) && other->head.flags == job->head.flags;
        }
        if (job_compares(job)) /* they wait long: the queue is for logins */
                return lane < VAULT_COMPARES_UID_MAX && compares < VAULT_COMPARES_MAX;
        return lane < VAULT_LANE_MAX;
}

bool vault_pool_push(VaultPool *pool, VaultJob *job) {
        bool taken;

        pthread_mutex_lock(&pool->lock);
        taken = queue_has_room(pool, job);
        if (taken) {
                job_queue_add(&pool->waiting, job);
                pthread_cond_signal(&pool->changed);
        }
        pthread_mutex_unlock(&pool->lock);
        return taken;
}

VaultJob *vault_pool_pop(VaultPool *pool) {
        VaultJob *job = NULL;
        uint64_t count;

        pthread_mutex_lock(&pool->lock);
        if (pool->done.first)
                job = job_queue_remove(&pool->done, NULL);
        else
                (void)!read(pool->event_fd, &count, sizeof(count));
        pthread_mutex_unlock(&pool->lock);
        return job;
}

bool vault_pool_is_idle(VaultPool *pool) {
        bool idle;

        pthread_mutex_lock(&pool->lock);
        idle = !pool->waiting.first && !pool->done.first;
        for (unsigned i = 0; i < pool->worker_count; i++)
                idle = idle && !pool->workers[i].job;
        pthread_mutex_unlock(&pool->lock);
        return idle;
}
