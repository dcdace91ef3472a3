/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/settlement/split.h"

#include "lib/base/sort.h"
#include "lib/money/money.h"

/* Of the candidates that take part in a round. */
struct totals {
    bs_i128 lots, equity;
};

struct split {
    struct bs_closing *closing;
    struct bs_split_for debtors;
    struct bs_step *steps; /* of the candidates that have been given lots */
    uint32_t count, room;
    bs_i128 placed; /* lots */
    uint8_t tier;
    uint32_t side_number;
    uint32_t round;   /* numbers the rounds of all splits of a settlement */
    bool fill;        /* leverage_water_fill */
    uint8_t together; /* this many tiers share one level */
    struct bs_split_share share;
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

/* The step that gives the candidate its lots, or NULL. */
static struct bs_step *step_of(const struct split *split, const struct bs_candidate *candidate)
{
    struct bs_step *step = &split->steps[candidate->step];
    bool is_own = candidate->step < split->count && step->account == candidate->account;
    return is_own ? step : NULL;
}

/* Whether it takes part in this round; what it has left. */
static bool takes_part(const struct split *split, const struct bs_candidate *candidate,
                       struct totals *ret_own)
{
    const struct bs_closing *closing = split->closing;
    struct bs_plan *plan = closing->plan;
    if (candidate->barred == split->side_number || candidate->below == split->round) {
        return false;
    }
    const struct bs_step *step = step_of(split, candidate);
    int64_t size = bs_abs64(bs_plan_leg(plan, candidate->account, closing->market).size);
    bs_i128 equity = split->fill ? bs_plan_equity(plan, candidate->account) : 1;
    *ret_own = (struct totals){size - (step != NULL ? step->lots : 0), bs_max(1, equity)};
    return ret_own->lots > 0;
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

static bool is_debtor_of(const struct split *split, uint32_t account)
{
    const struct bs_plan *plan = split->closing->plan;
    for (uint32_t row = split->debtors.first; row < split->debtors.end; row++) {
        if (plan->debtors[row].account == account) {
            int64_t size = bs_plan_leg(plan, account, split->closing->market).size;
            return size != 0 && (size > 0) == split->closing->is_long;
        }
    }
    return false;
}

/* Whether the candidate is excluded from one of the debtors. */
static bool is_excluded(const struct split *split, uint32_t account)
{
    const struct bs_plan *plan = split->closing->plan;
    for (uint32_t i = 0; i < plan->excluded_count; i++) {
        const struct bs_excluded *row = &plan->excluded[i];
        bool is_one = row->account == account || row->counterparty == account;
        uint32_t other = row->account == account ? row->counterparty : row->account;
        if (is_one && row->market == split->closing->market && is_debtor_of(split, other)) {
            return true;
        }
    }
    return false;
}

/* Leaves out the candidates of the tiers that may not be closed for this side. */
static void bar_untouchable(struct split *split)
{
    split->round = ++split->closing->plan->rounds_split;
    struct totals own;
    struct bs_candidate *candidate;
    struct walk walk = {0};
    while ((candidate = next(split, &walk, &own)) != NULL) {
        if (!bs_closing_may_ask(split->closing, candidate->account) ||
            is_excluded(split, candidate->account)) {
            candidate->barred = split->side_number;
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

static struct bs_step *new_step(struct split *split, struct bs_candidate *candidate, uint32_t rank)
{
    if (split->count == split->room) {
        split->closing->plan->overflow = true;
        return NULL;
    }
    candidate->step = split->count++;
    struct bs_step *step = &split->steps[candidate->step];
    *step = (struct bs_step){.type = BS_STEP_POOLED_ADL,
                             .account = candidate->account,
                             .market = split->closing->market,
                             .as.pooled_adl = {.rank = rank, .split = split->share}};
    return step;
}

/* Gives the candidate up to `wanted` lots more; returns how many. */
static int64_t give(struct split *split, struct bs_candidate *candidate, uint32_t rank,
                    int64_t wanted)
{
    struct bs_step *step = step_of(split, candidate);
    int64_t had = step != NULL ? step->lots : 0;
    bs_i128 value;
    int64_t lots = bs_closing_most(split->closing, candidate->account, had + wanted, &value);
    if (lots > had) {
        step = step != NULL ? step : new_step(split, candidate, rank);
        if (step == NULL) {
            return 0;
        }
        step->lots = lots;
        split->placed += lots - had;
    }
    return lots - had;
}

/* True when another round may place more: a candidate refused lots and others may be left. */
static bool run_round(struct split *split)
{
    struct bs_closing *closing = split->closing;
    split->round = ++closing->plan->rounds_split;
    bs_i128 lots = closing->price.lots - split->placed;
    struct totals sums[3] = {{0, 0}, {0, 0}, split->fill ? find_level(split, lots) : sum(split)};
    lots = bs_min(lots, sums[2].lots);
    split->share.parted = split->fill ? sums[2].lots - lots : lots;
    split->share.total = split->fill ? sums[2].equity : sums[2].lots;
    bool refused = false;
    struct totals own;
    struct bs_candidate *candidate;
    struct walk walk = {0};
    while ((candidate = next(split, &walk, &own)) != NULL) {
        sums[1] = (struct totals){sums[0].lots + own.lots, sums[0].equity + own.equity};
        int64_t wanted = share(split, lots, sums);
        split->share.prefix = split->fill ? sums[0].equity : sums[0].lots;
        if (wanted > 0 && give(split, candidate, walk.rank, wanted) < wanted) {
            candidate->barred = split->side_number;
            refused = true;
        }
        sums[0] = sums[1];
    }
    return refused && split->placed < closing->price.lots && !closing->plan->overflow;
}

static int compare_steps(const void *a, const void *b, const void *context)
{
    const struct bs_engine *engine = context;
    const struct bs_step *left = a, *right = b;
    uint32_t i = engine->accounts.cold[left->account].rank,
             k = engine->accounts.cold[right->account].rank;
    return (i > k) - (i < k);
}

/* Tiers follow each other, and some get their first lots in a later round. */
static bool is_sorted(const struct split *split)
{
    const struct bs_engine *engine = split->closing->plan->engine;
    for (uint32_t i = 1; i < split->count; i++) {
        if (compare_steps(&split->steps[i - 1], &split->steps[i], engine) > 0) {
            return false;
        }
    }
    return true;
}

uint32_t bs_split_place(struct bs_closing *closing, struct bs_split_for debtors,
                        struct bs_step *steps, uint32_t room)
{
    struct bs_plan *plan = closing->plan;
    struct split split = {
        .closing = closing,
        .debtors = debtors,
        .steps = steps,
        .room = room,
        .side_number = ++plan->sides_split,
        .fill = plan->queues->ranking == BS_RANKING_LEVERAGE_WATER_FILL,
    };
    split.together = split.fill && closing->at_mark ? BS_TIERS_OF_PROFIT : 1;
    for (uint32_t tier = 0; tier < BS_TIERS && split.placed < closing->price.lots;
         tier += split.together) {
        split.tier = (uint8_t)tier;
        bar_untouchable(&split);
        while (run_round(&split)) {
        }
    }
    if (!is_sorted(&split)) {
        bs_sort(steps, split.count, sizeof *steps, compare_steps, plan->engine);
    }
    return split.count;
}
