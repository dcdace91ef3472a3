/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A token bucket in whole numbers: it fills at `rate` a second and holds one second's worth. More
 * may be taken than is there, because the number of items is known only after a request is read;
 * then the next ones wait until the debt is made up. Pure.
 */
#ifndef ACCESS_BUCKET_H
#define ACCESS_BUCKET_H

#include "lib/base/base.h"

struct bucket {
    uint32_t rate;     /* a second; 0 = no limit */
    int64_t level;     /* thousandths; negative = debt */
    int64_t filled_ms; /* when the level was right */
};

void bucket_init(struct bucket *bucket, uint32_t rate, int64_t now_ms); /* full */
void bucket_fill(struct bucket *bucket, int64_t now_ms);
void bucket_take(struct bucket *bucket, uint64_t count);
/* Milliseconds until one can be taken without debt; 0 = now. */
int64_t bucket_wait_ms(const struct bucket *bucket);
/* What can be taken now, and the seconds, rounded up, until it is full. */
uint32_t bucket_left(const struct bucket *bucket);
int64_t bucket_full_s(const struct bucket *bucket);

#endif
