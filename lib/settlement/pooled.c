/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/settlement/pooled.h"

#include "lib/book/names.h"
#include "lib/book/policy.h"
#include "lib/money/money.h"
#include "lib/settlement/legs.h"
#include "lib/settlement/split.h"
#include "lib/settlement/step/kind.h"

/* A side while its steps are made. */
struct side {
    struct bs_plan *plan;
    const struct bs_side_walk *walk;
    bool protect;
    struct bs_piecewise price; /* V and Q */
    uint32_t debtors;          /* on this side */
    struct bs_step *adls;      /* in the plan's table, after room for the other steps */
    bs_i128 placed, due;       /* X; W */
    bs_i128 shares;            /* of what the debtors reached get here, where above 0 */
    struct bs_step pool;
};

/* One debtor's leg on a side. */
struct leg {
    int64_t lots;           /* 0: it has none */
    bs_i128 value;          /* V_d */
    bs_i128 prefix, weight; /* in its debt */
};

/* ---- what the legs are due ---- */

/* Moves on to the walk's market; legs before it that were not closed are passed over. */
static bool find_leg(struct bs_plan *plan, struct bs_debtor *debtor, uint32_t market,
                     struct bs_working_position *ret_position)
{
    struct bs_text name = bs_market_text(plan->engine, market);
    struct bs_leg_walk *walk = &debtor->planned;
    for (; walk->next < bs_plan_positions(plan, debtor->account); walk->next++) {
        *ret_position = bs_plan_position(plan, debtor->account, walk->next);
        struct bs_text other = bs_market_text(plan->engine, ret_position->market);
        if (bs_text_compare(other, name) >= 0) {
            return ret_position->market == market;
        }
        walk->prefix += bs_leg_weight(plan, ret_position, (enum bs_leg_basis)debtor->basis);
    }
    return false;
}

/* Its nominal share, and what the legs before it did not get of theirs. */
static bs_i128 share_of(const struct side *side, const struct bs_debtor *debtor,
                        const struct leg *leg)
{
    if (side->walk->at_mark) {
        return 0;
    }
    bs_i128 got = bs_plan_equity(side->plan, debtor->account) + debtor->debt;
    return bs_muldiv_ceil(debtor->debt, leg->prefix + leg->weight, debtor->weights) - got;
}

static struct leg leg_of(const struct side *side, uint32_t row)
{
    struct bs_plan *plan = side->plan;
    struct bs_debtor *debtor = &plan->debtors[row];
    struct bs_working_position position;
    if (debtor->solvent || !find_leg(plan, debtor, side->walk->market, &position) ||
        (position.leg.size < 0) != side->walk->side) {
        return (struct leg){0};
    }
    struct leg leg = {
        .lots = bs_abs64(position.leg.size),
        .prefix = debtor->planned.prefix,
        .weight = bs_leg_weight(plan, &position, (enum bs_leg_basis)debtor->basis),
    };
    leg.value =
        bs_plan_value(plan, position.market, position.leg.size) + share_of(side, debtor, &leg);
    if (bs_plan_pays_to_close(plan, position.market, position.leg.size)) {
        leg.value = bs_min(0, leg.value); /* no price below 0: the rest is carried on */
    }
    return leg;
}

static void sum_up(struct side *side)
{
    for (uint32_t row = side->walk->first; row < side->walk->end; row++) {
        struct leg leg = leg_of(side, row);
        side->price.value += leg.value;
        side->price.lots += leg.lots;
        side->debtors += leg.lots > 0;
    }
}

/* ---- who is closed for how much ---- */

static void place(struct side *side)
{
    struct bs_plan *plan = side->plan;
    struct bs_closing closing = {.plan = plan,
                                 .market = side->walk->market,
                                 .counter_side = side->walk->side == 0,
                                 .at_mark = side->walk->at_mark,
                                 .protect = side->protect,
                                 .is_long = side->walk->side == 0,
                                 .price = side->price};
    uint32_t at = plan->steps_count + 1 + side->debtors;
    uint32_t room = plan->steps_max > at ? plan->steps_max - at : 0;
    struct bs_split_for debtors = {side->walk->first, side->walk->end};
    side->adls = plan->steps + at;
    side->pool.as.pool.adls = bs_split_place(&closing, debtors, side->adls, room);
    for (uint32_t i = 0; i < side->pool.as.pool.adls; i++) {
        side->placed += side->adls[i].lots;
    }
}

/* The lots of a leg that were placed, and what it is due for them. */
struct part {
    int64_t lots;
    bs_i128 due, share; /* W_d; what is above the value at mark */
};

static struct part part_of(const struct side *side, uint32_t row, const struct leg *leg,
                           bs_i128 left)
{
    struct part part = {.lots = (int64_t)bs_min(left, leg->lots)};
    if (part.lots > 0) {
        uint32_t market = side->walk->market;
        int64_t size = side->walk->side == 0 ? leg->lots : -leg->lots;
        assert(bs_plan_leg(side->plan, side->plan->debtors[row].account, market).size == size);
        (void)row;
        part.due = bs_muldiv_ceil(leg->value, part.lots, leg->lots);
        part.share = bs_max(0, part.due - bs_plan_released(side->plan, market, size, part.lots));
    }
    return part;
}

/* The debtors that are reached, in order. */
static void reach(struct side *side)
{
    bs_i128 left = side->placed;
    for (uint32_t row = side->walk->first; left > 0; row++) {
        assert(row < side->walk->end);
        struct leg leg = leg_of(side, row);
        struct part part = part_of(side, row, &leg, left);
        side->due += part.due;
        side->shares += part.share;
        side->pool.as.pool.closes += part.lots > 0;
        left -= part.lots;
    }
}

