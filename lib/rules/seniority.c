/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/rules/seniority.h"

#include "lib/money/money.h"

bs_i128 bs_gain_of_age(const bs_i128 gains[BS_AGES_MAX], bs_i128 period_gain, uint32_t age)
{
    bs_i128 lost = bs_max(0, -period_gain), left = period_gain;
    assert(age <= BS_AGES_MAX);
    for (uint32_t k = 0; k < age; k++) {
        bs_i128 eaten = bs_min(gains[k], lost);
        left = gains[k] - eaten;
        lost -= eaten;
    }
    return left;
}

void bs_gains_grow_older(bs_i128 gains[BS_AGES_MAX], bs_i128 period_gain, uint32_t ages)
{
    bs_i128 grown[BS_AGES_MAX] = {0};
    assert(ages <= BS_AGES_MAX);
    for (uint32_t k = 0; k < ages; k++) {
        grown[k] = bs_max(0, bs_gain_of_age(gains, period_gain, k));
    }
    memcpy(gains, grown, sizeof grown);
}

bs_i128 bs_gain_at_stake(const bs_i128 gains[BS_AGES_MAX], bs_i128 period_gain, uint32_t ages)
{
    bs_i128 sum = period_gain;
    assert(ages <= BS_AGES_MAX);
    for (uint32_t age = 1; age <= ages; age++) {
        assert(gains[age - 1] >= 0);
        sum += gains[age - 1];
    }
    return sum;
}
