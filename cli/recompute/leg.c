/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/recompute/leg.h"

#include <assert.h>

#include "cli/member.h"
#include "cli/recompute/figure.h"
#include "cli/recompute/state.h"
#include "lib/money/money.h"

#define PPM 1000000

bool share_is_part(const struct share *share)
{
    return share->total > 0 && share->prefix >= 0 && share->weight >= 0 &&
           share->weight <= share->total - share->prefix;
}

void leg_fini(struct leg *leg)
{
    json_decref(leg->close);
    json_decref(leg->adl);
    json_decref(leg->split);
    *leg = (struct leg){0};
}

/* ---- weights ---- */

static bs_i128 maintenance(const struct close *whole)
{
    return bs_muldiv_ceil(close_value_at_mark(whole), whole->market.maintenance_ppm, PPM);
}

/* The weight of a leg is its maintenance margin; where that of all legs is 0, its value at mark,
 * and where that is 0 too, its lots. */
static bool weight_fits(struct recompute *recompute, const struct close *whole, bs_i128 weight)
{
    bs_i128 value = close_value_at_mark(whole);
    bs_i128 needed = maintenance(whole);
    if (weight == needed) {
        return true;
    }
    if (needed == 0 && (weight == value || weight == whole->lots)) {
        recompute->debts.now->basis = weight == value ? BY_VALUE : BY_LOTS;
        return true;
    }
    recompute->debts.now->basis = BY_OTHER;
    recompute->checks.gaps.other_margins++;
    return false;
}

static bs_i128 weight_of(const struct close *whole, enum weight_basis basis)
{
    switch (basis) {
    case BY_VALUE:
        return close_value_at_mark(whole);
    case BY_LOTS:
        return whole->lots;
    case BY_MAINTENANCE:
    case BY_OTHER:
        break;
    }
    return maintenance(whole);
}

static struct close whole_leg(const struct close *close)
{
    struct close whole = *close;
    whole.lots = close->before;
    return whole;
}

void leg_pass(struct recompute *recompute, const json_t *action)
{
    struct debt *debt = recompute->debts.now;
    const char *market = member_text(action, "market");
    if (debt == NULL || debt->legs == NULL || member_exists(debt->legs, market)) {
        return; /* nothing was divided; or it was closed in part, and has been counted */
    }
    (void)json_object_set_new(debt->legs, market, json_true());
    struct close close = close_of(recompute, action);
    if (!close.market.is_known) {
        debt->basis = BY_OTHER;
        return;
    }
    struct close whole = whole_leg(&close);
    debt->weights += weight_of(&whole, debt->basis);
}

/* A debtor keeps no leg, so all of them are seen. The fund may keep some. */
bool legs_add_up(const struct debt *debt)
{
    return debt->legs == NULL || debt->basis == BY_OTHER ||
           member_is_fund(debt->action, "account") || debt->weights == debt->share.total;
}

/* ---- the value of a leg ---- */

static struct share read_share(struct recompute *recompute, const json_t *action)
{
    const json_t *share = json_object_get(action, "share");
    return (struct share){.amount = figure_quanta(recompute, share, "amount"),
                          .total = figure_quanta(recompute, share, "total"),
                          .prefix = figure_quanta(recompute, share, "prefix"),
                          .weight = figure_quanta(recompute, share, "weight")};
}

/* The debt is what was owed before the first leg; at mark it is 0. */
static bool begin_legs(struct recompute *recompute, const struct share *share)
{
    struct debt *debt = recompute->debts.now;
    bs_i128 owed = debt->deficit - debt->borne;
    debt->legs = json_object();
    debt->share = *share;
    debt->begun = debt->borne;
    return share->amount == 0 || bs_abs(share->amount - owed) <= recompute->settlement.dust;
}

static bool share_continues(const struct debt *debt, const struct share *share)
{
    return share->amount == debt->share.amount && share->total == debt->share.total &&
           share->prefix + share->weight == debt->prefix && share->weight == debt->share.weight;
}

