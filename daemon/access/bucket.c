/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/access/bucket.h"

#define THOUSAND 1000
#define ELAPSED_MAX_MS 1000000000 /* twelve days: past any debt, and the product fits */

void bucket_init(struct bucket *bucket, uint32_t rate, int64_t now_ms)
{
    *bucket = (struct bucket){.rate = rate, .level = (int64_t)rate * THOUSAND, .filled_ms = now_ms};
}

void bucket_fill(struct bucket *bucket, int64_t now_ms)
{
    int64_t full = (int64_t)bucket->rate * THOUSAND;
    int64_t elapsed_ms = now_ms - bucket->filled_ms;
    if (elapsed_ms <= 0) {
        return;
    }
    elapsed_ms = elapsed_ms < ELAPSED_MAX_MS ? elapsed_ms : ELAPSED_MAX_MS;
    int64_t level = bucket->level + elapsed_ms * bucket->rate;
    bucket->level = level < full ? level : full;
    bucket->filled_ms = now_ms;
}

void bucket_take(struct bucket *bucket, uint64_t count)
{
    if (bucket->rate > 0) {
        assert(count <= UINT32_MAX);
        bucket->level -= (int64_t)count * THOUSAND;
    }
}

/* Rounded up. */
static int64_t time_to_ms(const struct bucket *bucket, int64_t level)
{
    int64_t missing = level - bucket->level;
    return missing <= 0 ? 0 : (missing + bucket->rate - 1) / bucket->rate;
}

int64_t bucket_wait_ms(const struct bucket *bucket)
{
    return bucket->rate == 0 ? 0 : time_to_ms(bucket, THOUSAND);
}

uint32_t bucket_left(const struct bucket *bucket)
{
    return bucket->level <= 0 ? 0 : (uint32_t)(bucket->level / THOUSAND);
}

int64_t bucket_full_s(const struct bucket *bucket)
{
    int64_t full_ms = bucket->rate == 0 ? 0 : time_to_ms(bucket, (int64_t)bucket->rate * THOUSAND);
    return (full_ms + THOUSAND - 1) / THOUSAND;
}
