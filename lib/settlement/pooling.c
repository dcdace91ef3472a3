/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/settlement/pooling.h"

#include "lib/book/names.h"
#include "lib/book/policy.h"
#include "lib/money/money.h"
#include "lib/settlement/assigning.h"
#include "lib/settlement/legs.h"
#include "lib/settlement/pooled.h"

/* ---- what the debtors are due ---- */

/* What was divided among the legs is what the debtors owe before the first of them is closed. */
static bool debts_are_exact(const struct bs_plan *plan, uint32_t first, uint32_t end, bool at_mark)
{
    for (uint32_t row = first; row < end; row++) {
        const struct bs_debtor *debtor = &plan->debtors[row];
        bs_i128 total, owed = at_mark ? 0 : bs_max(0, -bs_plan_equity(plan, debtor->account));
        if (debtor->basis != bs_legs_basis(plan, debtor->account, &total) ||
            (!debtor->solvent && (debtor->debt != owed || debtor->weights != total))) {
            return false;
        }
    }
    return true;
}

/* The weights of the legs after that in the market; the walk stays at it until it has been closed. */
static bs_i128 weights_after(struct bs_plan *plan, struct bs_debtor *debtor, uint32_t market)
{
    struct bs_leg_walk *walk = &debtor->checked;
    struct bs_text name = bs_market_text(plan->engine, market);
    enum bs_leg_basis basis = (enum bs_leg_basis)debtor->basis;
    for (; walk->next < bs_plan_positions(plan, debtor->account); walk->next++) {
        struct bs_working_position position = bs_plan_position(plan, debtor->account, walk->next);
        bs_i128 weight = bs_leg_weight(plan, &position, basis);
        if (bs_text_compare(bs_market_text(plan->engine, position.market), name) >= 0) {
            return debtor->weights - walk->prefix - weight;
        }
        walk->prefix += weight;
    }
    return debtor->weights - walk->prefix;
}

/* The value at which the whole leg leaves the debtor the least equity that the rule allows. */
static bs_i128 leg_value(struct bs_plan *plan, uint32_t row, int64_t size)
{
    const struct bs_pooling *pooling = &plan->check.pooling;
    struct bs_debtor *debtor = &plan->debtors[row];
    bs_i128 after = weights_after(plan, debtor, pooling->market);
    bs_i128 value = bs_plan_value(plan, pooling->market, size);
    if (!pooling->at_mark) {
        value += bs_muldiv_ceil(-debtor->debt, after, debtor->weights) -
                 bs_plan_equity(plan, debtor->account);
    }
    bool pays = bs_plan_pays_to_close(plan, pooling->market, size);
    return pays ? bs_min(0, value) : value;
}

static void sum_up(struct bs_plan *plan)
{
    struct bs_pooling *pooling = &plan->check.pooling;
    for (uint32_t row = pooling->row; row < pooling->end; row++) {
        if (bs_debtor_is_on_side(plan, row, pooling->market, pooling->is_long)) {
            uint32_t account = plan->debtors[row].account;
            int64_t size = bs_plan_leg(plan, account, pooling->market).size;
            pooling->value += leg_value(plan, row, size);
            pooling->lots += bs_abs64(size);
        }
    }
}

/* At its first side: whether nothing is taken, and what is owed. */
static bool begin_layer(struct bs_plan *plan, const struct bs_layer *adl, uint32_t first,
                        uint32_t end)
{
    bool of_fund = first == plan->fund_debtor;
    struct bs_pooled_layer *layer = &plan->check.pooled[of_fund];
    if (layer->begun) {
        return true;
    }
    layer->begun = true;
    layer->at_mark =
        of_fund ? bs_plan_equity(plan, bs_plan_backstop(plan)) >= 0 : adl->price == BS_PRICE_MARK;
    return debts_are_exact(plan, first, end, layer->at_mark);
}

bool bs_pooling_begins(struct bs_plan *plan, const struct bs_step *pool)
{
    const struct bs_layer *adl = bs_policy_layer(plan->policy, BS_LAYER_ADL);
    struct bs_pooling *pooling = &plan->check.pooling;
    bool of_fund = pool->debtor != 0;
    uint32_t first = of_fund ? plan->fund_debtor : 0;
    uint32_t end = of_fund ? plan->fund_debtor + 1 : plan->debtors_count;
    if (adl == NULL || !bs_pooling_is_done(plan) || pool->as.pool.closes == 0 ||
        pool->as.pool.adls == 0 || !bs_assigning_is_done(plan, pool) ||
        !begin_layer(plan, adl, first, end)) {
        return false;
    }
    bool at_mark = plan->check.pooled[of_fund].at_mark;
    *pooling = (struct bs_pooling){
        .closes = pool->as.pool.closes,
        .adls = pool->as.pool.adls,
        .counterparties = pool->as.pool.adls,
        .row = first,
        .end = end,
        .market = pool->market,
        .is_long = pool->as.pool.is_long,
        .by_lots = pool->as.pool.by_lots,
        .at_mark = at_mark,
        .protect = !at_mark && adl->protect_principal,
        .price = {pool->as.pool.price_value, pool->as.pool.price_lots},
        .rest = pool->as.pool.rest,
        .shares_total = pool->as.pool.shares,
    };
    sum_up(plan);
    return pooling->rest >= 0 && pooling->shares_total > 0;
}