static bool share_follows(const struct debt *debt, const struct share *share)
{
    return share_is_part(share) && share->prefix >= debt->prefix &&
           share->amount == debt->share.amount && share->total == debt->share.total;
}

/* `close`: the first one of the leg. */
static bool value_fits(struct recompute *recompute, const struct share *share,
                       const struct close *close)
{
    struct debt *debt = recompute->debts.now;
    struct close whole = whole_leg(close);
    bs_i128 value = close->pays ? -close_value_at_mark(&whole) : close_value_at_mark(&whole);
    bs_i128 placed = share->amount == 0 ? 0 : debt->borne - debt->begun;
    bs_i128 due = bs_muldiv_ceil(share->amount, share->prefix + share->weight, share->total);
    debt->share.weight = share->weight;
    debt->prefix = share->prefix + share->weight;
    debt->weights += share->weight;
    if (weight_fits(recompute, &whole, share->weight)) {
        recompute->checks.counts[CHECK_WEIGHT]++;
    }
    value += due - placed;
    value = close->pays ? bs_min(0, value) : value; /* no price below 0 */
    return bs_abs(value - recompute->leg.value) <= recompute->settlement.dust;
}

static bool take_share(struct recompute *recompute, const json_t *action, const struct close *close,
                       bool continues)
{
    struct debt *debt = recompute->debts.now;
    struct share share = read_share(recompute, action);
    if (continues) {
        return check_fits(recompute, CHECK_LEG,
                          !recompute->malformed && share_continues(debt, &share));
    }
    bool fits = debt->legs != NULL || begin_legs(recompute, &share);
    if (!fits || recompute->malformed || !share_follows(debt, &share)) {
        return check_fits(recompute, CHECK_LEG, false);
    }
    (void)json_object_set_new(debt->legs, member_text(action, "market"), json_true());
    return check_fits(recompute, CHECK_LEG, value_fits(recompute, &share, close));
}

/* ---- the closes of a leg ---- */

static bool is_same_leg(const json_t *a, const json_t *b)
{
    return member_is_equal(a, b, "account") && member_is_equal(a, b, "margin") &&
           member_is_equal(a, b, "market") && member_is_equal(a, b, "settlement");
}

static void begin_leg(struct leg *leg, bs_i128 lots, bs_i128 value)
{
    json_decref(leg->adl);
    json_decref(leg->split);
    leg->adl = NULL;
    leg->split = NULL;
    leg->lots = lots;
    leg->done = 0;
    leg->value = value;
}

/* Where the principal of a counterparty is protected, the piece may be less. */
static bool piece_fits(struct leg *leg, const struct close *close, bs_i128 total)
{
    if (leg->lots <= 0) {
        return false;
    }
    bs_i128 done = leg->done + close->lots;
    bs_i128 piece = bs_split_ceil(total, leg->done, done, leg->lots);
    leg->done = done;
    leg->shortfall = piece - (close->pays ? -close->value : close->value);
    return total == leg->value && done <= leg->lots && leg->shortfall >= 0;
}

bool leg_take(struct recompute *recompute, json_t *action)
{
    assert(json_is_object(action));
    struct leg *leg = &recompute->leg;
    struct close close = close_of(recompute, action);
    bool continues = leg->close != NULL && leg->is_priced && is_same_leg(leg->close, action);
    json_decref(leg->close);
    leg->close = json_incref(action);
    leg->is_priced = member_exists(action, "leg_value");
    leg->shortfall = 0;
    if (!close.market.is_known || !leg->is_priced) {
        leg_pass(recompute, action);
        return true;
    }
    bs_i128 shown = figure_quanta(recompute, action, "leg_value");
    bs_i128 total = close.pays ? -shown : shown;
    if (!continues) {
        begin_leg(leg, close.before, total);
    }
    return check_fits(recompute, CHECK_PIECE, piece_fits(leg, &close, total)) &&
           recompute->debts.now != NULL && take_share(recompute, action, &close, continues) &&
           side_take_debtor(recompute, action, &close, leg->shortfall);
}
