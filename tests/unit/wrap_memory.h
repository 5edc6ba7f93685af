/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Lets one allocation fail, for a test that is linked with test_wrap_memory.  Included by its one
 * .c.
 *
 *      for (memory_first(); memory_next();) { memory_on(); ...; memory_off(); }
 *
 * runs the body once for each allocation it makes between on and off, with that one failing, and
 * once more with none failing. */

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>

static struct {
        bool armed, hit;
        size_t at, countdown;
} memory;

static bool memory_strikes(void) {
        if (!memory.armed || --memory.countdown > 0)
                return false;
        memory.armed = false;
        memory.hit = true;
        errno = ENOMEM;
        return true;
}

static inline void memory_first(void) {
        memory.at = 0;
        memory.hit = true;
}

static inline bool memory_next(void) {
        bool again = memory.hit;

        memory.hit = false;
        memory.at++;
        memory.countdown = memory.at;
        return again;
}

static inline void memory_on(void) {
        memory.armed = !memory.hit;
}

static inline void memory_off(void) {
        memory.armed = false;
}

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *p, size_t size);
void *__real_reallocarray(void *p, size_t count, size_t size);
char *__real_strdup(const char *s);
char *__real_strndup(const char *s, size_t n);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *p, size_t size);
void *__wrap_reallocarray(void *p, size_t count, size_t size);
char *__wrap_strdup(const char *s);
char *__wrap_strndup(const char *s, size_t n);

void *__wrap_malloc(size_t size) {
        return memory_strikes() ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t count, size_t size) {
        return memory_strikes() ? NULL : __real_calloc(count, size);
}

void *__wrap_realloc(void *p, size_t size) {
        return memory_strikes() ? NULL : __real_realloc(p, size);
}

void *__wrap_reallocarray(void *p, size_t count, size_t size) {
        return memory_strikes() ? NULL : __real_reallocarray(p, count, size);
}

char *__wrap_strdup(const char *s) {
        return memory_strikes() ? NULL : __real_strdup(s);
}

char *__wrap_strndup(const char *s, size_t n) {
        return memory_strikes() ? NULL : __real_strndup(s, n);
}
