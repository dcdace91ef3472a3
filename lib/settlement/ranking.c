/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/settlement/ranking.h"

#include "lib/money/money.h"
#include "lib/settlement/layers.h"

int bs_candidate_compare(const struct bs_candidate *a, const struct bs_candidate *b)
{
    if (a->tier != b->tier) {
        return a->tier < b->tier ? -1 : 1;
    }
    if (a->key != b->key) {
        return a->key > b->key ? -1 : 1;
    }
    int order = bs_compare_products(a->score.numerator, b->score.denominator, b->score.numerator,
                                    a->score.denominator);
    if (order != 0) {
        return order > 0 ? -1 : 1;
    }
    return (a->order > b->order) - (a->order < b->order);
}

/*
 * A coarse image of a score: floor(score * 2^30), held within +-2^62. Scores with different keys
 * are in that order; equal keys need the exact compare.
 */
static uint64_t coarse_key(struct bs_score score)
{
    const uint64_t middle = UINT64_C(1) << 63;
    const int64_t edge = (int64_t)1 << 62;
    if (bs_abs(score.numerator) >> 32 >= score.denominator) {
        return score.numerator > 0 ? middle + (uint64_t)edge : middle - (uint64_t)edge;
    }
    bs_i128 key = bs_muldiv_floor(score.numerator, (int64_t)1 << 30, score.denominator);
    return middle + (uint64_t)(int64_t)key;
}

void bs_rankings_clear(struct bs_rankings *rankings, uint8_t ranking)
{
    for (uint32_t i = 0; i < rankings->markets_count; i++) {
        rankings->lists[rankings->markets[i]] = (struct bs_ranking_list){0};
    }
    rankings->markets_count = 0;
    rankings->candidates_count = 0;
    rankings->ranking = ranking;
}

void bs_rankings_need(struct bs_rankings *rankings, const struct bs_engine *engine, uint32_t market,
                      uint8_t side)
{
    uint32_t at = market * 2 + side;
    uint32_t room = engine->markets[market].holders[side];
    if (rankings->lists[at].count != 0 || room == 0) {
        return;
    }
    /* `count` is the room until bs_rankings_collect has counted the candidates. */
    rankings->lists[at] =
        (struct bs_ranking_list){.first = rankings->candidates_count, .count = room};
    rankings->candidates_count += room;
    assert(rankings->candidates_count <= rankings->candidates_max);
    rankings->markets[rankings->markets_count++] = at;
}

/* Net exposure over the pool at most so many ppm of the gross: closing one leg of it would make it
 * riskier. Exposures of all markets add up, with their signs. */
static bool is_hedged(const struct bs_plan *plan, uint32_t account)
{
    const struct bs_layer *adl = bs_layer_of(plan, BS_LAYER_ADL);
    if (adl == NULL || !adl->has[BS_OPTION_HEDGED_LAST_PPM]) {
        return false;
    }
    bs_i128 net = 0, gross = 0;
    for (uint32_t i = 0; i < bs_plan_positions(plan, account); i++) {
        struct bs_working_position position = bs_plan_position(plan, account, i);
        bool marked = plan->engine->markets[position.market].has_mark; /* or at entry */
        bs_i128 value = bs_abs(marked ? bs_plan_value(plan, position.market, position.leg.size)
                                      : position.leg.entry);
        gross += value;
        net += position.leg.size > 0 ? value : -value;
    }
    return bs_compare_products(bs_abs(net), BS_PPM, gross,
                               adl->options[BS_OPTION_HEDGED_LAST_PPM]) <= 0;
}

struct bs_score_input bs_score_input_of(const struct bs_market *market,
                                        const struct bs_candidate_terms *terms, uint32_t priority)
{
    return (struct bs_score_input){
        .profit = (bs_i128)terms->value - terms->entry,
        .entry = terms->entry,
        .notional = bs_abs64(terms->value),
        .equity = terms->equity,
        .wallet = terms->wallet,
        .maintenance = bs_maintenance(market, terms->value),
        .value_grows = (terms->lots > 0) == (market->contract == BS_CONTRACT_LINEAR),
        .priority = priority,
    };
}

struct bs_candidate_terms bs_candidate_terms_of(const struct bs_plan *plan, uint32_t account,
                                                bs_i128 equity,
                                                const struct bs_working_position *position)
{
    return (struct bs_candidate_terms){
        .lots = position->leg.size,
        .value = (int64_t)bs_plan_value(plan, position->market, position->leg.size),
        .entry = position->leg.entry,
        .wallet = (int64_t)bs_plan_collateral(plan, account),
        .equity = equity,
    };
}

static uint32_t priority_of(const struct bs_plan *plan, uint32_t account, uint32_t market)
{
    uint32_t row = bs_position_find(plan->engine, account, market);
    return plan->engine->positions.rows[row].priority;
}

