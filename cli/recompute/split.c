/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/recompute/split.h"

#include "cli/member.h"
#include "cli/recompute/figure.h"
#include "cli/recompute/state.h"
#include "lib/money/money.h"

/* pro_rata divides lots by size; leverage_water_fill divides what stays by equity. */
static struct share read_share(struct recompute *recompute, const json_t *told,
                               const struct market *market, bool by_equity)
{
    struct share share = {.amount = figure_units(recompute, told, "amount", market->lot)};
    if (by_equity) {
        share.total = figure_quanta(recompute, told, "total");
        share.prefix = figure_quanta(recompute, told, "prefix");
        share.weight = figure_quanta(recompute, told, "weight");
    } else {
        share.total = figure_units(recompute, told, "total", market->lot);
        share.prefix = figure_units(recompute, told, "prefix", market->lot);
        share.weight = figure_units(recompute, told, "weight", market->lot);
    }
    return share;
}

/* Of the same round as the one before: the same numbers, later in the order of accounts. */
static bool continues_round(const struct leg *leg, const json_t *told, bs_i128 prefix)
{
    return leg->split != NULL && prefix >= leg->split_end &&
           member_is_equal(leg->split, told, "amount") &&
           member_is_equal(leg->split, told, "total");
}

/* The lots that the share comes to. */
static bs_i128 lots_due(const struct share *share, const struct close *close, bool by_equity)
{
    bs_i128 past = share->prefix + share->weight;
    return by_equity
               ? close->before - bs_split_ceil(share->amount, share->prefix, past, share->total)
               : bs_split_floor(share->amount, share->prefix, past, share->total);
}

static bool share_fits(const struct leg *leg, const json_t *told, const struct share *share,
                       const struct close *close)
{
    bs_i128 left = leg->lots - (leg->done - close->lots);
    return share->weight == close->before && (continues_round(leg, told, share->prefix) ||
                                              share->amount == bs_min(left, share->total));
}

bool split_take(struct recompute *recompute, const json_t *action)
{
    struct leg *leg = &recompute->leg;
    json_t *told = json_object_get(action, "share");
    struct close close = close_of(recompute, action);
    if (told == NULL || !close.market.is_known) {
        return told != NULL || member_exists(action, "rank");
    }
    bool by_equity = member_is(action, "ranking", "leverage_water_fill");
    struct share share = read_share(recompute, told, &close.market, by_equity);
    if (recompute->malformed || !share_is_part(&share)) {
        return check_fits(recompute, CHECK_LOTS, false);
    }
    bs_i128 due = lots_due(&share, &close, by_equity);
    bool is_pooled = side_has(action); /* the share is of the first round that gave it lots */
    bool fits = is_pooled
                    ? by_equity || share.weight == close.before
                    : close.lots <= due && (by_equity || share_fits(leg, told, &share, &close));
    if (is_pooled) {
        uint64_t tier = member_integer(json_object_get(action, "queue"), "tier");
        fits = fits &&
               side_take_share(&recompute->side, tier, &share, !by_equity && close.lots == due);
    }
    json_decref(leg->split);
    leg->split = json_incref(told);
    leg->split_end = share.prefix + share.weight;
    recompute->checks.gaps.clamped += close.lots < due;
    recompute->checks.gaps.later += close.lots > due;
    return check_fits(recompute, CHECK_LOTS, fits);
}
