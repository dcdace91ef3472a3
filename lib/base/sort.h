/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A heapsort in place: no allocation, no recursion, always n log n. It is not stable, so `compare`
 * must order any two items.
 */
#ifndef BS_SORT_H
#define BS_SORT_H

#include "lib/base/base.h"

#define BS_SORT_ITEM_MAX 256

/* < 0 when a comes before b. */
typedef int (*bs_compare_fn)(const void *a, const void *b, const void *context);

void bs_sort(void *items, uint32_t count, uint32_t item_size, bs_compare_fn compare,
             const void *context);

#endif
