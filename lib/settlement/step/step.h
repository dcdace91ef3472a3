/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One step of a plan. The members before `as` mean the same in every kind; 0 is "none". Amounts are
 * in quanta.
 *
 *     draw          the fund pays `amount` of the debt of `account`; of the period loss when
 *                   `account` is the backstop account itself
 *     own_fund_draw the own fund of `market` pays `amount` of the debt of `account`
 *     netting       `account` (long) and `counterparty` (short) close `lots` at mark
 *     close         `account` closes `lots` and receives `amount` from `counterparty`
 *     pool          begins a side that is closed together: what its debtors and counterparties have
 *                   in common; their steps follow
 *     pooled_close  the debtor `account` closes `lots` and receives `amount`
 *     pooled_adl    the counterparty `account` closes `lots` and gives `amount`
 *     takeover      the whole position moves to the backstop account, for `amount`
 *     kept          the position stays: the backstop account cannot hold it beside its own
 *     write_off     the debt `amount` of `account` becomes period loss
 *     haircut       `account` pays `amount` of the period loss
 *     refund        `account` gets `amount` of what the window took from it back, out of the period
 *                   loss, which others pay
 *     restitution   the fund, `counterparty`, pays `amount` of the claim of `account`; of what the
 *                   refunds of the window cost when `account` is the fund itself
 *     unallocated   `amount` of the period loss becomes unallocated deficit
 *     final         `account` closes all its `lots` for their value `amount`; lots 0: the backstop
 *                   account gets the dust `amount`
 *     reversal      `lots` of the close plan->reversed are taken back, `amount` with them
 *     pooled_reversal  `lots` of one account's part of a side are taken back, with `amount`
 *     assign        `lots` move from `account` to the provider `counterparty`, which pays `amount`
 */
#ifndef BS_STEP_H
#define BS_STEP_H

#include "lib/money/money.h"

enum bs_step_type {

#define X(CODE, name) BS_STEP_##CODE,
#include "lib/settlement/step/steps.def"
#undef X
    BS_STEP_COUNT
};

/* Of lots that were split among the candidates: see split.c. */
struct bs_split_share {
    bs_i128 parted; /* lots that go by the weights, or that stay */
    bs_i128 total;  /* sum of the weights */
    bs_i128 prefix; /* sum of the weights before its own */
};

struct bs_step_close {
    uint32_t rank;     /* of the counterparty in its queue, from 0 */
    bs_i128 leg_value; /* V: what the whole leg brings the closing account, signed */
};

/* `market` of the step; its debtor is the fund's row for the fund's inventory, else 0. */
struct bs_step_pool {
    bool is_long, by_lots;           /* the debtors; by what they go without Z, else by shares */
    uint32_t closes, adls;           /* steps that follow */
    bs_i128 price_value, price_lots; /* N and D: the price of the counterparties */
    bs_i128 rest, shares;            /* Z; the sum of those weights */
};

struct bs_step_pooled_close {
    uint32_t behind;        /* steps after that of the pool */
    bs_i128 leg_value;      /* V_d */
    bs_i128 prefix, weight; /* of the leg in its debtor's debt */
};

struct bs_step_pooled_adl {
    uint32_t rank;               /* in its queue, from 0 */
    uint32_t behind;             /* steps after that of the pool */
    struct bs_split_share split; /* of the first round that gave it lots */
};

struct bs_step_pooled_reversal {
    uint64_t close; /* number in the ring of closes */
    bool is_new;    /* the account holds nothing in the market before it */
};

struct bs_step_assign {
    uint32_t place; /* of the provider in plan->asked */
};

struct bs_step_haircut {
    uint32_t round; /* row of plan->rounds */
    bool has_prefix;
    bs_i128 gain, weight; /* of the payer */
    bs_i128 prefix;       /* sum of the weights before its own; none when it paid its cap */
};

struct bs_step_refund {
    uint32_t round; /* row of plan->rounds */
    bs_i128 gain;
    bs_i128 due;    /* to the account */
    bs_i128 prefix; /* sum of what is due before it */
};

struct bs_step {
    uint8_t type; /* enum bs_step_type */
    uint32_t account;
    uint32_t counterparty;
    uint32_t market;
    uint32_t debtor; /* whose debt the step resolves: row of plan->debtors + 1 */
    int64_t lots;
    bs_i128 amount;

    union {
        struct bs_step_close close;
        struct bs_step_pool pool;
        struct bs_step_pooled_close pooled_close;
        struct bs_step_pooled_adl pooled_adl;
        struct bs_step_pooled_reversal pooled_reversal;
        struct bs_step_assign assign;
        struct bs_step_haircut haircut;
        struct bs_step_refund refund;
    } as;
};

#endif
