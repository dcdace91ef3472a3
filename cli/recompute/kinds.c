/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/recompute/kinds.h"

#include <string.h>

#include "cli/action_kind.h"
#include "cli/member.h"
#include "cli/recompute/close.h"
#include "cli/recompute/figure.h"
#include "cli/recompute/queue.h"
#include "cli/recompute/split.h"
#include "cli/recompute/state.h"

/* ---- closes ---- */

static bool take_adl(struct recompute *recompute, json_t *action)
{
    recompute->settlement.closes++;
    recompute->settlement.deleveraged += figure_quanta(recompute, action, "cost_to_mark");
    reversal_keep(recompute, action, true);
    bool (*take_side)(struct recompute *, json_t *) =
        side_has(action) ? side_take_counterparty : pair_take_counterparty;
    return close_take(recompute, action) && take_side(recompute, action) &&
           queue_take(recompute, action) && split_take(recompute, action);
}

static bool take_liquidation_close(struct recompute *recompute, json_t *action)
{
    reversal_keep(recompute, action, false);
    return debt_begin(recompute, action) && close_take(recompute, action) &&
           leg_take(recompute, action) &&
           debt_bear(recompute, action, 0, -figure_quanta(recompute, action, "cost_to_mark"));
}

static bool take_netting(struct recompute *recompute, json_t *action)
{
    return close_take(recompute, action) && pair_take_netting(recompute, action);
}

/* Only the pool's own fund takes over at mark. */
static bool take_takeover(struct recompute *recompute, json_t *action)
{
    const char *fund = member_text(action, "counterparty");
    bool by_fund = member_is_fund(action, "counterparty") &&
                   strcmp(strchr(fund, ':') + 1, recompute->pool) == 0;
    if (!debt_begin(recompute, action) || !close_take(recompute, action)) {
        return false;
    }
    leg_pass(recompute, action);
    return check_fits(recompute, CHECK_PAIR, by_fund) &&
           check_fits(recompute, CHECK_SIDE, side_may_leave(recompute, action)) &&
           debt_bear(recompute, action, 0, 0);
}

static bool take_assignment(struct recompute *recompute, json_t *action)
{
    recompute->settlement.assignments++;
    recompute->settlement.spreads -= figure_quanta(recompute, action, "cost_to_mark");
    reversal_keep(recompute, action, false);
    return pair_take_provider(recompute, action);
}

static bool take_reversal(struct recompute *recompute, json_t *action)
{
    return reversal_take(recompute, action);
}

/* An amount for the fund is the rounding of an ended inverse market: nothing was closed. */
static bool take_final_settlement(struct recompute *recompute, json_t *action)
{
    return !member_exists(action, "size_closed") || close_take(recompute, action);
}

/* ---- money ---- */

/* The fund's own debt is the pool's open loss. */
static bool take_draw(struct recompute *recompute, json_t *action)
{
    bs_i128 amount = figure_quanta(recompute, action, "amount");
    recompute->settlement.fund_paid += amount;
    return debt_begin(recompute, action) && debt_bear(recompute, action, amount, amount) &&
           (!member_is_fund(action, "account") || ledger_move(recompute, -amount, 0));
}

static bool take_insurance_draw(struct recompute *recompute, json_t *action)
{
    return take_draw(recompute, action);
}

static bool take_own_fund_draw(struct recompute *recompute, json_t *action)
{
    return take_draw(recompute, action);
}

static bool take_insurance_credit(struct recompute *recompute, json_t *action)
{
    return ledger_move(recompute, 0, -figure_quanta(recompute, action, "amount"));
}

static bool take_write_off(struct recompute *recompute, json_t *action)
{
    bs_i128 amount = figure_quanta(recompute, action, "amount");
    return debt_begin(recompute, action) && debt_bear(recompute, action, 0, amount) &&
           ledger_move(recompute, amount, 0);
}

static bool take_unallocated_deficit(struct recompute *recompute, json_t *action)
{
    bs_i128 amount = figure_quanta(recompute, action, "amount");
    recompute->settlement.unallocated += amount;
    return debt_begin(recompute, action) && debt_bear(recompute, action, 0, 0) &&
           ledger_move(recompute, -amount, amount);
}

static bool take_haircut(struct recompute *recompute, json_t *action)
{
    bs_i128 amount = figure_quanta(recompute, action, "amount");
    recompute->settlement.payers++;
    recompute->settlement.haircuts += amount;
    return haircut_take(recompute, action) && ledger_move(recompute, -amount, 0);
}

/* Other accounts pay it in the same division of the window. */
static bool take_refund(struct recompute *recompute, json_t *action)
{
    return haircut_take(recompute, action) &&
           ledger_move(recompute, figure_quanta(recompute, action, "amount"), 0);
}

static bool take_restitution(struct recompute *recompute, json_t *action)
{
    bs_i128 amount = figure_quanta(recompute, action, "amount");
    return !member_is_fund(action, "account") || ledger_move(recompute, -amount, 0);
}

/* ---- events of the pool ---- */

/* In a settlement that there is, or between two; or since the pool was asked for. */
static bool take_event(struct recompute *recompute, json_t *action)
{
    const json_t *row = recompute->row;
    bool is_known =
        member_integer(action, "settlement") <= member_integer(row, "last_settlement") ||
        member_integer(action, "id") > member_integer(row, "last_action");
    return check_fits(recompute, CHECK_TIME, is_known);
}

static bool take_pool_halted(struct recompute *recompute, json_t *action)
{
    return take_event(recompute, action);
}

static bool take_window_closed(struct recompute *recompute, json_t *action)
{
    return take_event(recompute, action);
}

/* Each is made by a command of its own, outside of settlements. */
#define COMMANDED(name)                                                                            \
    static bool take_##name(struct recompute *recompute, json_t *action)                           \
    {                                                                                              \
        return check_fits(recompute, CHECK_TIME,                                                   \
                          json_is_null(json_object_get(action, "settlement")));                    \
    }
COMMANDED(pool_paused)
COMMANDED(pool_resumed)
COMMANDED(window_opened)
#undef COMMANDED

/* ---- the table ---- */

/* A kind without a function does not compile. */
static bool (*const kinds[ACTION_KINDS_COUNT])(struct recompute *recompute, json_t *action) = {
#define X(code, number, name, ...) [number] = take_##name,
#include "lib/record/actions.def"
#undef X
};

bool kind_take(struct recompute *recompute, json_t *action)
{
    enum action_kind kind = action_kind_of(action);
    if (kind == ACTION_KINDS_COUNT) {
        recompute->checks.gaps.unknown++;
        return true;
    }
    return kinds[kind](recompute, action);
}
