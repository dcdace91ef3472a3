/* SPDX-License-Identifier: Apache-2.0 */
/* From a checked plan to actions. */
#include "lib/book/fund.h"
#include "lib/money/money.h"
#include "lib/settlement/assign.h"
#include "lib/settlement/layers.h"
#include "lib/settlement/settle.h"
#include "lib/settlement/tally.h"

struct bs_action *bs_action_new(struct bs_engine *engine, uint32_t pool, enum bs_action_type type,
                                struct bs_effects *effects)
{
    assert(effects->actions_count < effects->actions_max);
    struct bs_action *action = &effects->actions[effects->actions_count++];
    /* Decimals and queue are set where `present` says so. */
    memset(action, 0, offsetof(struct bs_action, decimals));
    action->ordinal = ++engine->ordinal;
    action->id = ++engine->pools[pool].actions;
    action->seq = engine->seq;
    action->time_ms = engine->time_ms;
    action->type = (uint8_t)type;
    action->pool = bs_pool_text(engine, pool);
    if (engine->scratch->publishing && engine->scratch->numbered) {
        action->settlement = engine->pools[pool].settlements;
        action->present |= BS_ACTION_HAS_SETTLEMENT;
        engine->scratch->summary.last_action = action->id;
    }
    return action;
}

void bs_action_decimal(struct bs_action *action, enum bs_action_decimal which, struct bs_wide value)
{
    action->decimals[which] = value;
    action->present |= 1u << which;
}

#define DECIMAL(action, name, value) bs_action_decimal(action, BS_ACTION_DECIMAL_##name, value)

struct publishing {
    struct bs_engine *engine;
    struct bs_plan *plan;
    struct bs_effects *effects;
    const struct bs_pool *pool;
    const struct bs_step *step;
    bs_i128 priced; /* the value shown, that `price` is the price of the step's lots for */
    bool has_price;
    struct bs_wide price;
};

/* Both sides of a close show the same price. */
static struct bs_wide price_shown(struct publishing *p, bs_i128 value)
{
    if (!p->has_price || p->priced != value) {
        p->price = bs_price_wide(&p->engine->markets[p->step->market], value, p->step->lots);
        p->priced = value;
        p->has_price = true;
    }
    return p->price;
}

static struct bs_action *begin(struct publishing *p, enum bs_action_type type, uint32_t account)
{
    struct bs_action *action = bs_action_new(p->engine, p->plan->pool, type, p->effects);
    uint32_t owner = bs_account_owner(p->engine, account);
    action->account = bs_account_text(p->engine, account);
    if (owner != account) {
        action->market = bs_isolated_market(p->engine, account);
        action->present |= BS_ACTION_IS_ISOLATED;
    }
    p->engine->accounts.cold[owner].last_action = action->id;
    return action;
}

static void add_reason(struct publishing *p, struct bs_action *action)
{
    if (p->step->reference != 0) {
        const struct bs_case *c = &p->plan->scratch->cases[p->step->reference - 1];
        DECIMAL(action, reason_deficit, bs_quanta_wide(p->pool, c->deficit));
        DECIMAL(action, reason_fund_paid, bs_quanta_wide(p->pool, c->fund_paid));
        DECIMAL(action, reason_residual, bs_quanta_wide(p->pool, c->deficit - c->fund_paid));
    }
}

