/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The values that a field of a command chooses from: X(CODE, number, name). The numbers stand in
 * records and never change: a new row goes to the end of its list. `name` is the word in JSON.
 * docs/adding.md says what else a new row needs.
 */
#ifndef BS_CHOICES_H
#define BS_CHOICES_H

/* The rows of a list as members of an enum, and as initializers of its table of names. */
#define BS_CHOICE_CODE(code, number, ...) code = (number),
#define BS_CHOICE_NAME(code, number, name) [number] = #name,

/* Layers of a waterfall. 0 is none. */
#define BS_LAYERS(X)                                                                               \
    X(BS_LAYER_INSURANCE, 1, insurance)                                                            \
    X(BS_LAYER_ADL, 2, adl)                                                                        \
    X(BS_LAYER_HAIRCUT, 3, haircut)                                                                \
    X(BS_LAYER_ASSIGN, 4, assign)

/* How the adl layer orders or splits. */
#define BS_RANKINGS(X)                                                                             \
    X(BS_RANKING_PROFIT_LEVERAGE, 0, profit_leverage)                                              \
    X(BS_RANKING_PRIORITY, 1, priority)                                                            \
    X(BS_RANKING_PRO_RATA, 2, pro_rata)                                                            \
    X(BS_RANKING_MARGIN_PROFIT, 3, margin_profit)                                                  \
    X(BS_RANKING_PROFIT_EQUITY, 4, profit_equity)                                                  \
    X(BS_RANKING_PRICE_LEVERAGE, 5, price_leverage)                                                \
    X(BS_RANKING_LEVERAGE_WATER_FILL, 6, leverage_water_fill)

/* At which price the adl layer closes. */
#define BS_CLOSE_PRICES(X)                                                                         \
    X(BS_PRICE_BANKRUPTCY, 0, bankruptcy)                                                          \
    X(BS_PRICE_MARK, 1, mark)

/* How the haircut layer divides a loss. */
#define BS_HAIRCUT_RULES(X)                                                                        \
    X(BS_RULE_PRO_RATA, 0, pro_rata)                                                               \
    X(BS_RULE_CAPPED_PRO_RATA, 1, capped_pro_rata)                                                 \
    X(BS_RULE_RISK_AWARE, 2, risk_aware)                                                           \
    X(BS_RULE_MIN_MAX, 3, min_max)

/* What gains the haircut layer divides a loss over. */
#define BS_BASES(X)                                                                                \
    X(BS_BASIS_PERIOD_GAIN, 0, period_gain)                                                        \
    X(BS_BASIS_UNREALIZED_PROFIT, 1, unrealized_profit)                                            \
    X(BS_BASIS_WINDOW_GAIN, 2, window_gain)

/* When it divides. */
#define BS_DIVIDES(X)                                                                              \
    X(BS_DIVIDE_AT_ONCE, 0, at_once)                                                               \
    X(BS_DIVIDE_PERIOD_END, 1, period_end)

/* Over whom it divides. */
#define BS_SCOPES(X)                                                                               \
    X(BS_SCOPE_POOL, 0, pool)                                                                      \
    X(BS_SCOPE_MARKET, 1, market)                                                                  \
    X(BS_SCOPE_SIDE, 2, side)

/* A transfer without a kind is a deposit if positive, a withdrawal if negative. */
#define BS_TRANSFER_KINDS(X)                                                                       \
    X(BS_TRANSFER_BY_SIGN, 0, )                                                                    \
    X(BS_TRANSFER_DEPOSIT, 1, deposit)                                                             \
    X(BS_TRANSFER_WITHDRAWAL, 2, withdrawal)                                                       \
    X(BS_TRANSFER_FUNDING, 3, funding)                                                             \
    X(BS_TRANSFER_FEE, 4, fee)                                                                     \
    X(BS_TRANSFER_REBATE, 5, rebate)

/* Which insolvent accounts a settlement resolves: all, or those the venue has handed over. */
#define BS_TRIGGERS(X)                                                                             \
    X(BS_TRIGGER_EQUITY, 0, equity)                                                                \
    X(BS_TRIGGER_HANDOVER, 1, handover)

#define BS_CONTRACTS(X)                                                                            \
    X(BS_CONTRACT_LINEAR, 0, linear)                                                               \
    X(BS_CONTRACT_INVERSE, 1, inverse)

/*
 * Numbers that a layer may have, each of one type of layer: X(CODE, number, name, layer, max). A max
 * of 0 is a flag. The cost is of what the account owes; the spread, of the value at mark.
 */
#define BS_INSURANCE_OPTIONS(X)
#define BS_ADL_OPTIONS(X)                                                                          \
    X(BS_OPTION_HEDGED_LAST_PPM, 0, hedged_last_ppm, BS_LAYER_ADL, BS_PPM)                         \
    X(BS_OPTION_MAX_CLOSE_PPM, 1, max_close_ppm, BS_LAYER_ADL, BS_PPM)                             \
    X(BS_OPTION_MAX_CLOSE_PPM_PER_DAY, 2, max_close_ppm_per_day, BS_LAYER_ADL, BS_PPM)             \
    X(BS_OPTION_MAX_LOSS_PPM, 3, max_loss_ppm, BS_LAYER_ADL, BS_PPM)                               \
    X(BS_OPTION_MAX_LOSS_PPM_PER_DAY, 4, max_loss_ppm_per_day, BS_LAYER_ADL, BS_PPM)
#define BS_HAIRCUT_OPTIONS(X)                                                                      \
    X(BS_OPTION_SENIORITY, 5, seniority, BS_LAYER_HAIRCUT, BS_AGES_MAX)                            \
    X(BS_OPTION_RESTITUTION, 6, restitution, BS_LAYER_HAIRCUT, 0)
#define BS_ASSIGN_OPTIONS(X)                                                                       \
    X(BS_OPTION_SPREAD_PPM, 7, spread_ppm, BS_LAYER_ASSIGN, BS_SPREAD_MAX_PPM)                     \
    X(BS_OPTION_MAX_COST_PPM, 8, max_cost_ppm, BS_LAYER_ASSIGN, BS_COST_MAX_PPM)
#define BS_LAYER_OPTIONS(X) BS_ADL_OPTIONS(X) BS_HAIRCUT_OPTIONS(X) BS_ASSIGN_OPTIONS(X)

#endif
