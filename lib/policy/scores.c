/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The score of each ranking, one row a ranking. Denominators below one quantum count as one. An
 * equity above 2^63 quanta counts as 2^63, so that products stay within 127 bits.
 */
#include "lib/money/money.h"
#include "lib/settlement/ranking.h"

/* profit: (p/|e|)*(n/q); loss: (p/|e|)/(n/q). The five-light family. */
static struct bs_score profit_leverage(const struct bs_score_input *input)
{
    bs_i128 entry = bs_max(1, bs_abs(input->entry));
    bs_i128 equity = bs_min(bs_max(1, input->equity), (bs_i128)1 << 63);
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

/* No order: every candidate alike. */
static struct bs_score pro_rata(const struct bs_score_input *input)
{
    (void)input;
    return (struct bs_score){0, 1};
}

typedef struct bs_score (*score_fn)(const struct bs_score_input *input);

static const score_fn scores[BS_RANKING_COUNT] = {
    [BS_RANKING_PROFIT_LEVERAGE] = profit_leverage,
    [BS_RANKING_PRIORITY] = priority,
    [BS_RANKING_PRO_RATA] = pro_rata,
};

struct bs_score bs_score_of(uint8_t ranking, const struct bs_score_input *input)
{
    assert(ranking < BS_RANKING_COUNT);
    return scores[ranking](input);
}
