/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The haircut rules, one row a rule. A division charges by weight, and a payer that reaches its cap pays
 * the cap; so the rules differ in these two numbers only. No cap is above min(gain, equity).
 */
#include "lib/rules/haircut_weights.h"

#include "lib/money/money.h"

/* A weight above this counts as this: the sum of all stays within 127 bits. */
#define WEIGHT_MAX ((bs_i128)1 << 94)

static void pro_rata(const struct bs_payer_input *input, struct bs_payer_terms *terms)
{
    terms->weight = input->gain;
    terms->cap = bs_min(input->gain, input->equity);
}

/* The account's own cap is on its gain, rounded down. */
static void capped_pro_rata(const struct bs_payer_input *input, struct bs_payer_terms *terms)
{
    pro_rata(input, terms);
    terms->cap = bs_min(terms->cap, bs_muldiv_floor(input->gain, input->cap_ppm, BS_PPM));
}

/* gain * leverage, rounded down; an equity below one quantum counts as one. */
static void risk_aware(const struct bs_payer_input *input, struct bs_payer_terms *terms)
{
    pro_rata(input, terms);
    bs_i128 equity = bs_max(1, input->equity);
    bool fits = bs_compare_products(input->gain, input->notional, WEIGHT_MAX, equity) < 0;
    terms->weight = fits ? bs_muldiv_floor(input->gain, input->notional, equity) : WEIGHT_MAX;
}

/* One share of equity for all who do not reach their cap: no other division has a lower worst
 * haircut/equity. */
static void min_max(const struct bs_payer_input *input, struct bs_payer_terms *terms)
{
    pro_rata(input, terms);
    terms->weight = input->equity;
}

typedef void (*terms_fn)(const struct bs_payer_input *input, struct bs_payer_terms *terms);

static const terms_fn rules[BS_RULE_COUNT] = {
    [BS_RULE_PRO_RATA] = pro_rata,
    [BS_RULE_CAPPED_PRO_RATA] = capped_pro_rata,
    [BS_RULE_RISK_AWARE] = risk_aware,
    [BS_RULE_MIN_MAX] = min_max,
};

struct bs_payer_terms bs_payer_terms_of(uint8_t rule, const struct bs_payer_input *input)
{
    struct bs_payer_terms terms;
    assert(rule < BS_RULE_COUNT);
    assert(input->gain > 0);
    assert(input->equity >= 0);
    rules[rule](input, &terms);
    assert(terms.weight >= 0);
    assert(terms.cap <= bs_min(input->gain, input->equity));
    return terms;
}

bool bs_rule_needs_notional(uint8_t rule)
{
    return rule == BS_RULE_RISK_AWARE;
}
