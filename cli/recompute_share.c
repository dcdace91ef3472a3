/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is divided by prefix differences in closes: a debt among the legs of its account, and lots
 * among counterparties. With D the debt, W the sum of all weights and P that of the legs before, a
 * leg closes for its value at mark + ceil(D*(P+w)/W) less what the legs before it could place.
 */
#include <string.h>

#include "cli/recompute.h"
#include "lib/money/money.h"

#define PPM 1000000

static struct audit_share read_share(struct audit *audit, const json_t *action)
{
    const json_t *share = json_object_get(action, "share");
    return (struct audit_share){.amount = audit_quanta(audit, share, "amount"),
                                .total = audit_quanta(audit, share, "total"),
                                .prefix = audit_quanta(audit, share, "prefix"),
                                .weight = audit_quanta(audit, share, "weight")};
}

static bool is_part(const struct audit_share *share)
{
    return share->total > 0 && share->prefix >= 0 && share->weight >= 0 &&
           share->weight <= share->total - share->prefix;
}

/* ---- legs ---- */

static bs_i128 maintenance(const struct audit_close *close, bs_i128 value)
{
    return bs_muldiv_ceil(value, close->market.maintenance_ppm, PPM);
}

/* By maintenance; where that of all legs is 0 by value, and then by lots. `whole`: of the leg. */
static bool weight_fits(struct audit *audit, const struct audit_close *whole, bs_i128 weight)
{
    bs_i128 value = audit_value_at_mark(whole);
    bs_i128 needed = maintenance(whole, value);
    if (weight == needed) {
        return true;
    }
    if (needed == 0 && (weight == value || weight == whole->lots)) {
        audit->debt.basis = weight == value ? BY_VALUE : BY_LOTS;
        return true;
    }
    audit->debt.basis = BY_OTHER;
    audit->other_margins++;
    return false;
}

/* What was owed when the first leg's turn came; at mark nothing is asked. */
static bool begin_legs(struct audit *audit, const struct audit_share *share)
{
    bs_i128 owed = audit->debt.deficit - audit->debt.borne;
    audit->debt.legs = json_object();
    audit->debt.share = *share;
    audit->debt.begun = audit->debt.borne;
    return share->amount == 0 || bs_abs(share->amount - owed) <= audit->sums.dust;
}

bool audit_take_leg(struct audit *audit, json_t *action, const struct audit_close *close,
                    bool continues)
{
    struct audit_share share = read_share(audit, action);
    if (continues) {
        return audit_fits(audit, AUDIT_LEG,
                          !audit->malformed && share.amount == audit->debt.share.amount &&
                              share.total == audit->debt.share.total &&
                              share.prefix + share.weight == audit->debt.prefix &&
                              share.weight == audit->debt.share.weight);
    }
    bool fits = audit->debt.legs != NULL || begin_legs(audit, &share);
    fits = fits && !audit->malformed && is_part(&share) && share.prefix >= audit->debt.prefix &&
           share.amount == audit->debt.share.amount && share.total == audit->debt.share.total;
    if (!fits) {
        return audit_fits(audit, AUDIT_LEG, false);
    }
    struct audit_close whole = *close;
    whole.lots = close->before;
    bs_i128 value = close->pays ? -audit_value_at_mark(&whole) : audit_value_at_mark(&whole);
    bs_i128 placed = share.amount == 0 ? 0 : audit->debt.borne - audit->debt.begun;
    bs_i128 due = bs_muldiv_ceil(share.amount, share.prefix + share.weight, share.total);
    (void)json_object_set_new(audit->debt.legs, audit_text(action, "market"), json_true());
    audit->debt.share.weight = share.weight;
    audit->debt.prefix = share.prefix + share.weight;
    audit->debt.weights += share.weight;
    if (weight_fits(audit, &whole, share.weight)) {
        audit->counts[AUDIT_WEIGHT]++;
    }
    return audit_fits(audit, AUDIT_LEG,
                      bs_abs(value + due - placed - audit->leg.value) <= audit->sums.dust);
}