/* One side of a close, before it is carried out: `received` is signed, for `lots` of the leg. */
static struct bs_action *add_close(struct publishing *p, enum bs_action_type type, uint32_t account,
                                   uint32_t counterparty, bs_i128 received)
{
    const struct bs_market *market = &p->engine->markets[p->step->market];
    int64_t lots = p->step->lots;
    struct bs_leg leg = bs_plan_leg(p->plan, account, p->step->market);
    int sign = leg.size > 0 ? 1 : -1;
    int64_t held = bs_abs64(leg.size);
    bs_i128 entry = leg.entry;
    bs_i128 at_mark = bs_plan_value(p->plan, p->step->market, sign * lots);
    int64_t share = bs_leg_close(&leg, lots);

    struct bs_action *action = begin(p, type, account);
    action->market = bs_market_text(p->engine, p->step->market);
    if (counterparty != 0) {
        action->counterparty = bs_account_text(p->engine, counterparty);
    }
    action->side = sign < 0;
    action->present |= BS_ACTION_HAS_SIDE;
    DECIMAL(action, size_closed, bs_lots_wide(market, lots));
    DECIMAL(action, size_before, bs_lots_wide(market, held));
    DECIMAL(action, size_after, bs_lots_wide(market, held - lots));
    bs_i128 shown = bs_value_shown(market, sign > 0, received);
    DECIMAL(action, price, price_shown(p, shown));
    DECIMAL(action, value, bs_quanta_wide(p->pool, shown));
    DECIMAL(action, mark_price, bs_ticks_wide(market, market->mark));
    DECIMAL(action, entry_price,
            bs_price_wide(market, bs_value_shown(market, sign > 0, entry), held));
    DECIMAL(action, realized_pnl, bs_quanta_wide(p->pool, received - share));
    DECIMAL(action, cost_to_mark, bs_quanta_wide(p->pool, at_mark - received));
    return action;
}

/* False: this ranking, or this position, has no score. Most are shown three times: in their own
 * action and in their neighbours'. */
static bool score_shown(uint8_t ranking, struct bs_candidate *candidate, struct bs_wide *ret_score)
{
    const struct bs_score *score = &candidate->score;
    bool by_priority = ranking == BS_RANKING_PRIORITY;
    if (by_priority && score->numerator == -(bs_i128)BS_PRIORITY_NONE) {
        return false;
    }
    if (!candidate->has_shown) {
        candidate->shown = by_priority ? (struct bs_wide){-score->numerator, 0}
                                       : bs_wide_ratio(score->numerator, score->denominator, 0);
        candidate->has_shown = true;
    }
    *ret_score = candidate->shown;
    return true;
}

static void put_input(struct bs_action_queue *queue, enum bs_action_input which,
                      struct bs_wide value)
{
    queue->inputs[which] = value;
    queue->present |= (uint8_t)(1u << which);
}

/* What the score was made of, as far as the ranking looks at it; the profit is in every tier. */
static void add_inputs(const struct publishing *p, struct bs_action_queue *queue, uint8_t ranking,
                       const struct bs_score_input *input)
{
    bool by_leverage =
        ranking == BS_RANKING_PROFIT_LEVERAGE || ranking == BS_RANKING_PRICE_LEVERAGE;
    bool by_margin = ranking == BS_RANKING_MARGIN_PROFIT;
    put_input(queue, BS_ACTION_INPUT_profit, bs_quanta_wide(p->pool, input->profit));
    if (by_leverage) {
        put_input(queue, BS_ACTION_INPUT_entry_value, bs_quanta_wide(p->pool, input->entry));
        put_input(queue, BS_ACTION_INPUT_notional, bs_quanta_wide(p->pool, input->notional));
    }
    if (by_leverage || by_margin || ranking == BS_RANKING_PROFIT_EQUITY) {
        put_input(queue, BS_ACTION_INPUT_equity, bs_quanta_wide(p->pool, input->equity));
    }
    if (by_margin) {
        put_input(queue, BS_ACTION_INPUT_wallet, bs_quanta_wide(p->pool, input->wallet));
        put_input(queue, BS_ACTION_INPUT_maintenance,
                  bs_quanta_wide(p->pool, bs_score_maintenance(input)));
    }
}

