/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is taken back of a close. Of each of its numbers x the next r of Q lots, R having been taken
 * back before, bring floor(x*(R+r)/Q) - floor(x*R/Q). The other side of a close is the id behind
 * it.
 */
#include <stdlib.h>
#include <string.h>

#include "cli/recompute.h"
#include "lib/money/money.h"

/* Who closed what against whom, as one text. */
static char *parties_of(const json_t *action)
{
    static const char *const members[] = {"account", "market", "margin", "counterparty", "side"};
    struct buffer text = {0};
    for (size_t i = 0; i < sizeof(members) / sizeof(members[0]); i++) {
        buffer_printf(&text, "%s\n", audit_text(action, members[i]));
    }
    return text.bytes;
}

void audit_keep(struct audit *audit, const json_t *action)
{
    struct audit_close close = audit_close_of(audit, action);
    bool is_assignment = json_object_get(action, "size_taken") != NULL;
    if (!close.market.known) {
        return;
    }
    if (is_assignment) {
        audit->malformed = false; /* it has no size_closed */
        close.lots = audit_ratio(audit, action, "size_taken", close.market.lot);
    }
    bs_i128 sign = close.pays ? -1 : 1;
    struct audit_kept kept = {
        .id = audit_integer(action, "id"),
        .parties = parties_of(action),
        .is_counter = strcmp(audit_text(action, "type"), "adl") == 0,
        .received = sign * close.value,
        .at_mark = sign * audit_value_at_mark(&close),
        .entry = sign * close.value - audit_quanta(audit, action, "realized_pnl"),
        .lots = close.lots,
    };
    kept.received = kept.is_counter ? -kept.received : kept.received;
    kept.at_mark = kept.is_counter ? -kept.at_mark : kept.at_mark;
    buffer_append(&audit->closes, &kept, sizeof(kept));
}

/* NULL: the close was before the range. */
static struct audit_kept *kept_close(struct audit *audit, uint64_t id)
{
    size_t first = 0, past = audit->closes.size / sizeof(struct audit_kept);
    struct audit_kept *closes = (struct audit_kept *)(void *)audit->closes.bytes;
    while (first < past) {
        size_t middle = first + (past - first) / 2;
        if (closes[middle].id == id) {
            return &closes[middle];
        }
        first = closes[middle].id < id ? middle + 1 : first;
        past = closes[middle].id < id ? past : middle;
    }
    return NULL;
}

static bool is_of_same(const struct audit_kept *close, const json_t *action)
{
    char *parties = parties_of(action);
    bool same = strcmp(close->parties, parties) == 0;
    free(parties);
    return same;
}

static bool part_fits(struct audit *audit, const json_t *action, const struct audit_kept *close,
                      const struct audit_close *part)
{
    bs_i128 past = close->back + part->lots, sign = part->pays ? -1 : 1;
    if (part->lots <= 0 || past > close->lots || !is_of_same(close, action)) {
        return false;
    }
    bs_i128 received = bs_split_floor(close->received, close->back, past, close->lots);
    bs_i128 at_mark = bs_split_floor(close->at_mark, close->back, past, close->lots);
    received = close->is_counter ? -received : received;
    at_mark = close->is_counter ? -at_mark : at_mark;
    if (part->value != -sign * received) {
        return false;
    }
    if (json_object_get(action, "size_taken") != NULL) {
        return part->before - part->lots == part->after; /* a volunteer: a trade the other way */
    }
    bs_i128 entry = bs_split_floor(close->entry, close->back, past, close->lots);
    /* An inverse value is rounded by what was held, not by the part. */
    bs_i128 slack = part->market.inverse ? 1 : 0;
    return part->before + part->lots == part->after &&
           audit_quanta(audit, action, "realized_pnl") == entry - received &&
           bs_abs(received - at_mark - part->cost) <= slack;
}

bool audit_take_reversal(struct audit *audit, json_t *action)
{
    struct audit_kept *close = kept_close(audit, audit_integer(action, "reverses"));
    struct audit_close part = audit_close_of(audit, action);
    if (close == NULL || !part.market.known) {
        audit->skipped++;
        return true;
    }
    bool is_given_back = json_object_get(action, "size_taken") != NULL;
    audit->malformed = false; /* it has no mark */
    part.lots =
        -audit_ratio(audit, action, is_given_back ? "size_taken" : "size_closed", part.market.lot);
    bool fits = part_fits(audit, action, close, &part);
    close->back += part.lots;
    part.value = -part.value; /* the price is that of what was closed */
    return audit_fits(audit, AUDIT_REVERSAL,
                      fits && audit_price_fits(&part, audit_text(action, "price")));
}