/* ---- the debtors ---- */

/* The next one on the side, in order; the one before was closed in full. */
static bool is_next(struct bs_plan *plan, const struct bs_step *close)
{
    struct bs_pooling *pooling = &plan->check.pooling;
    while (pooling->row < pooling->end &&
           !bs_debtor_is_on_side(plan, pooling->row, pooling->market, pooling->is_long)) {
        pooling->row++;
    }
    return pooling->closes > 0 && !pooling->in_part && pooling->row < pooling->end &&
           close->debtor == pooling->row + 1 && close->market == pooling->market &&
           close->account == plan->debtors[pooling->row].account;
}

/* Once its leg has been closed: the walk over its legs goes on. */
static void pass_leg(struct bs_plan *plan, struct bs_debtor *debtor, bool in_part)
{
    bs_i128 after = weights_after(plan, debtor, plan->check.pooling.market);
    debtor->checked.prefix = debtor->weights - after;
    debtor->checked.next += in_part;
}

/* What the debtor is due for the lots, less its part of what the counterparties do not bear. */
static bs_i128 close_amount(struct bs_plan *plan, const struct bs_step *close, int64_t size,
                            bs_i128 value)
{
    struct bs_pooling *pooling = &plan->check.pooling;
    bs_i128 due = bs_muldiv_ceil(value, close->lots, bs_abs64(size));
    bs_i128 share = bs_max(0, due - bs_plan_released(plan, close->market, size, close->lots));
    bs_i128 before = pooling->shares;
    pooling->due += due;
    pooling->placed += close->lots;
    pooling->shares += pooling->by_lots ? close->lots : share;
    pooling->any_share = pooling->any_share || share > 0;
    return due - bs_split_floor(pooling->rest, before, pooling->shares, pooling->shares_total);
}

bool bs_pooling_close_is_exact(struct bs_plan *plan, const struct bs_step *close)
{
    struct bs_pooling *pooling = &plan->check.pooling;
    if (!is_next(plan, close)) {
        return false;
    }
    int64_t size = bs_plan_leg(plan, close->account, close->market).size;
    if (close->lots <= 0 || close->lots > bs_abs64(size)) {
        return false;
    }
    bs_i128 value = leg_value(plan, pooling->row, size);
    bs_i128 amount = close_amount(plan, close, size, value);
    pooling->in_part = close->lots < bs_abs64(size);
    pass_leg(plan, &plan->debtors[pooling->row], pooling->in_part);
    pooling->row++;
    pooling->closes--;
    return close->as.pooled_close.leg_value == value && close->amount == amount;
}

/* ---- the counterparties ---- */

/* Their price is the lower of V/Q and W/X; of equal ones the first. */
static bool price_is_exact(const struct bs_pooling *pooling)
{
    bool is_lower =
        bs_compare_products(pooling->due, pooling->lots, pooling->value, pooling->placed) < 0;
    return pooling->price.value == (is_lower ? pooling->due : pooling->value) &&
           pooling->price.lots == (is_lower ? pooling->placed : pooling->lots);
}

/* Every account once, in the order of ids. */
static bool follows(struct bs_plan *plan, const struct bs_step *adl)
{
    struct bs_pooling *pooling = &plan->check.pooling;
    uint32_t order = plan->engine->accounts.cold[adl->account].rank;
    bool first = pooling->adls == pooling->counterparties;
    bool fits = first ? price_is_exact(pooling) : order > pooling->order;
    pooling->order = order;
    return fits;
}

/* After the last one everything adds up. */
static bool ends(const struct bs_pooling *pooling)
{
    return pooling->given == pooling->placed && pooling->due - pooling->borne == pooling->rest &&
           pooling->shares == pooling->shares_total && pooling->by_lots == !pooling->any_share;
}

bool bs_pooling_adl_is_exact(struct bs_plan *plan, const struct bs_step *adl)
{
    struct bs_pooling *pooling = &plan->check.pooling;
    struct bs_leg leg = bs_plan_leg(plan, adl->account, adl->market);
    if (pooling->closes > 0 || pooling->adls == 0 || adl->market != pooling->market ||
        adl->account == bs_plan_backstop(plan) || adl->lots <= 0 ||
        bs_abs64(leg.size) < adl->lots || (leg.size > 0) == pooling->is_long ||
        bs_plan_leaves_out(plan, adl->account, adl->market) || !follows(plan, adl)) {
        return false;
    }
    bs_i128 amount = bs_piece(&pooling->price, pooling->given, adl->lots);
    if (pooling->protect) {
        amount = bs_min(amount, bs_piece_at_entry(leg.entry, adl->lots, leg.size));
    }
    pooling->given += adl->lots;
    pooling->borne += amount;
    pooling->adls--;
    return adl->amount == amount && (pooling->adls > 0 || ends(pooling));
}

bool bs_pooling_is_done(const struct bs_plan *plan)
{
    return plan->check.pooling.closes == 0 && plan->check.pooling.adls == 0;
}

bs_i128 bs_pooling_dust(const struct bs_plan *plan)
{
    return plan->inverse ? plan->check.pooling.counterparties : 0;
}
