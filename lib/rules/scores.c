/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The score of each ranking, one row a ranking. Denominators below one quantum count as one. An
 * equity, wallet or maintenance above 2^63 quanta counts as 2^63, so that products stay within 127
 * bits.
 */
#include "lib/rules/scores.h"

#include "lib/money/money.h"

#define SCORE_MAX ((bs_i128)1 << 63)

static bs_i128 held(bs_i128 money)
{
    return bs_min(bs_max(1, money), SCORE_MAX);
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
    bs_i128 wallet = held(input->wallet);
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
    assert(input->notional >= 0);
    struct bs_score score = scores[ranking](input);
    assert(score.denominator > 0);
    return score;
}

#define KEY_DIGITS 52 /* binary, after the first */
#define KEY_BIAS 128  /* scores lie between 2^-127 and 2^127 */
#define KEY_MIDDLE (UINT64_C(1) << 61)

/* The score as exponent and the first digits of a binary fraction, cut off: like a floating point
 * number, but never rounded up or to even, so that the image of a higher score is never lower. */
uint64_t bs_score_key(struct bs_score score)
{
    if (score.numerator == 0) {
        return KEY_MIDDLE;
    }
    bs_u128 magnitude = (bs_u128)bs_abs(score.numerator), rest;
    bs_u128 denominator = (bs_u128)score.denominator;
    int size = bs_bits(denominator), shorter = size - bs_bits(magnitude);
    int shift = KEY_DIGITS + 1 + shorter;
    uint64_t digits;
    if (size + KEY_DIGITS + 1 < 128) {
        magnitude = shift < 0 ? magnitude >> -shift : magnitude << shift;
        digits = (uint64_t)(magnitude / denominator);
    } else { /* then shift > 0 */
        int left = shorter > 0 ? shorter : 0;
        digits = (uint64_t)bs_muldiv_rest(magnitude << left, (bs_u128)1 << (shift - left),
                                          denominator, &rest);
    }
    if (digits >> (KEY_DIGITS + 1) != 0) {
        digits >>= 1;
        shift--;
    }
    uint64_t exponent = (uint64_t)(KEY_BIAS + KEY_DIGITS - shift);
    uint64_t image = exponent << KEY_DIGITS | (digits & ((UINT64_C(1) << KEY_DIGITS) - 1));
    return score.numerator > 0 ? KEY_MIDDLE + image : KEY_MIDDLE - image;
}
