/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/recompute/debt.h"

#include <assert.h>

#include "cli/member.h"
#include "cli/recompute/figure.h"
#include "cli/recompute/leg.h"
#include "cli/recompute/state.h"
#include "lib/money/money.h"

void debt_fini(struct debt *debt)
{
    json_decref(debt->action);
    json_decref(debt->legs);
    *debt = (struct debt){0};
}

/* The sum drawn is the one that its reason names, and all of the debt was borne. Inverse values are
 * rounded at each close. */
bool debt_end(struct recompute *recompute)
{
    struct debt *debt = &recompute->debt;
    struct settlement *settlement = &recompute->settlement;
    if (debt->action == NULL) {
        return true;
    }
    const json_t *reason = json_object_get(debt->action, "reason");
    bool is_borne = debt->drawn == figure_quanta(recompute, reason, "fund_paid") &&
                    bs_abs(debt->borne - debt->deficit) <= settlement->dust;
    bool weights_add_up = legs_add_up(debt);
    if (!member_is_fund(debt->action, "account")) {
        settlement->debtors++;
        settlement->deficit += debt->deficit;
    }
    debt_fini(debt);
    return check_fits(recompute, CHECK_DEFICIT, is_borne) &&
           check_fits(recompute, CHECK_WEIGHT, weights_add_up);
}

/* Isolated positions of one account are debtors of their own. */
static bool is_same_debtor(const json_t *a, const json_t *b)
{
    return member_is_equal(a, b, "settlement") && member_is_equal(a, b, "account") &&
           member_is_equal(a, b, "margin") &&
           (!member_exists(a, "margin") || member_is_equal(a, b, "market"));
}

bool debt_begin(struct recompute *recompute, json_t *action)
{
    struct debt *debt = &recompute->debt;
    const json_t *reason = json_object_get(action, "reason");
    if (!json_is_object(reason)) {
        return true;
    }
    if (debt->action != NULL && !is_same_debtor(debt->action, action) && !debt_end(recompute)) {
        return false;
    }
    if (debt->action == NULL) {
        debt->action = json_incref(action);
        debt->deficit = figure_quanta(recompute, reason, "deficit");
    }
    assert(debt->action != NULL);
    return true;
}

bool debt_bear(struct recompute *recompute, const json_t *action, bs_i128 drawn, bs_i128 borne)
{
    struct debt *debt = &recompute->debt;
    const json_t *reason = json_object_get(action, "reason");
    if (!json_is_object(reason)) {
        return true;
    }
    debt->drawn += drawn;
    debt->borne += borne;
    bs_i128 paid = figure_quanta(recompute, reason, "fund_paid");
    return check_fits(recompute, CHECK_DEFICIT,
                      figure_quanta(recompute, reason, "residual") == debt->deficit - paid &&
                          member_is_equal(action, debt->action, "reason"));
}