/* Who was ranked right before and after; outside of the list: nobody. */
static void add_neighbour(const struct publishing *p, struct bs_action_queue *queue, uint8_t side,
                          bool is_ahead)
{
    struct bs_rankings *rankings = &p->plan->scratch->rankings;
    uint32_t own = p->step->candidate - 1; /* its place, from 0 */
    struct bs_candidate *neighbour =
        is_ahead && own == 0
            ? NULL
            : bs_ranking_at(p->plan, p->step->market, side, is_ahead ? own - 1 : own + 1);
    struct bs_wide score;
    if (neighbour == NULL) {
        return;
    }
    *(is_ahead ? &queue->ahead : &queue->behind) = bs_account_text(p->engine, neighbour->account);
    *(is_ahead ? &queue->ahead_tier : &queue->behind_tier) = neighbour->tier;
    if (score_shown(rankings->ranking, neighbour, &score)) {
        put_input(queue, is_ahead ? BS_ACTION_INPUT_ahead_score : BS_ACTION_INPUT_behind_score,
                  score);
    }
}

/* The place in the queue, and what an outsider needs to recompute it. */
static void add_rank(struct publishing *p, struct bs_action *action, uint8_t side)
{
    struct bs_rankings *rankings = &p->plan->scratch->rankings;
    const struct bs_ranking_list *list = &rankings->lists[p->step->market * 2 + side];
    struct bs_candidate *candidate =
        bs_ranking_at(p->plan, p->step->market, side, p->step->candidate - 1);
    struct bs_score_input input =
        bs_score_input_of(&p->engine->markets[p->step->market], &candidate->terms, 0);
    action->ranking = rankings->ranking;
    action->present |= BS_ACTION_HAS_RANKING | BS_ACTION_HAS_QUEUE;
    action->queue = (struct bs_action_queue){
        .of = list->count, .digest = list->digest, .tier = candidate->tier};
    add_inputs(p, &action->queue, rankings->ranking, &input);
    if (bs_ranking_splits(rankings->ranking)) {
        return; /* a split has no order */
    }
    action->rank = p->step->candidate;
    action->present |= BS_ACTION_HAS_RANK;
    struct bs_wide score;
    if (score_shown(rankings->ranking, candidate, &score)) {
        DECIMAL(action, score, score);
    }
    add_neighbour(p, &action->queue, side, true);
    add_neighbour(p, &action->queue, side, false);
}

/* So that the venue may take it back: see lib/book/closes.h. Before the step is carried out. */
static void remember_close(struct publishing *p, uint64_t action)
{
    const struct bs_step *step = p->step;
    const uint32_t accounts[BS_SIDES] = {step->account, step->counterparty};
    struct bs_leg closed = bs_plan_leg(p->plan, step->account, step->market);
    struct bs_close close = {
        .action = action,
        .market_uid = p->engine->markets[step->market].uid,
        .market = step->market,
        .pool = p->plan->pool,
        .lots = step->lots,
        .value = step->amount,
        .mark_value = bs_plan_released(p->plan, step->market, closed.size, step->lots),
        .is_long = closed.size > 0,
    };
    close.assigned = step->type == BS_STEP_ASSIGN;
    for (int side = 0; side < BS_SIDES; side++) {
        struct bs_leg leg = bs_plan_leg(p->plan, accounts[side], step->market);
        int64_t taken = leg.taken;
        uint32_t row = bs_position_find(p->engine, accounts[side], step->market);
        close.account[side] = accounts[side];
        close.uid[side] = p->engine->accounts.cold[accounts[side]].uid;
        close.priority[side] = BS_PRIORITY_NONE;
        if (side == BS_SIDE_COUNTER && close.assigned) {
            continue; /* it took something over: nothing of its own was closed for it */
        }
        close.priority[side] =
            row != 0 ? p->engine->positions.rows[row].priority : BS_PRIORITY_NONE;
        close.entry[side] = bs_leg_close(&leg, step->lots);
        close.taken[side] = taken - leg.taken;
    }
    bs_closes_add(p->engine, &close);
}

