/* SPDX-License-Identifier: Apache-2.0 */
/* What an engine is made for. */
#ifndef BS_CONFIG_H
#define BS_CONFIG_H

#include "lib/base/base.h"

struct bs_config {
    uint32_t accounts_max;  /* default 1,000,000 */
    uint32_t positions_max; /* default 4,000,000 */
    uint32_t markets_max;   /* default 10,000 */
    uint32_t pools_max;     /* default 1,000 */
    uint32_t dedupe_window; /* trade and transfer ids remembered, default 1,048,576; power of two */
    uint32_t source_window; /* items remembered of each source, default 65,536; power of two */
    uint64_t hash_seed;     /* spreads names over the hash tables; never changes an outcome */
    uint64_t refuses_check; /* tests: the so many-th check of a plan fails; 0 = none */
    bool checks_detection;  /* tests: each detection is compared with one that looks at everybody */
};

void bs_config_defaults(struct bs_config *config);
#endif
