/* SPDX-License-Identifier: Apache-2.0 */
/* Streams of random numbers (splitmix64): each part of the simulator draws from its own, so that one
 * more draw in one part does not change all others. */
#ifndef SIM_RANDOM_H
#define SIM_RANDOM_H

#include <stdbool.h>
#include <stdint.h>

struct random {
    uint64_t state;
};

static inline uint64_t random_next(struct random *random)
{
    uint64_t z = random->state += 0x9e3779b97f4a7c15u;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return z ^ z >> 31;
}

/* The stream `number` of a seed. */
static inline struct random random_stream(uint64_t seed, uint64_t number)
{
    struct random random = {seed * 0x2545f4914f6cdd1du + number};
    return (struct random){random_next(&random)};
}

static inline uint32_t random_below(struct random *random, uint32_t limit)
{
    return (uint32_t)(random_next(random) % limit);
}

/* True once in so many. */
static inline bool random_once_in(struct random *random, uint32_t times)
{
    return times > 0 && random_below(random, times) == 0;
}

#endif
