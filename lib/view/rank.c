/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Const views of the rankings: the queue of a market side, and the places of one account's
 * positions in theirs. Both have the same candidates as a settlement.
 */
#include "lib/book/account_order.h"
#include "lib/book/accounts.h"
#include "lib/book/convert.h"
#include "lib/book/names.h"
#include "lib/book/policy.h"
#include "lib/engine.h"
#include "lib/money/money.h"
#include "lib/settlement/plan.h"
#include "lib/settlement/queue.h"

/* A position's place after it was compared with some of the other candidates. */
struct standing {
    struct bs_candidate own;
    bs_i128 ahead, total; /* lots */
    uint64_t before;
    uint32_t candidates;
    uint8_t ranking;
};

static bool is_ranked(const struct standing *standing)
{
    return standing->candidates > 0;
}

static bool has_score(const struct standing *standing, const struct bs_position_row *held)
{
    bool is_listed = held->priority != BS_PRIORITY_NONE;
    return is_ranked(standing) && !bs_ranking_splits(standing->ranking) &&
           (standing->ranking != BS_RANKING_PRIORITY || is_listed);
}

static struct bs_wide score(const struct standing *standing, const struct bs_position_row *held)
{
    if (!has_score(standing, held)) {
        return (struct bs_wide){0};
    }
    if (standing->ranking == BS_RANKING_PRIORITY) {
        return (struct bs_wide){held->priority, 0};
    }
    return bs_wide_ratio(standing->own.score.numerator, standing->own.score.denominator, 0);
}

/* The quantity ahead, as parts per million of the side's. */
static uint32_t percentile(const struct standing *standing)
{
    return is_ranked(standing) ? (uint32_t)bs_muldiv_floor(standing->ahead, BS_PPM, standing->total)
                               : 0;
}

/* BitMEX's lights: 6 - ceil(5 * c / total), where c is the quantity ahead of it and its own. */
static uint32_t lights(const struct standing *standing, const struct bs_position_row *held)
{
    bs_i128 with = standing->ahead + bs_abs64(held->size);
    assert(!is_ranked(standing) || with > 0);
    assert(!is_ranked(standing) || with <= standing->total);
    return is_ranked(standing) ? (uint32_t)(6 - bs_muldiv_ceil(5, with, standing->total)) : 0;
}

static void view_place(const struct bs_engine *engine, uint32_t account, uint32_t row,
                       const struct standing *standing, struct bs_queue_view *ret_row)
{
    assert(row != 0);
    const struct bs_position_row *held = &engine->positions.rows[row];
    const struct bs_market *market = &engine->markets[held->market];
    const struct bs_pool *pool = &engine->pools[market->pool];
    *ret_row = (struct bs_queue_view){BS_QUEUE_VIEW(BS_VIEW_VALUE)};
}

/* Whether a candidate comes after a place, which nobody need have. */
static bool is_after(const struct bs_engine *engine, const struct bs_candidate *candidate,
                     const struct bs_place *place)
{
    const struct bs_candidate other = {.tier = place->tier,
                                       .score = {place->numerator, place->denominator}};
    int order = bs_candidate_compare(candidate, &other);
    return order > 0 || (order == 0 && bs_text_compare(bs_account_key(engine, candidate->account),
                                                       place->key) > 0);
}

static struct bs_place place_of(const struct bs_engine *engine,
                                const struct bs_candidate *candidate)
{
    return (struct bs_place){.tier = candidate->tier,
                             .numerator = candidate->score.numerator,
                             .denominator = candidate->score.denominator,
                             .key = bs_account_key(engine, candidate->account)};
}

/* Ranks the side; false: nobody is on it. */
static bool rank_side(const struct bs_plan *plan, const struct bs_queue_page *page,
                      struct standing *standing)
{
    const struct bs_engine *engine = plan->engine;
    struct bs_queues *queues = plan->queues;
    bs_queues_clear(queues, standing->ranking);
    bs_queues_need(queues, engine, page->market, page->side);
    if (queues->markets_count == 0 || !engine->markets[page->market].has_mark) {
        return false;
    }
    bs_queues_collect(queues, plan);
    const struct bs_queue *list = &queues->lists[page->market * 2 + page->side];
    standing->candidates = list->count;
    for (uint32_t i = 0; i < list->count; i++) {
        uint32_t account = queues->ranked[list->first + i].account;
        uint32_t row = bs_position_find(engine, account, page->market);
        standing->total += bs_abs64(engine->positions.rows[row].size);
    }
    return true;
}

