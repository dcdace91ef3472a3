/* SPDX-License-Identifier: Apache-2.0 */
/* Actions: how one is made, and what the actions of several kinds of step have in common. */
#ifndef BS_ACTIONS_H
#define BS_ACTIONS_H

#include "lib/settlement/plan.h"
#include "lib/settlement/progress.h"
#include "lib/settlement/step/kind.h"

/* An action with the next numbers of its pool, everything else empty. There is room for it. */
struct bs_action *bs_action_new(struct bs_engine *engine, uint32_t pool, enum bs_action_type type,
                                struct bs_effects *effects);
void bs_action_decimal(struct bs_action *action, enum bs_action_decimal which,
                       struct bs_wide value);
/* Reports that the pool's window has been opened or closed. */
void bs_action_window(struct bs_engine *engine, uint32_t pool, struct bs_effects *effects);

#define BS_DECIMAL(action, name, value) bs_action_decimal(action, BS_ACTION_DECIMAL_##name, value)

/* A plan while it is applied. */
struct bs_applying {
    struct bs_engine *engine;
    struct bs_plan *plan;
    struct bs_effects *effects;
    struct bs_settlement *summary;
    const struct bs_pool *pool;
    const struct bs_step *step; /* the current one, not carried out yet */
    bool has_price;             /* `price` is set */
    bs_i128 priced;             /* the value shown that `price` is for, of the step's lots */
    struct bs_wide price;
};

/* An action about an account, which becomes the account's last one. */
struct bs_action *bs_applying_action(struct bs_applying *applying, enum bs_action_type type,
                                     uint32_t account);
/* The same with the step's account and amount, and its reason. */
struct bs_action *bs_applying_amount(struct bs_applying *applying, enum bs_action_type type);
/* Adds the deficit of the step's debtor as the reason, and what the fund paid of it where that is known
 * by the policy; nothing where the step has no debtor. */
void bs_applying_reason(const struct bs_applying *applying, struct bs_action *action);
/* The action's part of `amount`, which is divided: by the sum of the weights, the sum of those before
 * its own, and its own. */
void bs_applying_share(struct bs_action *action, struct bs_wide amount,
                       const struct bs_wide weights[3]);
/* One side of a close, before it is carried out: `received` is signed, for the step's lots. */
struct bs_action *bs_applying_close(struct bs_applying *applying, enum bs_action_type type,
                                    uint32_t account, uint32_t counterparty, bs_i128 received);
/* Remembers the step's close, so that the venue may take it back: book/closes.h. Before it is
 * carried out. */
void bs_applying_remember_close(struct bs_applying *applying, uint64_t action);
/* The same of the step's account alone, on a side that is closed together for so many debtors; the
 * step is so many behind the one that began it. */
void bs_applying_remember_part(struct bs_applying *applying, uint64_t action, int side,
                               uint32_t behind, uint32_t debtors);

#endif
