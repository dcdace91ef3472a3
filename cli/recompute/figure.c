/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/recompute/figure.h"

#include "cli/member.h"
#include "cli/number.h"
#include "cli/recompute/state.h"

bs_i128 figure_quanta(struct recompute *recompute, const json_t *object, const char *member)
{
    struct bs_wide number;
    bs_i128 quanta = 0;
    if (!number_parse(member_text(object, member), &number) ||
        !number_scaled(number, (int32_t)recompute->decimals, &quanta)) {
        recompute->malformed = true;
        return 0;
    }
    return quanta;
}

bs_i128 figure_optional(struct recompute *recompute, const json_t *object, const char *member)
{
    return member_exists(object, member) ? figure_quanta(recompute, object, member) : 0;
}

bs_i128 figure_units(struct recompute *recompute, const json_t *object, const char *member,
                     struct bs_wide unit)
{
    struct bs_wide number;
    bs_i128 whole = 0;
    if (!number_parse(member_text(object, member), &number) ||
        !number_ratio(number, unit, &whole)) {
        recompute->malformed = true;
        return 0;
    }
    return whole;
}