void audit_pass_leg(struct audit *audit, const json_t *action)
{
    const char *name = audit_text(action, "market");
    if (audit->debt.legs == NULL || json_object_get(audit->debt.legs, name) != NULL) {
        return; /* nothing was divided; or it was closed in part, and has been counted */
    }
    (void)json_object_set_new(audit->debt.legs, name, json_true());
    struct audit_close whole = audit_close_of(audit, action);
    if (!whole.market.known) {
        audit->debt.basis = BY_OTHER;
        return;
    }
    whole.lots = whole.before;
    bs_i128 value = audit_value_at_mark(&whole);
    audit->debt.weights += audit->debt.basis == BY_VALUE  ? value
                           : audit->debt.basis == BY_LOTS ? whole.lots
                                                          : maintenance(&whole, value);
}

/* A debtor keeps no leg, so all of them are seen; the fund may keep some. */
bool audit_legs_add_up(const struct audit *audit)
{
    return audit->debt.legs == NULL || audit->debt.basis == BY_OTHER ||
           audit_is_fund(audit->debt.action) || audit->debt.weights == audit->debt.share.total;
}

/* ---- lots ---- */

/* pro_rata: X lots by size. leverage_water_fill: what stays, by equity. */
static struct audit_share read_lots(struct audit *audit, const json_t *action,
                                    const struct audit_market *market, bool by_equity)
{
    const json_t *share = json_object_get(action, "share");
    if (by_equity) {
        struct audit_share stay = read_share(audit, action);
        audit->malformed = false; /* the amount was read as money */
        stay.amount = audit_ratio(audit, share, "amount", market->lot);
        return stay;
    }
    return (struct audit_share){.amount = audit_ratio(audit, share, "amount", market->lot),
                                .total = audit_ratio(audit, share, "total", market->lot),
                                .prefix = audit_ratio(audit, share, "prefix", market->lot),
                                .weight = audit_ratio(audit, share, "weight", market->lot)};
}

/* Of the round before it: the same numbers, and after it in the order of accounts. */
static bool continues_round(struct audit *audit, json_t *share, bs_i128 prefix)
{
    const json_t *last = audit->leg.split;
    return last != NULL && prefix >= audit->leg.split_end &&
           json_equal(json_object_get(last, "amount"), json_object_get(share, "amount")) &&
           json_equal(json_object_get(last, "total"), json_object_get(share, "total"));
}

bool audit_take_split(struct audit *audit, const json_t *action)
{
    json_t *told = json_object_get(action, "share");
    struct audit_close close = audit_close_of(audit, action);
    if (told == NULL || !close.market.known) {
        return told != NULL || json_object_get(action, "rank") != NULL;
    }
    bool by_equity = strcmp(audit_text(action, "ranking"), "leverage_water_fill") == 0;
    struct audit_share share = read_lots(audit, action, &close.market, by_equity);
    if (audit->malformed || !is_part(&share)) {
        return audit_fits(audit, AUDIT_LOTS, false);
    }
    bs_i128 past = share.prefix + share.weight;
    bs_i128 wanted =
        by_equity ? close.before - bs_split_ceil(share.amount, share.prefix, past, share.total)
                  : bs_split_floor(share.amount, share.prefix, past, share.total);
    bool fits = close.lots <= wanted && (by_equity || share.weight == close.before);
    if (!continues_round(audit, told, share.prefix) && !by_equity) {
        bs_i128 left = audit->leg.lots - (audit->leg.done - close.lots);
        fits = fits && share.amount == bs_min(left, share.total);
    }
    json_decref(audit->leg.split);
    audit->leg.split = json_incref(told);
    audit->leg.split_end = past;
    audit->clamped += close.lots < wanted;
    return audit_fits(audit, AUDIT_LOTS, fits);
}