static void fill_page(const struct bs_plan *plan, struct standing *standing,
                      struct bs_queue_page *page)
{
    const struct bs_engine *engine = plan->engine;
    const struct bs_candidate *candidate;
    bool is_there = page->after == NULL;
    for (; (candidate = bs_queue_at(plan, page->market, page->side, (uint32_t)standing->before)) !=
           NULL;
         standing->before++) {
        uint32_t row = bs_position_find(engine, candidate->account, page->market);
        is_there = is_there || is_after(engine, candidate, page->after);
        if (is_there && page->count == page->limit) {
            page->has_more = true;
            return;
        }
        if (is_there) {
            standing->own = *candidate;
            view_place(engine, candidate->account, row, standing, &page->rows[page->count++]);
            page->last = place_of(engine, candidate);
        }
        standing->ahead += bs_abs64(engine->positions.rows[row].size);
    }
}

void bs_queue_page_get(struct bs_engine *engine, struct bs_queue_page *page)
{
    struct bs_plan plan;
    assert(page->side < 2);
    assert(page->market != 0);
    bs_plan_begin(&plan, engine, engine->markets[page->market].pool, engine->time_ms);
    const struct bs_layer *adl = bs_policy_layer(plan.policy, BS_LAYER_ADL);
    struct standing standing = {.ranking = adl != NULL ? adl->ranking : BS_RANKING_PROFIT_LEVERAGE};
    page->count = 0;
    page->has_more = false;
    bs_account_order_refresh(engine);
    if (rank_side(&plan, page, &standing)) {
        fill_page(&plan, &standing, page);
    }
    bs_queues_clear(engine->plan->queues, standing.ranking);
    assert(page->count <= page->limit);
}

/* Whether the other candidate comes first. Names are looked up only where the scores are equal. */
static bool comes_before(const struct bs_engine *engine, struct bs_candidate *other,
                         struct bs_candidate *own)
{
    int order = bs_candidate_compare(other, own);
    if (order != 0) {
        return order < 0;
    }
    return engine->accounts.cold[other->account].rank < engine->accounts.cold[own->account].rank;
}

/* Compares one account's positions with those that are ranked. */
static void compare_account(const struct bs_plan *plan, uint32_t account,
                            struct standing *standings)
{
    const struct bs_queues *queues = plan->queues;
    const struct bs_account_hot *hot = &plan->engine->accounts.hot[account];
    bs_i128 equity = -1;
    for (uint32_t i = 0; i < hot->position_count; i++) {
        const struct bs_position_row *row = &plan->engine->positions.rows[hot->position_at + i];
        const struct bs_queue *list = &queues->lists[row->market * 2 + (row->size < 0)];
        if (list->count == 0) {
            continue;
        }
        if (equity < 0) {
            equity = bs_account_equity(plan->engine, account);
            if (equity < 0) {
                return;
            }
        }
        struct bs_working_position position = bs_plan_position(plan, account, i);
        struct bs_candidate_terms terms = bs_candidate_terms_of(plan, account, equity, &position);
        struct bs_candidate other =
            bs_candidate_of(plan, queues->ranking, account, &position, &terms);
        struct standing *standing = &standings[list->first];
        int64_t lots = bs_abs64(row->size);
        standing->total += lots;
        standing->candidates++;
        if (account != standing->own.account &&
            comes_before(plan->engine, &other, &standing->own)) {
            standing->ahead += lots;
            standing->before++;
        }
    }
}

/* A position to place. No two of a batch are on one side of one market. */
struct held {
    uint32_t account, row;
};

/* Marks the market sides of the positions that can be ranked. */
static void begin_standings(const struct bs_plan *plan, const struct held *held, uint32_t count,
                            struct standing *standings)
{
    const struct bs_engine *engine = plan->engine;
    struct bs_queues *queues = plan->queues;
    for (uint32_t i = 0; i < count; i++) {
        uint32_t account = held[i].account;
        bs_i128 equity = bs_account_equity(engine, account);
        struct bs_working_position position = bs_plan_position(
            plan, account, held[i].row - engine->accounts.hot[account].position_at);
        if (equity < 0 || account == bs_plan_backstop(plan) ||
            !engine->markets[position.market].has_mark) {
            continue;
        }
        uint32_t at = position.market * 2 + (position.leg.size < 0);
        struct bs_candidate_terms terms = bs_candidate_terms_of(plan, account, equity, &position);
        standings[i].own = bs_candidate_of(plan, queues->ranking, account, &position, &terms);
        assert(queues->lists[at].count == 0);
        queues->lists[at] = (struct bs_queue){.first = i, .count = 1};
        queues->markets[queues->markets_count++] = at;
    }
}

/*
 * The most that a close of the whole position could cost its holder: nothing at mark; at a
 * bankruptcy price its profit when the principal is protected, and never more than leaves the
 * account's equity at 0.
 */
