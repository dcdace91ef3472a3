/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The legs of a debt. With D the debt, W the sum of all weights and P that of the legs before, a
 * leg closes for its value at mark + ceil(D*(P+w)/W), less what the legs before it could place.
 * After P of its Q lots the account has received value * P / Q, rounded up.
 */
#ifndef CLI_RECOMPUTE_LEG_H
#define CLI_RECOMPUTE_LEG_H

#include "cli/member.h"
#include "cli/recompute/close.h"
#include "cli/recompute/debt.h"

struct recompute;

/* The leg that is being closed. */
struct leg {
    json_t *close;  /* the last liquidation_close; owned */
    bool is_priced; /* it has a leg_value: a provider takes a position at a price of its own */
    bs_i128 lots, done, value;
    bs_i128 shortfall; /* of the last close: what a counterparty's principal kept from the debtor */
    json_t *adl;       /* the last one taken from the queue; owned */
    json_t *split;     /* the share of the last one of a split; owned */
    bs_i128 split_end;
};

/* Checks a close of the debtor. */
bool leg_take(struct recompute *recompute, json_t *action);
/* Counts the weight of a leg without a price: one left over, or taken by a provider. */
void leg_pass(struct recompute *recompute, const json_t *action);
/* True when the weights of all legs of the debt add up to their total. */
bool legs_add_up(const struct debt *debt);
/* The members amount, total, prefix and weight lie within each other. */
bool share_is_part(const struct share *share);
void leg_fini(struct leg *leg);

#endif