static void publish_close(struct publishing *p)
{
    const struct bs_step *step = p->step;
    struct bs_action *action =
        add_close(p, BS_ACTION_LIQUIDATION_CLOSE, step->account, step->counterparty, step->amount);
    DECIMAL(action, leg_value,
            bs_quanta_wide(p->pool, bs_value_shown(&p->engine->markets[step->market],
                                                   action->side == 0, step->gain)));
    bs_publish_leg_share(p->plan, step, action);
    remember_close(p, action->id);
    add_reason(p, action);
    uint8_t counter_side = action->side == 0;
    action = add_close(p, BS_ACTION_ADL, step->counterparty, step->account, -step->amount);
    add_rank(p, action, counter_side);
    bs_publish_lots_share(p->plan, step, action);
    if (p->plan->limits != NULL) {
        action->hits = bs_tally_hits(p->plan, step->counterparty) + 1;
        action->present |= BS_ACTION_HAS_HITS;
    }
    add_reason(p, action);
    struct bs_settlement *summary = &p->plan->scratch->summary;
    summary->counterparties++;
    summary->deleveraged.mantissa += action->decimals[BS_ACTION_DECIMAL_cost_to_mark].mantissa;
}

/* What a volunteer takes over of a position, before that is carried out; lots below 0: gives back.
 */
struct taking {
    uint32_t account, counterparty, market;
    int sign;                  /* of the position */
    int64_t lots;              /* along it */
    bs_i128 value, mark_value; /* of the lots, signed as they are */
};

/* Sizes count along the position's side, so that one of its own on the other side is below 0. */
static struct bs_action *add_taking(struct publishing *p, enum bs_action_type type,
                                    const struct taking *taking)
{
    const struct bs_market *market = &p->engine->markets[taking->market];
    struct bs_leg held = bs_plan_leg(p->plan, taking->account, taking->market);
    bs_i128 before = taking->sign * (bs_i128)held.size;
    bs_i128 realized = 0;
    bool traded = bs_leg_trade(&held, taking->sign * taking->lots, taking->value, &realized);
    assert(traded); /* the check has carried it out */
    (void)traded;
    struct bs_action *action = begin(p, type, taking->account);
    action->market = bs_market_text(p->engine, taking->market);
    action->counterparty = bs_account_text(p->engine, taking->counterparty);
    action->side = taking->sign < 0;
    action->present |= BS_ACTION_HAS_SIDE;
    DECIMAL(action, size_taken, bs_lots_wide(market, taking->lots));
    DECIMAL(action, size_before, bs_lots_wide(market, before));
    DECIMAL(action, size_after, bs_lots_wide(market, before + taking->lots));
    bs_i128 shown = bs_value_shown(market, taking->sign > 0, taking->value);
    DECIMAL(action, price,
            bs_price_wide(market, taking->lots > 0 ? shown : -shown, bs_abs64(taking->lots)));
    DECIMAL(action, value, bs_quanta_wide(p->pool, shown));
    DECIMAL(action, realized_pnl, bs_quanta_wide(p->pool, realized));
    DECIMAL(action, cost_to_mark, bs_quanta_wide(p->pool, taking->value - taking->mark_value));
    return action;
}

static void publish_assign(struct publishing *p)
{
    const struct bs_step *step = p->step;
    int sign = bs_plan_leg(p->plan, step->account, step->market).size > 0 ? 1 : -1;
    struct bs_action *action =
        add_close(p, BS_ACTION_LIQUIDATION_CLOSE, step->account, step->counterparty, step->amount);
    remember_close(p, action->id);
    add_reason(p, action);
    struct bs_settlement *summary = &p->plan->scratch->summary;
    summary->assignments++;
    summary->spreads.mantissa += action->decimals[BS_ACTION_DECIMAL_cost_to_mark].mantissa;
    struct taking taking = {
        .account = step->counterparty,
        .counterparty = step->account,
        .market = step->market,
        .sign = sign,
        .lots = step->lots,
        .value = step->amount,
        .mark_value = bs_plan_value(p->plan, step->market, sign * step->lots),
    };
    const struct bs_market *market = &p->engine->markets[step->market];
    action = add_taking(p, BS_ACTION_ASSIGNMENT, &taking);
    action->rank = step->candidate - bs_volunteers_first(p->plan, step->market);
    action->present |= BS_ACTION_HAS_RANK;
    DECIMAL(action, mark_price, bs_ticks_wide(market, market->mark));
    add_reason(p, action);
}

