/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/webhooks/ladder.h"

#define SECOND INT64_C(1000)
#define MINUTE (60 * SECOND)
#define HOUR (60 * MINUTE)

static const int64_t standard[] = {5 * SECOND, 5 * MINUTE, 30 * MINUTE, 2 * HOUR, 5 * HOUR,
                                   10 * HOUR,  14 * HOUR,  20 * HOUR,   24 * HOUR};
static const int64_t urgent[] = {1 * SECOND, 5 * SECOND,  30 * SECOND, 2 * MINUTE,
                                 5 * MINUTE, 30 * MINUTE, 2 * HOUR,    5 * HOUR,
                                 10 * HOUR,  14 * HOUR,   20 * HOUR,   24 * HOUR};

#define COUNT(array) (uint32_t)(sizeof(array) / sizeof((array)[0]))

uint32_t ladder_attempts(enum ladder ladder)
{
    return 1 + (ladder == LADDER_URGENT ? COUNT(urgent) : COUNT(standard));
}

int64_t ladder_delay_ms(enum ladder ladder, uint32_t failures, int64_t retry_after_ms,
                        uint32_t random)
{
    assert(failures > 0);
    if (failures >= ladder_attempts(ladder)) {
        return -1;
    }
    int64_t delay_ms = (ladder == LADDER_URGENT ? urgent : standard)[failures - 1];
    int64_t spread_ms = delay_ms * LADDER_JITTER_PERCENT / 100;
    delay_ms += (int64_t)(random % (uint64_t)(2 * spread_ms + 1)) - spread_ms;
    if (retry_after_ms > LADDER_RETRY_AFTER_MAX_MS) {
        retry_after_ms = LADDER_RETRY_AFTER_MAX_MS;
    }
    return delay_ms > retry_after_ms ? delay_ms : retry_after_ms;
}
