/* SPDX-License-Identifier: Apache-2.0 */
/* When a message that failed is tried again. Pure. */
#ifndef WEBHOOKS_LADDER_H
#define WEBHOOKS_LADDER_H

#include "lib/base/base.h"

enum ladder {
    LADDER_STANDARD, /* of the specification: 5 s, 5 m, 30 m, 2 h, 5 h, 10 h, 14 h, 20 h, 24 h */
    LADDER_URGENT,   /* 1 s, 5 s, 30 s, 2 m, 5 m, then the standard one from 30 m on */
};

#define LADDER_RETRY_AFTER_MAX_MS 3600000 /* what a server may ask for at most */
#define LADDER_JITTER_PERCENT 10          /* longer or shorter */

/* Attempts a message is given, the first one included. */
uint32_t ladder_attempts(enum ladder ladder);
/*
 * The time to wait after this many failed attempts (at least 1); -1: that was the last attempt. The
 * receiver's Retry-After (0 = none) can make it longer. `random` spreads it.
 */
int64_t ladder_delay_ms(enum ladder ladder, uint32_t failures, int64_t retry_after_ms,
                        uint32_t random);

#endif
