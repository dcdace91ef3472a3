/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/recompute/reversal.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "cli/member.h"
#include "cli/recompute/figure.h"
#include "cli/recompute/state.h"
#include "lib/money/money.h"

/* One side of a close, remembered for reversals of it. */
struct kept_close {
    uint64_t id;
    char *parties; /* and the market and side; owned */
    bool is_counter;
    bool is_pooled;            /* of a side that was closed together */
    bs_i128 received, at_mark; /* by the other side then, and its lots at mark */
    bs_i128 entry, lots;       /* its own */
    bs_i128 back;              /* lots taken back so far */
};

/* What one debtor of a side gets back. */
struct back {
    bs_i128 lots, received;
};

static struct kept_close *rows_of(const struct kept_closes *closes, size_t *ret_count)
{
    assert(closes->rows.size % sizeof(struct kept_close) == 0);
    *ret_count = closes->rows.size / sizeof(struct kept_close);
    return (struct kept_close *)(void *)closes->rows.bytes;
}

void kept_closes_fini(struct kept_closes *closes)
{
    size_t count;
    struct kept_close *rows = rows_of(closes, &count);
    for (size_t i = 0; i < count; i++) {
        free(rows[i].parties);
    }
    buffer_fini(&closes->rows);
    buffer_fini(&closes->backs);
}

/* The two accounts and the market of a close, as one text. */
static char *parties_of(const json_t *action)
{
    static const char *const members[] = {"account", "market", "margin", "counterparty", "side"};
    struct buffer text = {0};
    for (size_t i = 0; i < sizeof(members) / sizeof(members[0]); i++) {
        buffer_printf(&text, "%s\n", member_text(action, members[i]));
    }
    return text.bytes;
}

void reversal_keep(struct recompute *recompute, const json_t *action, bool is_counter)
{
    struct close close = close_of(recompute, action);
    if (!close.market.is_known) {
        return;
    }
    bs_i128 sign = close.pays ? -1 : 1, turn = is_counter ? -1 : 1;
    struct kept_close kept = {
        .id = member_integer(action, "id"),
        .parties = parties_of(action),
        .is_counter = is_counter,
        .is_pooled = side_has(action),
        .received = turn * sign * close.value,
        .at_mark = turn * sign * close_value_at_mark(&close),
        .entry = sign * close.value - figure_quanta(recompute, action, "realized_pnl"),
        .lots = close.lots,
    };
    buffer_append(&recompute->closes.rows, &kept, sizeof(kept));
}

/* NULL: the close was before the range. */
static struct kept_close *find(const struct kept_closes *closes, uint64_t id)
{
    size_t first = 0, past;
    struct kept_close *rows = rows_of(closes, &past);
    while (first < past) {
        size_t middle = first + (past - first) / 2;
        if (rows[middle].id == id) {
            return &rows[middle];
        }
        if (rows[middle].id < id) {
            first = middle + 1;
        } else {
            past = middle;
        }
    }
    return NULL;
}

static bool is_of_same(const struct kept_close *close, const json_t *action)
{
    char *parties = parties_of(action);
    bool same = strcmp(close->parties, parties) == 0;
    free(parties);
    return same;
}

/* The debtors of a side get the counterparty's value back by their lots; `given`: all of it. */
static bool backs_fit(struct kept_closes *closes, bs_i128 lots, bs_i128 given)
{
    const struct back *backs = (const struct back *)(const void *)closes->backs.bytes;
    size_t count = closes->backs.size / sizeof(*backs);
    bs_i128 prefix = 0;
    bool fits = true;
    for (size_t i = 0; i < count && fits; i++) {
        bs_i128 past = prefix + backs[i].lots;
        fits = past <= lots && backs[i].received == bs_split_floor(given, prefix, past, lots);
        prefix = past;
    }
    buffer_clear(&closes->backs);
    return fits && prefix == lots;
}

/* What the account received then for the lots. A debtor of a side shows it: it is a part of what the
 * counterparty gave. */
static bs_i128 received_then(struct recompute *recompute, const struct kept_close *close,
                             const struct close *part)
{
    bs_i128 sign = part->pays ? -1 : 1, turn = close->is_counter ? -1 : 1;
    if (!close->is_pooled || close->is_counter) {
        return turn *
               bs_split_floor(close->received, close->back, close->back + part->lots, close->lots);
    }
    struct back back = {part->lots, -sign * part->value};
    buffer_append(&recompute->closes.backs, &back, sizeof(back));
    return back.received;
}

/* `part`: as shown, with the lots taken back, above 0. */
static bool part_fits(struct recompute *recompute, const json_t *action,
                      const struct kept_close *close, const struct close *part)
{
    bs_i128 past = close->back + part->lots, sign = part->pays ? -1 : 1;
    bs_i128 turn = close->is_counter ? -1 : 1;
    if (part->lots <= 0 || past > close->lots || !is_of_same(close, action)) {
        return false;
    }
    bs_i128 received = received_then(recompute, close, part);
    bs_i128 at_mark = turn * bs_split_floor(close->at_mark, close->back, past, close->lots);
    if (part->value != -sign * received ||
        (close->is_pooled && close->is_counter &&
         !backs_fit(&recompute->closes, part->lots, -received))) {
        return false;
    }
    if (member_exists(action, "size_taken")) {
        return part->before - part->lots == part->after; /* a provider trades the other way */
    }
    bs_i128 entry = bs_split_floor(close->entry, close->back, past, close->lots);
    /* An inverse value is rounded by what was held, not by the part. */
    bs_i128 slack = part->market.is_inverse ? 1 : 0;
    return part->before + part->lots == part->after &&
           figure_quanta(recompute, action, "realized_pnl") == entry - received &&
           bs_abs(received - at_mark - part->cost) <= slack;
}

bool reversal_take(struct recompute *recompute, json_t *action)
{
    struct kept_close *close = find(&recompute->closes, member_integer(action, "reverses"));
    struct close part = close_of(recompute, action);
    if (close == NULL || !part.market.is_known) {
        recompute->checks.gaps.skipped++;
        return true;
    }
    part.lots = -part.lots; /* shown below 0 */
    bool fits = part_fits(recompute, action, close, &part);
    close->back += part.lots;
    part.value = -part.value; /* the price is that of what was closed */
    return check_fits(recompute, CHECK_REVERSAL,
                      fits && close_price_fits(&part, member_text(action, "price")));
}