static void set_price(struct side *side)
{
    struct bs_step_pool *pool = &side->pool.as.pool;
    bool is_lower =
        bs_compare_products(side->due, side->price.lots, side->price.value, side->placed) < 0;
    pool->price_value = is_lower ? side->due : side->price.value;
    pool->price_lots = is_lower ? side->placed : side->price.lots;
}

/* What each counterparty gives; what the debtors go without. */
static void set_amounts(struct side *side)
{
    struct bs_step_pool *pool = &side->pool.as.pool;
    struct bs_piecewise price = {pool->price_value, pool->price_lots};
    bs_i128 prefix = 0;
    pool->rest = side->due;
    for (uint32_t i = 0; i < pool->adls; i++) {
        struct bs_step *adl = &side->adls[i];
        adl->amount = bs_piece(&price, prefix, adl->lots);
        if (side->protect) {
            struct bs_leg leg = bs_plan_leg(side->plan, adl->account, adl->market);
            adl->amount = bs_min(adl->amount, bs_piece_at_entry(leg.entry, adl->lots, leg.size));
        }
        prefix += adl->lots;
        pool->rest -= adl->amount;
    }
    assert(pool->rest >= 0);
}

/* ---- the steps ---- */

/* Its share of what the debtors go without: by their shares, or by lots. */
static bs_i128 goes_without(const struct side *side, const struct part *part, bs_i128 *prefix)
{
    bs_i128 before = *prefix;
    *prefix += side->shares > 0 ? part->share : part->lots;
    return bs_split_floor(side->pool.as.pool.rest, before, *prefix, side->pool.as.pool.shares);
}

/* The leg has had its turn. */
static void pass(struct side *side, uint32_t row, const struct leg *leg)
{
    struct bs_debtor *debtor = &side->plan->debtors[row];
    uint32_t account = debtor->account;
    debtor->planned.prefix += leg->weight;
    debtor->planned.next += bs_plan_leg(side->plan, account, side->walk->market).size != 0;
    debtor->owed = bs_max(0, -bs_plan_equity(side->plan, account));
}

static void add_closes(struct side *side)
{
    struct bs_plan *plan = side->plan;
    bs_i128 left = side->placed, prefix = 0;
    uint32_t behind = 1;
    for (uint32_t row = side->walk->first; row < side->walk->end; row++) {
        struct leg leg = leg_of(side, row);
        if (leg.lots == 0) {
            continue;
        }
        struct part part = part_of(side, row, &leg, left);
        if (part.lots > 0) {
            struct bs_step step = {
                .type = BS_STEP_POOLED_CLOSE,
                .account = plan->debtors[row].account,
                .market = side->walk->market,
                .debtor = row + 1,
                .lots = part.lots,
                .amount = part.due - goes_without(side, &part, &prefix),
                .as.pooled_close = {behind++, leg.value, leg.prefix, leg.weight},
            };
            left -= part.lots;
            bs_plan_add(plan, &step);
        }
        pass(side, row, &leg);
    }
    assert(left == 0);
}

/* The steps are copied down to where the plan ends. */
static void add_adls(struct side *side)
{
    for (uint32_t i = 0; i < side->pool.as.pool.adls; i++) {
        struct bs_step step = side->adls[i];
        step.as.pooled_adl.behind = 1 + side->pool.as.pool.closes + i;
        bs_plan_add(side->plan, &step);
    }
}

static void close_side(struct bs_plan *plan, const struct bs_side_walk *walk)
{
    const struct bs_layer *adl = bs_policy_layer(plan->policy, BS_LAYER_ADL);
    bool of_fund = walk->first == plan->fund_debtor;
    struct side side = {
        .plan = plan,
        .walk = walk,
        .protect = !walk->at_mark && adl->protect_principal,
        .pool = {.type = BS_STEP_POOL,
                 .account = bs_plan_backstop(plan),
                 .market = walk->market,
                 .debtor = of_fund ? plan->fund_debtor + 1 : 0,
                 .as.pool = {.is_long = walk->side == 0}},
    };
    sum_up(&side);
    if (side.debtors == 0) {
        return;
    }
    place(&side);
    if (side.placed > 0) {
        reach(&side);
        set_price(&side);
        set_amounts(&side);
        side.pool.as.pool.by_lots = side.shares == 0;
        side.pool.as.pool.shares = side.shares > 0 ? side.shares : side.placed;
        bs_plan_add(plan, &side.pool);
    }
    add_closes(&side);
    add_adls(&side);
}

/* ---- the walk ---- */

void bs_sides_begin(struct bs_plan *plan, struct bs_side_walk *walk, uint32_t first, uint32_t end,
                    bool at_mark)
{
    *walk = (struct bs_side_walk){.first = first,
                                  .end = end,
                                  .at_mark = at_mark,
                                  .begun = true,
                                  .market = plan->engine->pools[plan->pool].market_head};
    for (uint32_t row = first; row < end; row++) {
        struct bs_debtor *debtor = &plan->debtors[row];
        debtor->basis = (uint8_t)bs_legs_basis(plan, debtor->account, &debtor->weights);
        debtor->debt = at_mark ? 0 : debtor->owed;
        debtor->planned = debtor->checked = (struct bs_leg_walk){0};
    }
}

bool bs_sides_next(struct bs_plan *plan, struct bs_side_walk *walk)
{
    assert(walk->begun);
    while (walk->market != 0 && !plan->overflow) {
        bool has_counterparties =
            plan->queues->lists[walk->market * 2 + (walk->side == 0)].count > 0;
        if (has_counterparties) {
            close_side(plan, walk);
        }
        walk->market = walk->side == 1 ? plan->engine->markets[walk->market].next : walk->market;
        walk->side = 1 - walk->side;
        if (has_counterparties) {
            return true;
        }
    }
    return false;
}