/* Dust has no position: an amount for the backstop account. */
static void publish_final(struct publishing *p)
{
    const struct bs_step *step = p->step;
    if (step->lots != 0) {
        add_close(p, BS_ACTION_FINAL_SETTLEMENT, step->account, 0, step->amount);
        return;
    }
    struct bs_action *action = begin(p, BS_ACTION_FINAL_SETTLEMENT, step->account);
    action->market = bs_market_text(p->engine, step->market);
    DECIMAL(action, amount, bs_quanta_wide(p->pool, step->amount));
}

static struct bs_action *publish_amount(struct publishing *p, enum bs_action_type type,
                                        struct bs_wide *total)
{
    struct bs_action *action = begin(p, type, p->step->account);
    DECIMAL(action, amount, bs_quanta_wide(p->pool, p->step->amount));
    if (total != NULL) {
        total->mantissa += p->step->amount;
    }
    add_reason(p, action);
    return action;
}

/* Out of the fund, or out of what it keeps for a market. */
static void publish_draw(struct publishing *p)
{
    struct bs_wide *total = &p->plan->scratch->summary.fund_paid;
    if (p->step->market == 0) {
        (void)publish_amount(p, BS_ACTION_INSURANCE_DRAW, total);
        return;
    }
    struct bs_action *action = publish_amount(p, BS_ACTION_OWN_FUND_DRAW, total);
    action->market = bs_market_text(p->engine, p->step->market);
}

static void publish_haircut(struct publishing *p)
{
    const struct bs_step *step = p->step;
    const struct bs_round *round = &p->plan->scratch->rounds[step->reference - 1];
    struct bs_action *action = begin(p, BS_ACTION_HAIRCUT, step->account);
    if (round->market != 0) {
        action->market = bs_market_text(p->engine, round->market);
    }
    if (round->side != BS_BOTH_SIDES) {
        action->side = round->side;
        action->present |= BS_ACTION_HAS_SIDE;
    }
    action->basis = round->basis;
    action->present |= BS_ACTION_HAS_BASIS;
    DECIMAL(action, amount, bs_quanta_wide(p->pool, step->amount));
    DECIMAL(action, gain, bs_quanta_wide(p->pool, step->gain));
    DECIMAL(action, loss, bs_quanta_wide(p->pool, round->loss));
    DECIMAL(action, gains_total, bs_quanta_wide(p->pool, round->total));
    if (step->has_prefix) {
        DECIMAL(action, prefix, bs_quanta_wide(p->pool, step->prefix));
    }
    const struct bs_layer *layer = bs_layer_of(p->plan, BS_LAYER_HAIRCUT);
    if (layer->has[BS_OPTION_SENIORITY]) {
        DECIMAL(action, age, ((struct bs_wide){round->age, 0}));
    }
    if (step->weight != step->gain) {
        DECIMAL(action, weight, bs_quanta_wide(p->pool, step->weight));
    }
    if (round->basis == BS_BASIS_WINDOW_GAIN) {
        DECIMAL(action, taken,
                bs_quanta_wide(p->pool, bs_plan_window_taken(p->plan, step->account)));
    }
    p->plan->scratch->summary.payers++;
    p->plan->scratch->summary.haircuts.mantissa += step->amount;
}