struct bs_candidate bs_candidate_of(const struct bs_plan *plan, uint8_t ranking, uint32_t account,
                                    const struct bs_working_position *position,
                                    const struct bs_candidate_terms *terms)
{
    struct bs_score_input input = bs_score_input_of(&plan->engine->markets[position->market], terms,
                                                    priority_of(plan, account, position->market));
    return (struct bs_candidate){
        .account = account,
        .tier = (uint8_t)((input.profit <= 0) + (is_hedged(plan, account) ? 2 : 0)),
        .score = bs_score_of(ranking, &input),
    };
}

/* One candidate in the digest of its list: everything that its place follows from. */
static uint64_t row_digest(const struct bs_plan *plan, const struct bs_candidate *candidate,
                           const struct bs_candidate_terms *terms, uint32_t priority)
{
    const struct bs_engine *engine = plan->engine;
    struct bs_text name = bs_account_text(engine, candidate->account);
    bool isolated = bs_account_owner(engine, candidate->account) != candidate->account;
    const uint64_t words[] = {
        bs_hash(0, name.bytes, name.size),
        candidate->tier + (isolated ? UINT64_C(256) : 0),
        (uint64_t)terms->lots,
        (uint64_t)terms->value,
        (uint64_t)terms->entry,
        (uint64_t)terms->wallet,
        (uint64_t)terms->equity,
        (uint64_t)((bs_u128)terms->equity >> 64),
        priority,
    };
    return bs_hash(0, words, sizeof words);
}

static void add_candidates(struct bs_rankings *rankings, const struct bs_plan *plan,
                           uint32_t account)
{
    bs_i128 equity = 0;
    bool known = false;
    uint32_t count = bs_plan_positions(plan, account);
    for (uint32_t i = 0; i < count; i++) {
        struct bs_working_position position = bs_plan_position(plan, account, i);
        struct bs_ranking_list *list =
            &rankings->lists[position.market * 2 + (position.leg.size < 0)];
        if (list->count == 0) {
            continue;
        }
        if (!known) {
            equity = bs_plan_equity(plan, account);
            known = true;
        }
        if (equity < 0) {
            return;
        }
        uint32_t row = list->first + list->ranked++;
        struct bs_candidate *candidate = &rankings->candidates[row];
        struct bs_candidate_terms *terms = &rankings->terms[row];
        *terms = bs_candidate_terms_of(plan, account, equity, &position);
        *candidate = bs_candidate_of(plan, rankings->ranking, account, &position, terms);
        candidate->terms = row;
        list->digest +=
            row_digest(plan, candidate, terms, priority_of(plan, account, position.market));
        candidate->order = plan->engine->accounts.cold[account].rank;
        candidate->key = coarse_key(candidate->score);
    }
}

/* A binary heap with the candidate that comes first at its root. */
static void sift(struct bs_candidate *heap, uint32_t root, uint32_t count)
{
    struct bs_candidate moved = heap[root];
    for (uint32_t child; (child = 2 * root + 1) < count; root = child) {
        if (child + 1 < count && bs_candidate_compare(&heap[child + 1], &heap[child]) < 0) {
            child++;
        }
        if (bs_candidate_compare(&moved, &heap[child]) <= 0) {
            break;
        }
        heap[root] = heap[child];
    }
    heap[root] = moved;
}

void bs_rankings_collect(struct bs_rankings *rankings, const struct bs_plan *plan)
{
    const struct bs_engine *engine = plan->engine;
    const struct bs_pool *pool = &engine->pools[plan->pool];
    struct bs_account_walk walk = bs_account_walk_begin(pool);
    for (uint32_t account; (account = bs_account_walk_next(engine, &walk)) != 0;) {
        if (account != pool->backstop) {
            add_candidates(rankings, plan, account);
        }
    }
    for (uint32_t i = 0; i < rankings->markets_count; i++) {
        struct bs_ranking_list *list = &rankings->lists[rankings->markets[i]];
        list->count = list->ranked;
        list->ranked = 0;
        for (uint32_t root = list->count / 2; root-- > 0;) {
            sift(rankings->candidates + list->first, root, list->count);
        }
    }
}

struct bs_candidate *bs_ranking_at(struct bs_rankings *rankings, uint32_t market, uint8_t side,
                                   uint32_t rank)
{
    struct bs_ranking_list *list = &rankings->lists[market * 2 + side];
    struct bs_candidate *heap = rankings->candidates + list->first;
    if (rank >= list->count) {
        return NULL;
    }
    while (list->ranked <= rank) {
        uint32_t last = list->count - 1 - list->ranked;
        struct bs_candidate first = heap[0];
        heap[0] = heap[last];
        heap[last] = first;
        sift(heap, 0, last);
        list->ranked++;
    }
    return &heap[list->count - 1 - rank];
}
