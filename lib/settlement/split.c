/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/settlement/split.h"

#include "lib/money/money.h"

/* Of the candidates that take part in a round. */
struct totals {
    bs_i128 lots, equity;
};

struct split {
    struct bs_closing *closing;
    uint8_t tier;
    uint32_t leg_number;
    uint32_t round;   /* numbers the rounds of all splits of a settlement */
    bool fill;        /* leverage_water_fill */
    uint8_t together; /* this many tiers share one level */
};

/* Walks the candidates of a split in account-id order, in which shares are rounded: a tier is in that
 * order, so that two with one level are merged. */
struct walk {
    uint32_t next[BS_TIERS_OF_PROFIT]; /* rank in each of the tiers */
    uint32_t rank;                     /* of the candidate returned last */
};

static struct bs_candidate *candidate_at(const struct split *split, uint32_t rank)
{
    return bs_queue_at(split->closing->plan, split->closing->market, split->closing->counter_side,
                       rank);
}

/* Whether it takes part in this round; what it has. */
static bool takes_part(const struct split *split, const struct bs_candidate *candidate,
                       struct totals *ret_own)
{
    const struct bs_closing *closing = split->closing;
    struct bs_plan *plan = closing->plan;
    struct bs_leg leg = bs_plan_leg(plan, candidate->account, closing->market);
    if (candidate->barred == split->leg_number || candidate->below == split->round ||
        leg.size == 0 || (leg.size < 0) != (closing->counter_side == 1)) {
        return false;
    }
    bs_i128 equity = split->fill ? bs_plan_equity(plan, candidate->account) : 1;
    *ret_own = (struct totals){bs_abs64(leg.size), bs_max(1, equity)};
    return true;
}

/* The next one of a single tier; moves on to it. */
static struct bs_candidate *next_in_tier(const struct split *split, uint32_t tier, uint32_t *rank,
                                         struct totals *ret_own)
{
    struct bs_candidate *candidate;
    for (; (candidate = candidate_at(split, *rank)) != NULL && candidate->tier <= tier; (*rank)++) {
        if (candidate->tier == tier && takes_part(split, candidate, ret_own)) {
            return candidate;
        }
    }
    return NULL;
}

static bool comes_before(const struct split *split, const struct bs_candidate *a,
                         const struct bs_candidate *b)
{
    const struct bs_account_cold *cold = split->closing->plan->engine->accounts.cold;
    return cold[a->account].rank < cold[b->account].rank;
}

static struct bs_candidate *next(const struct split *split, struct walk *walk,
                                 struct totals *ret_own)
{
    struct bs_candidate *first = NULL;
    uint32_t first_tier = 0;
    for (uint32_t i = 0; i < split->together; i++) {
        struct totals own;
        struct bs_candidate *candidate = next_in_tier(split, split->tier + i, &walk->next[i], &own);
        if (candidate != NULL && (first == NULL || comes_before(split, candidate, first))) {
            first = candidate;
            first_tier = i;
            *ret_own = own;
        }
    }
    walk->rank = walk->next[first_tier];
    walk->next[first_tier] += first != NULL;
    return first;
}

/* Leaves out candidates at a loss at mark where principal is protected, and excluded pairs. */
static void bar_untouchable(const struct split *split)
{
    const struct bs_closing *closing = split->closing;
    const struct bs_plan *plan = closing->plan;
    struct totals own;
    struct bs_candidate *candidate;
    bool needed = closing->protect || plan->excluded_count > 0;
    struct walk walk = {0};
    while (needed && (candidate = next(split, &walk, &own)) != NULL) {
        struct bs_leg leg = bs_plan_leg(plan, candidate->account, closing->market);
        bool loses = bs_plan_profit(plan, closing->market, &leg) < 0;
        if ((loses && closing->protect) ||
            bs_plan_excludes(plan, closing->account, candidate->account, closing->market)) {
            candidate->barred = split->leg_number;
        }
    }
}

static struct totals sum(const struct split *split)
{
    struct totals total = {0, 0}, own;
    struct walk walk = {0};
    while (next(split, &walk, &own) != NULL) {
        total.lots += own.lots;
        total.equity += own.equity;
    }
    return total;
}

/* Leaves out the candidates that are not above the level. Leaving them out only raises it, so what
 * is left when no more go are exactly those above it. Returns their totals. */
static struct totals find_level(const struct split *split, bs_i128 lots)
{
    struct totals total = sum(split), own, kept;
    for (bool left_out = true; left_out && lots < total.lots;) {
        left_out = false;
        kept = total;
        struct bs_candidate *candidate;
        struct walk walk = {0};
        while ((candidate = next(split, &walk, &own)) != NULL) {
            if (bs_compare_products(own.lots, total.equity, total.lots - lots, own.equity) <= 0) {
                candidate->below = split->round;
                kept.lots -= own.lots;
                kept.equity -= own.equity;
                left_out = true;
            }
        }
        total = kept;
    }
    return total;
}

/* The lots of the next candidate; `before` and `after` are the sums without and with it. */
static int64_t share(const struct split *split, bs_i128 lots, const struct totals sums[3])
{
    const struct totals *before = &sums[0], *after = &sums[1], *total = &sums[2];
    if (!split->fill) {
        return (int64_t)bs_split_floor(lots, before->lots, after->lots, total->lots);
    }
    bs_i128 stays = bs_split_ceil(total->lots - lots, before->equity, after->equity, total->equity);
    return (int64_t)(after->lots - before->lots - stays);
}

/* True when another round may place more: a candidate refused lots and others may be left. */
static bool run_round(struct split *split)
{
    struct bs_closing *closing = split->closing;
    split->round = ++closing->plan->rounds_split;
    bar_untouchable(split);
    bs_i128 lots = closing->price.lots - closing->done;
    struct totals sums[3] = {{0, 0}, {0, 0}, split->fill ? find_level(split, lots) : sum(split)};
    lots = bs_min(lots, sums[2].lots);
    closing->split.parted = split->fill ? sums[2].lots - lots : lots;
    closing->split.total = split->fill ? sums[2].equity : sums[2].lots;
    bool refused = false;
    struct totals own;
    struct bs_candidate *candidate;
    struct walk walk = {0};
    while ((candidate = next(split, &walk, &own)) != NULL) {
        sums[1] = (struct totals){sums[0].lots + own.lots, sums[0].equity + own.equity};
        int64_t wanted = share(split, lots, sums);
        closing->split.prefix = split->fill ? sums[0].equity : sums[0].lots;
        if (wanted > 0 && bs_close_against(closing, candidate, walk.rank, wanted) < wanted) {
            candidate->barred = split->leg_number;
            refused = true;
        }
        sums[0] = sums[1];
    }
    return refused && closing->done < closing->price.lots && !closing->plan->overflow;
}

void bs_closing_split(struct bs_closing *closing)
{
    struct bs_plan *plan = closing->plan;
    struct split split = {
        .closing = closing,
        .leg_number = ++plan->legs_split,
        .fill = plan->queues->ranking == BS_RANKING_LEVERAGE_WATER_FILL,
    };
    split.together = split.fill && closing->at_mark ? BS_TIERS_OF_PROFIT : 1;
    for (uint32_t tier = 0; tier < BS_TIERS; tier += split.together) {
        split.tier = (uint8_t)tier;
        while (closing->done < closing->price.lots && run_round(&split)) {
        }
    }
}