static void publish_refund(struct publishing *p)
{
    const struct bs_step *step = p->step;
    const struct bs_round *round = &p->plan->scratch->rounds[step->reference - 1];
    struct bs_action *action = begin(p, BS_ACTION_REFUND, step->account);
    action->basis = round->basis;
    action->present |= BS_ACTION_HAS_BASIS;
    DECIMAL(action, amount, bs_quanta_wide(p->pool, step->amount));
    DECIMAL(action, gain, bs_quanta_wide(p->pool, step->gain));
    DECIMAL(action, loss, bs_quanta_wide(p->pool, round->loss));
    DECIMAL(action, gains_total, bs_quanta_wide(p->pool, round->total));
    DECIMAL(action, prefix, bs_quanta_wide(p->pool, step->prefix));
    DECIMAL(action, weight, bs_quanta_wide(p->pool, step->weight));
    DECIMAL(action, taken, bs_quanta_wide(p->pool, bs_plan_window_taken(p->plan, step->account)));
}

/* What a volunteer gives back: a trade the other way, at the same value. */
static void publish_return(struct publishing *p)
{
    const struct bs_close *close = p->plan->reversed;
    struct bs_close_part part = bs_close_part(close, p->step->lots);
    struct taking taking = {
        .account = close->account[BS_SIDE_COUNTER],
        .counterparty = close->account[BS_SIDE_CLOSED],
        .market = close->market,
        .sign = close->is_long ? 1 : -1,
        .lots = -p->step->lots,
        .value = -part.value,
        .mark_value = -part.mark_value,
    };
    struct bs_action *action = add_taking(p, BS_ACTION_REVERSAL, &taking);
    action->reverses = close->action + 1;
    action->present |= BS_ACTION_HAS_REVERSES;
}

/* One side of what is taken back: the figures of the close with the other sign. */
static void publish_back(struct publishing *p, int side)
{
    const struct bs_close *close = p->plan->reversed;
    const struct bs_market *market = &p->engine->markets[close->market];
    struct bs_close_part part = bs_close_part(close, p->step->lots);
    bool counter = side == BS_SIDE_COUNTER;
    int sign = counter == close->is_long ? -1 : 1;
    bs_i128 received = counter ? -part.value : part.value;
    bs_i128 at_mark = counter ? -part.mark_value : part.mark_value;
    bs_i128 before = sign * (bs_i128)bs_plan_leg(p->plan, close->account[side], close->market).size;
    struct bs_action *action = begin(p, BS_ACTION_REVERSAL, close->account[side]);
    action->market = bs_market_text(p->engine, close->market);
    action->counterparty = bs_account_text(p->engine, close->account[1 - side]);
    action->side = sign < 0;
    action->reverses = close->action + (counter ? 1 : 0);
    action->present |= BS_ACTION_HAS_SIDE | BS_ACTION_HAS_REVERSES;
    DECIMAL(action, size_closed, bs_lots_wide(market, -(bs_i128)p->step->lots));
    DECIMAL(action, size_before, bs_lots_wide(market, before));
    DECIMAL(action, size_after, bs_lots_wide(market, before + p->step->lots));
    bs_i128 shown = bs_value_shown(market, sign > 0, received);
    DECIMAL(action, price, bs_price_wide(market, shown, p->step->lots));
    DECIMAL(action, value, bs_quanta_wide(p->pool, -shown));
    DECIMAL(action, realized_pnl, bs_quanta_wide(p->pool, part.entry[side] - received));
    DECIMAL(action, cost_to_mark, bs_quanta_wide(p->pool, received - at_mark));
}

