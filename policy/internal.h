/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* policy's inside. */

#include "policy/policy.h"

/* ---- names that were meant ------------------------------------------------------------------- */

#define NEAR_EDITS 3U /* as many letters wrong are still near */

/* Characters to put in, take out or replace to make one of the other; SIZE_MAX for names that are
 * so long that they are near to nothing. */
size_t name_edits(const char *a, const char *b);
