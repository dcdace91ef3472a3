/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The score of each ranking, one row a ranking. Denominators below one quantum count as one. An
 * equity or maintenance above 2^63 quanta counts as 2^63, so that products stay within 127 bits.
 */
#include "lib/money/money.h"
#include "lib/settlement/ranking.h"

#define SCORE_MAX ((bs_i128)1 << 63)

static bs_i128 held(bs_i128 equity)
{
    return bs_min(bs_max(1, equity), SCORE_MAX);
}

/* profit: (p/|e|)*(n/q); loss: (p/|e|)/(n/q). The five-light family. */
static struct bs_score profit_leverage(const struct bs_score_input *input)
{
    bs_i128 entry = bs_max(1, bs_abs(input->entry));
    bs_i128 equity = held(input->equity);
    bs_i128 notional = bs_max(1, input->notional);
    if (input->profit > 0) {
        return (struct bs_score){input->profit * input->notional, entry * equity};
    }
    return (struct bs_score){input->profit * equity, entry * notional};
}

/* The caller's adl_priority, low first; an absent one is the largest number and comes last. */
static struct bs_score priority(const struct bs_score_input *input)
{
    return (struct bs_score){-(bs_i128)input->priority, 1};
}

/* max(0,p)/max(1,w) * m/q; 0 with an equity of 0. */
static struct bs_score margin_profit(const struct bs_score_input *input)
{
    if (input->profit <= 0 || input->equity <= 0) {
        return (struct bs_score){0, 1};
    }
    bs_i128 wallet = bs_max(1, input->wallet);
    bs_i128 maintenance = bs_min(bs_score_maintenance(input), SCORE_MAX);
    return (struct bs_score){input->profit * maintenance, wallet * held(input->equity)};
}

/* p/q */
static struct bs_score profit_equity(const struct bs_score_input *input)
{
    return (struct bs_score){input->profit, held(input->equity)};
}

/* In profit: the price's move since entry in the position's favour, as a ratio, times n/q. */
static struct bs_score price_leverage(const struct bs_score_input *input)
{
    if (input->profit <= 0) {
        return (struct bs_score){0, 1};
    }
    bs_i128 entry = bs_abs(input->entry);
    if (input->value_grows) {
        return (struct bs_score){input->notional * input->notional,
                                 bs_max(1, entry) * held(input->equity)};
    }
    return (struct bs_score){entry * input->notional,
                             bs_max(1, input->notional) * held(input->equity)};
}

/* No order: every candidate alike. */
static struct bs_score split(const struct bs_score_input *input)
{
    (void)input;
    return (struct bs_score){0, 1};
}

typedef struct bs_score (*score_fn)(const struct bs_score_input *input);

static const score_fn scores[BS_RANKING_COUNT] = {
    [BS_RANKING_PROFIT_LEVERAGE] = profit_leverage,
    [BS_RANKING_PRIORITY] = priority,
    [BS_RANKING_PRO_RATA] = split,
    [BS_RANKING_MARGIN_PROFIT] = margin_profit,
    [BS_RANKING_PROFIT_EQUITY] = profit_equity,
    [BS_RANKING_PRICE_LEVERAGE] = price_leverage,
    [BS_RANKING_LEVERAGE_WATER_FILL] = split,
};

struct bs_score bs_score_of(uint8_t ranking, const struct bs_score_input *input)
{
    assert(ranking < BS_RANKING_COUNT);
    return scores[ranking](input);
}