static void publish_step(struct publishing *p)
{
    const struct bs_step *step = p->step;
    struct bs_settlement *summary = &p->plan->scratch->summary;
    switch ((enum bs_step_type)step->type) {
    case BS_STEP_DRAW:
        publish_draw(p);
        break;
    case BS_STEP_NETTING:
        add_close(p, BS_ACTION_NETTING, step->account, step->counterparty, step->amount);
        add_close(p, BS_ACTION_NETTING, step->counterparty, step->account, -step->amount);
        break;
    case BS_STEP_CLOSE:
        publish_close(p);
        break;
    case BS_STEP_ASSIGN:
        publish_assign(p);
        break;
    case BS_STEP_TAKEOVER:
        add_reason(
            p, add_close(p, BS_ACTION_TAKEOVER, step->account, step->counterparty, step->amount));
        break;
    case BS_STEP_WRITE_OFF:
        (void)publish_amount(p, BS_ACTION_WRITE_OFF, NULL);
        break;
    case BS_STEP_HAIRCUT:
        publish_haircut(p);
        break;
    case BS_STEP_REFUND:
        publish_refund(p);
        break;
    case BS_STEP_RESTITUTION:
        (void)publish_amount(p, BS_ACTION_RESTITUTION, NULL);
        break;
    case BS_STEP_UNALLOCATED:
        (void)publish_amount(p, BS_ACTION_UNALLOCATED_DEFICIT, &summary->unallocated);
        break;
    case BS_STEP_FINAL:
        publish_final(p);
        break;
    case BS_STEP_REVERSAL:
        publish_back(p, BS_SIDE_CLOSED);
        if (p->plan->reversed->assigned) {
            publish_return(p);
        } else {
            publish_back(p, BS_SIDE_COUNTER);
        }
        break;
    case BS_STEP_COUNT:
        assert(false);
    }
}

/* Carries the step out and remembers what it did to the fund's cash. */
static void carry_noting_fund(const struct publishing *p)
{
    static const uint8_t causes[BS_STEP_COUNT] = {
        [BS_STEP_DRAW] = BS_FUND_DRAW,
        [BS_STEP_NETTING] = BS_FUND_SETTLEMENT,
        [BS_STEP_CLOSE] = BS_FUND_CLOSE,
        [BS_STEP_ASSIGN] = BS_FUND_CLOSE,
        [BS_STEP_TAKEOVER] = BS_FUND_TAKEOVER,
        [BS_STEP_WRITE_OFF] = BS_FUND_WRITE_OFF,
        [BS_STEP_HAIRCUT] = BS_FUND_SETTLEMENT,
        [BS_STEP_REFUND] = BS_FUND_SETTLEMENT,
        [BS_STEP_UNALLOCATED] = BS_FUND_SETTLEMENT,
        [BS_STEP_REVERSAL] = BS_FUND_REVERSAL,
        [BS_STEP_FINAL] = BS_FUND_SETTLEMENT,
        [BS_STEP_RESTITUTION] = BS_FUND_RESTITUTION,
    };
    bool of_own_fund = p->step->type == BS_STEP_DRAW && p->step->market != 0;
    bs_i128 before = bs_plan_collateral(p->plan, p->pool->backstop);
    bs_plan_carry(p->plan, p->step);
    bs_i128 balance = bs_plan_collateral(p->plan, p->pool->backstop);
    if (balance != before) {
        struct bs_fund_change change = {
            .time_ms = p->engine->time_ms,
            .settlement = p->plan->scratch->numbered ? p->pool->settlements : 0,
            .amount = balance - before,
            .balance = balance,
            .equity = bs_plan_equity(p->plan, p->pool->backstop),
            .own_funds = p->plan->own_funds,
            .cause = of_own_fund ? BS_FUND_OWN_FUND_DRAW : causes[p->step->type],
        };
        bs_fund_changed(p->engine, p->plan->pool, &change);
    }
}

bool bs_plan_publish(struct bs_engine *engine, struct bs_plan *plan, struct bs_effects *effects)
{
    struct bs_scratch *scratch = plan->scratch;
    struct publishing p = {
        .engine = engine, .plan = plan, .effects = effects, .pool = &engine->pools[plan->pool]};
    if (scratch->applied == 0) {
        scratch->pricing.reference = 0; /* walked once more, for what is published of it */
    }
    for (; scratch->applied < plan->steps_count; scratch->applied++) {
        if (effects->actions_max - effects->actions_count < 2) {
            return false;
        }
        p.step = &scratch->steps[scratch->applied];
        p.has_price = false;
        publish_step(&p);
        carry_noting_fund(&p);
    }
    bs_plan_write(engine, plan);
    return true;
}
