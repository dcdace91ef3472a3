/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/recompute/debt.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "cli/member.h"
#include "cli/recompute/figure.h"
#include "cli/recompute/leg.h"
#include "cli/recompute/state.h"
#include "lib/money/money.h"

static struct debt *debt_at(const struct debts *debts, size_t row)
{
    struct debt *debt;
    memcpy(&debt, debts->rows.bytes + row * sizeof(debt), sizeof(debt));
    return debt;
}

static size_t debts_count(const struct debts *debts)
{
    return debts->rows.size / sizeof(struct debt *);
}

static void forget(struct debts *debts)
{
    for (size_t row = 0; row < debts_count(debts); row++) {
        struct debt *debt = debt_at(debts, row);
        json_decref(debt->action);
        json_decref(debt->legs);
        free(debt);
    }
    debts->now = NULL;
    debts->is_fund_asked = false;
    buffer_clear(&debts->rows);
    json_decref(debts->places);
    debts->places = NULL;
}

void debts_fini(struct debts *debts)
{
    forget(debts);
    buffer_fini(&debts->rows);
}

/* The sum drawn is the one that its reasons name, and all of the debt was borne. Inverse values are
 * rounded at each close. */
static bool debt_ends(struct recompute *recompute, const struct debt *debt)
{
    struct settlement *settlement = &recompute->settlement;
    bool is_borne =
        debt->drawn == debt->paid && bs_abs(debt->borne - debt->deficit) <= settlement->dust;
    bool weights_add_up = legs_add_up(debt);
    if (!member_is_fund(debt->action, "account")) {
        settlement->debtors++;
        settlement->deficit += debt->deficit;
    }
    return check_fits(recompute, CHECK_DEFICIT, is_borne) &&
           check_fits(recompute, CHECK_WEIGHT, weights_add_up);
}

bool debts_end(struct recompute *recompute)
{
    bool fits = true;
    for (size_t row = 0; fits && row < debts_count(&recompute->debts); row++) {
        fits = debt_ends(recompute, debt_at(&recompute->debts, row));
    }
    forget(&recompute->debts);
    return fits;
}

/* Isolated positions of one account are debtors of their own. */
static char *debtor_of(const json_t *action)
{
    struct buffer text = {0};
    buffer_printf(&text, "%s\n", member_text(action, "account"));
    if (member_exists(action, "margin")) {
        buffer_printf(&text, "%s", member_text(action, "market"));
    }
    return text.bytes;
}

static struct debt *add_debt(struct debts *debts, const char *debtor, json_t *action)
{
    struct debt *debt = calloc(1, sizeof(*debt));
    if (debt == NULL) {
        return NULL;
    }
    debt->action = json_incref(action);
    if (debts->places == NULL) {
        debts->places = json_object();
    }
    (void)json_object_set_new(debts->places, debtor, json_integer((json_int_t)debts_count(debts)));
    buffer_append(&debts->rows, &debt, sizeof(debt));
    return debt;
}

bool debt_begin(struct recompute *recompute, json_t *action)
{
    struct debts *debts = &recompute->debts;
    const json_t *reason = json_object_get(action, "reason");
    if (!json_is_object(reason)) {
        return true;
    }
    char *debtor = debtor_of(action);
    const json_t *place = json_object_get(debts->places, debtor);
    if (place != NULL) {
        debts->now = debt_at(debts, (size_t)json_integer_value(place));
    } else {
        debts->now = add_debt(debts, debtor, action);
    }
    free(debtor);
    if (place == NULL && debts->now != NULL) {
        debts->now->deficit = figure_quanta(recompute, reason, "deficit");
    }
    return debts->now != NULL;
}

/* Whether today's waterfall has the layer of the close, and the fund after it. */
static bool is_by_waterfall(const struct recompute *recompute, const json_t *action)
{
    const json_t *layers = json_object_get(recompute->row, "waterfall");
    const char *own = side_has(action) ? "adl" : "assign";
    bool is_past_own = false;
    for (size_t i = 0; i < json_array_size(layers); i++) {
        const json_t *layer = json_array_get(layers, i);
        if (is_past_own && member_is(layer, "layer", "insurance")) {
            return true;
        }
        is_past_own = is_past_own || member_is(layer, "layer", own);
    }
    return false;
}

/* Only closes of sides and to providers may come in a layer before the insurance layer, which asks the
 * fund for all debtors. */
static bool is_insured_later(struct recompute *recompute, const json_t *action)
{
    bool is_pair = member_exists(action, "leg_value") && !side_has(action);
    recompute->checks.gaps.other_waterfalls += !is_by_waterfall(recompute, action);
    return member_is(action, "type", "liquidation_close") && !is_pair &&
           !member_is_fund(action, "account") && !recompute->debts.is_fund_asked;
}

/* All reasons of a debt name the same amounts, but for those that come too early for it. */
static bool paid_fits(struct recompute *recompute, struct debt *debt, const json_t *action)
{
    const json_t *reason = json_object_get(action, "reason");
    if (!member_exists(reason, "fund_paid")) {
        return is_insured_later(recompute, action) && !member_exists(reason, "residual");
    }
    bs_i128 paid = figure_quanta(recompute, reason, "fund_paid");
    bool is_first = !debt->is_paid_known;
    debt->paid = is_first ? paid : debt->paid;
    debt->is_paid_known = true;
    recompute->debts.is_fund_asked = true;
    return paid == debt->paid &&
           figure_quanta(recompute, reason, "residual") == debt->deficit - paid;
}

bool debt_bear(struct recompute *recompute, const json_t *action, bs_i128 drawn, bs_i128 borne)
{
    struct debt *debt = recompute->debts.now;
    const json_t *reason = json_object_get(action, "reason");
    if (!json_is_object(reason)) {
        return true;
    }
    assert(debt != NULL);
    debt->drawn += drawn;
    debt->borne += borne;
    bool fits = figure_quanta(recompute, reason, "deficit") == debt->deficit &&
                paid_fits(recompute, debt, action);
    return check_fits(recompute, CHECK_DEFICIT, fits);
}
