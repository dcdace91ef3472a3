/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Feature levels: numbered sets of behaviour. Which one is in force is in the log, so it changes at
 * a sequence number, and an old log replays to the same state for ever. A change of what a command
 * does gets the next level: the old code stays, and the new code asks bs_feature_is_on.
 *
 *     level  since  what it adds
 *     1      0.1.0  everything of 0.1.0; in force until a record of the log says otherwise
 */
#ifndef BS_FEATURE_H
#define BS_FEATURE_H

#include "lib/book/book.h"

#define BS_FEATURE_LEVEL_FIRST 1u
/* That this build knows. The setting core.feature_level takes no higher one. */
#define BS_FEATURE_LEVEL_NEWEST 1u

/* No build has it, only an engine of the tests: it refuses a pause without a reason. */
#define BS_FEATURE_LEVEL_TEST 1000000u

/* Quick: a comparison with a member beside those that each step reads. */
static inline bool bs_feature_is_on(const struct bs_engine *engine, uint32_t level)
{
    return engine->feature_level >= level;
}

/* The newest level that the engine takes. */
static inline uint32_t bs_feature_newest(const struct bs_engine *engine)
{
    return engine->config.knows_test_level ? BS_FEATURE_LEVEL_TEST : BS_FEATURE_LEVEL_NEWEST;
}

#endif
