/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stddef.h>
#include <stdlib.h>

static inline int median_order(const void *a, const void *b) {
        double x = *(const double *)a, y = *(const double *)b;

        return x < y ? -1 : x > y;
}

/* The upper one of two in the middle.  Sorts the values; count is 1 at least. */
static inline double median(double *values, size_t count) {
        qsort(values, count, sizeof(values[0]), median_order);
        return values[count / 2];
}
