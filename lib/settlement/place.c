/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/settlement/place.h"

#include "lib/book/convert.h"
#include "lib/book/names.h"
#include "lib/settlement/queue.h"

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
static void add_inputs(const struct bs_pool *pool, struct bs_action_queue *queue, uint8_t ranking,
                       const struct bs_score_input *input)
{
    bool by_leverage =
        ranking == BS_RANKING_PROFIT_LEVERAGE || ranking == BS_RANKING_PRICE_LEVERAGE;
    bool by_margin = ranking == BS_RANKING_MARGIN_PROFIT;
    put_input(queue, BS_ACTION_INPUT_profit, bs_quanta_wide(pool, input->profit));
    if (by_leverage) {
        put_input(queue, BS_ACTION_INPUT_entry_value, bs_quanta_wide(pool, input->entry));
        put_input(queue, BS_ACTION_INPUT_notional, bs_quanta_wide(pool, input->notional));
    }
    if (by_leverage || by_margin || ranking == BS_RANKING_PROFIT_EQUITY) {
        put_input(queue, BS_ACTION_INPUT_equity, bs_quanta_wide(pool, input->equity));
    }
    if (by_margin) {
        put_input(queue, BS_ACTION_INPUT_wallet, bs_quanta_wide(pool, input->wallet));
        put_input(queue, BS_ACTION_INPUT_maintenance,
                  bs_quanta_wide(pool, bs_score_maintenance(input)));
    }
}

/* The accounts ranked right before and after; none at the ends of the queue. */
static void add_neighbour(const struct bs_applying *applying, struct bs_action_queue *queue,
                          uint8_t side, bool is_ahead)
{
    const struct bs_step *step = applying->step;
    uint32_t own = step->as.close.rank;
    assert(own < queue->of);
    struct bs_candidate *neighbour =
        is_ahead && own == 0
            ? NULL
            : bs_queue_at(applying->plan, step->market, side, is_ahead ? own - 1 : own + 1);
    struct bs_wide score;
    if (neighbour == NULL) {
        return;
    }
    *(is_ahead ? &queue->ahead : &queue->behind) =
        bs_account_text(applying->engine, neighbour->account);
    *(is_ahead ? &queue->ahead_tier : &queue->behind_tier) = neighbour->tier;
    if (score_shown(applying->plan->queues->ranking, neighbour, &score)) {
        put_input(queue, is_ahead ? BS_ACTION_INPUT_ahead_score : BS_ACTION_INPUT_behind_score,
                  score);
    }
}

void bs_applying_place(struct bs_applying *applying, struct bs_action *action, uint32_t rank)
{
    const struct bs_step *step = applying->step;
    const struct bs_plan *plan = applying->plan;
    uint8_t ranking = plan->queues->ranking;
    uint8_t side = action->side;
    const struct bs_queue *queue = &plan->queues->lists[step->market * 2 + side];
    struct bs_candidate *candidate = bs_queue_at(plan, step->market, side, rank);
    assert(candidate != NULL);
    assert(candidate->account == (step->counterparty != 0 ? step->counterparty : step->account));
    struct bs_score_input input =
        bs_score_input_of(&applying->engine->markets[step->market], &candidate->terms, 0);
    action->ranking = ranking;
    action->present |= BS_ACTION_HAS_RANKING | BS_ACTION_HAS_QUEUE;
    action->queue = (struct bs_action_queue){
        .of = queue->count, .digest = queue->digest, .tier = candidate->tier};
    add_inputs(applying->pool, &action->queue, ranking, &input);
    if (bs_ranking_splits(ranking)) {
        return; /* a split has no order */
    }
    action->rank = rank + 1;
    action->present |= BS_ACTION_HAS_RANK;
    struct bs_wide score;
    if (score_shown(ranking, candidate, &score)) {
        BS_DECIMAL(action, score, score);
    }
    add_neighbour(applying, &action->queue, side, true);
    add_neighbour(applying, &action->queue, side, false);
}
