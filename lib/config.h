/* SPDX-License-Identifier: Apache-2.0 */
/* What an engine is made for. */
#ifndef BS_CONFIG_H
#define BS_CONFIG_H

#include "lib/record/command.h"

struct bs_config {
    struct bs_capacity_command capacity; /* in force until a record says otherwise */
    struct bs_capacity_command room;     /* memory is made for the larger of both, each by each */
    uint64_t hash_seed;     /* spreads names over the hash tables; never changes an outcome */
    uint64_t refuses_check; /* tests: the so many-th check of a plan fails; 0 = none */
    bool knows_test_level;  /* tests: it takes BS_FEATURE_LEVEL_TEST */
    bool checks_detection;  /* tests: each detection is compared with one that looks at everybody */
};

/* 1,000,000 accounts, 4,000,000 positions, 10,000 markets, 1,000 pools; 1,048,576 trade ids and as
 * many transfer ids, 65,536 items of each source; no more room than that. */
void bs_config_defaults(struct bs_config *config);
#endif
