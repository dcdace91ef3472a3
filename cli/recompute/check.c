/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/recompute/check.h"

#include <assert.h>

#include "cli/recompute/state.h"

const char *recompute_check_name(enum recompute_check check)
{
    static const char *const names[] = {
#define X(code, what) what,
        RECOMPUTE_CHECKS(X)
#undef X
    };
    assert(check < CHECKS_COUNT);
    return names[check];
}

void recompute_checks_add(struct recompute_checks *sum, const struct recompute_checks *checks)
{
    for (int i = 0; i < CHECKS_COUNT; i++) {
        sum->counts[i] += checks->counts[i];
    }
#define X(name, what) sum->gaps.name += checks->gaps.name;
    RECOMPUTE_GAPS(X)
#undef X
}

bool check_fits(struct recompute *recompute, enum recompute_check check, bool fits)
{
    assert(check < CHECKS_COUNT);
    recompute->checks.counts[check]++;
    if (!fits) {
        recompute->checks.failed = check;
    }
    return fits;
}
