/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The haircut rules, one row a rule. A division charges by weight, and who reaches the cap pays the
 * cap; so the rules differ in these two numbers only. Nobody's cap is above min(gain, equity).
 */
#include "lib/money/money.h"
#include "lib/settlement/haircut.h"

/* A weight above this counts as this: the sum of all stays within 127 bits. */
#define WEIGHT_MAX ((bs_i128)1 << 94)

static void pro_rata(const struct bs_payer_input *input, struct bs_payer *payer)
{
    payer->weight = input->gain;
    payer->cap = bs_min(input->gain, input->equity);
}

/* The account's own cap is on its gain, rounded down. */
static void capped_pro_rata(const struct bs_payer_input *input, struct bs_payer *payer)
{
    pro_rata(input, payer);
    payer->cap = bs_min(payer->cap, bs_muldiv_floor(input->gain, input->cap_ppm, BS_PPM));
}

/* gain * leverage, rounded down; an equity below one quantum counts as one. */
static void risk_aware(const struct bs_payer_input *input, struct bs_payer *payer)
{
    pro_rata(input, payer);
    bs_i128 equity = bs_max(1, input->equity);
    bool fits = bs_compare_products(input->gain, input->notional, WEIGHT_MAX, equity) < 0;
    payer->weight = fits ? bs_muldiv_floor(input->gain, input->notional, equity) : WEIGHT_MAX;
}

/* One share of equity for all who do not reach their cap: no other division has a lower worst
 * haircut/equity. */
static void min_max(const struct bs_payer_input *input, struct bs_payer *payer)
{
    pro_rata(input, payer);
    payer->weight = input->equity;
}

typedef void (*terms_fn)(const struct bs_payer_input *input, struct bs_payer *payer);

static const terms_fn rules[BS_RULE_COUNT] = {
    [BS_RULE_PRO_RATA] = pro_rata,
    [BS_RULE_CAPPED_PRO_RATA] = capped_pro_rata,
    [BS_RULE_RISK_AWARE] = risk_aware,
    [BS_RULE_MIN_MAX] = min_max,
};

void bs_payer_terms(uint8_t rule, const struct bs_payer_input *input, struct bs_payer *payer)
{
    assert(rule < BS_RULE_COUNT);
    payer->gain = input->gain;
    rules[rule](input, payer);
}

bool bs_rule_needs_notional(uint8_t rule)
{
    return rule == BS_RULE_RISK_AWARE;
}