static struct bs_worst_close_view worst_close(const struct bs_plan *plan, uint32_t account,
                                              uint32_t row)
{
    const struct bs_engine *engine = plan->engine;
    const struct bs_pool *pool = &engine->pools[plan->pool];
    const struct bs_market *market = &engine->markets[engine->positions.rows[row].market];
    const struct bs_layer *adl = bs_policy_layer(plan->policy, BS_LAYER_ADL);
    bs_i128 profit = bs_position_profit(engine, row), cost = 0;
    uint8_t bound = BS_BOUND_MARK;
    if (adl->price == BS_PRICE_BANKRUPTCY && (!adl->protect_principal || profit >= 0)) {
        cost = bs_account_equity(engine, account);
        bound = BS_BOUND_EQUITY;
        if (adl->protect_principal && profit <= cost) {
            cost = profit;
            bound = BS_BOUND_ENTRY;
        }
    }
    assert(cost >= 0);
    int64_t size = engine->positions.rows[row].size;
    bs_i128 value = bs_plan_value(plan, engine->positions.rows[row].market, size);
    return (struct bs_worst_close_view){BS_WORST_CLOSE_VIEW(BS_VIEW_VALUE)};
}

static struct bs_close_range_view close_range(const struct bs_plan *plan, uint32_t account,
                                              uint32_t row)
{
    const struct bs_engine *engine = plan->engine;
    const struct bs_pool *pool = &engine->pools[plan->pool];
    const struct bs_market *market = &engine->markets[engine->positions.rows[row].market];
    const struct bs_best_close_view best = {BS_BEST_CLOSE_VIEW(BS_VIEW_VALUE)};
    return (struct bs_close_range_view){BS_CLOSE_RANGE_VIEW(BS_VIEW_VALUE)};
}

static void view_rank(const struct bs_plan *plan, uint32_t account, uint32_t row,
                      const struct standing *standing, struct bs_rank_view *ret_view)
{
    const struct bs_engine *engine = plan->engine;
    const struct bs_position_row *held = &engine->positions.rows[row];
    const struct bs_market *market = &engine->markets[held->market];
    const struct bs_pool *pool = &engine->pools[plan->pool];
    bool closable = is_ranked(standing) && bs_policy_layer(plan->policy, BS_LAYER_ADL) != NULL;
    const struct bs_close_range_view range =
        closable ? close_range(plan, account, row) : (struct bs_close_range_view){0};
    *ret_view = (struct bs_rank_view){BS_RANK_VIEW(BS_VIEW_VALUE)};
}

static void rank_batch(const struct bs_plan *plan, const struct held *held, uint32_t count,
                       struct bs_rank_view *ret_rows)
{
    struct standing standings[BS_RANK_ROWS_MAX] = {0};
    const struct bs_engine *engine = plan->engine;
    const struct bs_pool *pool = &engine->pools[plan->pool];
    struct bs_queues *queues = plan->queues;
    for (uint32_t i = 0; i < count; i++) {
        standings[i].ranking = queues->ranking;
    }
    assert(queues->markets_count == 0);
    begin_standings(plan, held, count, standings);
    if (queues->markets_count > 0) {
        struct bs_account_walk walk = bs_account_walk_begin(pool);
        for (uint32_t other; (other = bs_account_walk_next(engine, &walk)) != 0;) {
            if (other != pool->backstop) {
                compare_account(plan, other, standings);
            }
        }
    }
    for (uint32_t i = 0; i < count; i++) {
        view_rank(plan, held[i].account, held[i].row, &standings[i], &ret_rows[i]);
    }
    bs_queues_clear(queues, queues->ranking);
}

uint32_t bs_rank_view_get(struct bs_engine *engine, uint32_t account, uint32_t offset, uint32_t max,
                          struct bs_rank_view *ret_rows)
{
    struct held held[BS_RANK_ROWS_MAX];
    struct bs_plan plan;
    uint32_t count = 0, cross = 0, skipped = 0;
    assert(account != 0);
    assert(max <= BS_RANK_ROWS_MAX);
    for (uint32_t holder = account; holder != 0 && count < max;
         holder = engine->accounts.cold[holder].isolated) {
        const struct bs_account_hot *hot = &engine->accounts.hot[holder];
        for (uint32_t i = 0; i < hot->position_count && count < max; i++) {
            if (skipped++ >= offset) {
                held[count++] = (struct held){holder, hot->position_at + i};
                cross += holder == account;
            }
        }
    }
    bs_plan_begin(&plan, engine, engine->accounts.hot[account].pool, engine->time_ms);
    const struct bs_layer *adl = bs_policy_layer(plan.policy, BS_LAYER_ADL);
    bs_account_order_refresh(engine);
    bs_queues_clear(engine->plan->queues, adl != NULL ? adl->ranking : BS_RANKING_PROFIT_LEVERAGE);
    rank_batch(&plan, held, cross, ret_rows);
    rank_batch(&plan, held + cross, count - cross, ret_rows + cross);
    return count;
}
