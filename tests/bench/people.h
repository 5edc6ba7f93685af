/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Users for the benchmarks of the store and of umd: made in a store as umd makes them (record,
 * grant, audit entry, event), with names in no order, as people have them. */

#include <stdint.h>

#include "umd/store/store.h"

#define PEOPLE_FIRST      1879048192U /* the range of ids beyond the shipped one: a million fit */
#define PEOPLE_LAST       2147483646U
#define PEOPLE_NAME_BYTES 16U

/* The name of the nth. */
void people_name(uint32_t n, char *ret);
/* Makes the nth, in a change of its own within the open batch; uids come from the counter. */
int people_create(Store *store, uint32_t n);
/* Makes the first count in a store without any, and makes them durable. */
int people_fill(Store *store, uint32_t count);
