/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/recompute/side.h"

#include <assert.h>
#include <string.h>

#include "cli/member.h"
#include "cli/recompute/figure.h"
#include "cli/recompute/state.h"
#include "lib/money/money.h"

/* What a debtor went without, and the weights by which it may. */
struct side_debtor {
    bs_i128 without, share, lots;
};

bool side_has(const json_t *action)
{
    return json_is_null(json_object_get(action, "counterparty"));
}

static void forget(struct side *side)
{
    struct buffer debtors = side->debtors, rounds = side->rounds;
    json_decref(side->first);
    json_decref(side->last);
    buffer_clear(&debtors);
    buffer_clear(&rounds);
    *side = (struct side){.reached = side->reached, .debtors = debtors, .rounds = rounds};
}

void side_fini(struct side *side)
{
    forget(side);
    json_decref(side->reached);
    buffer_fini(&side->debtors);
    buffer_fini(&side->rounds);
}

static const struct side_debtor *debtors_of(const struct side *side, size_t *ret_count)
{
    *ret_count = side->debtors.size / sizeof(struct side_debtor);
    return (const struct side_debtor *)(const void *)side->debtors.bytes;
}

/* A round of the split of one tier, and the weights up to its last share. */
struct side_round {
    uint64_t tier;
    bs_i128 amount, total, end;
};

static struct side_round *rounds_of(const struct side *side, size_t *ret_count)
{
    *ret_count = side->rounds.size / sizeof(struct side_round);
    return (struct side_round *)(void *)side->rounds.bytes;
}

bool side_take_share(struct side *side, uint64_t tier, const struct share *share, bool is_exact)
{
    size_t count;
    struct side_round *rounds = rounds_of(side, &count);
    bs_i128 end = share->prefix + share->weight;
    side->not_by_size = side->not_by_size || !is_exact;
    for (size_t i = 0; i < count; i++) {
        if (rounds[i].tier == tier && rounds[i].amount == share->amount &&
            rounds[i].total == share->total) {
            bool follows = share->prefix >= rounds[i].end;
            rounds[i].end = end;
            return follows;
        }
    }
    struct side_round round = {tier, share->amount, share->total, end};
    buffer_append(&side->rounds, &round, sizeof(round));
    return true;
}

/* Where every share was closed in full, the rounds placed all lots. */
static bool rounds_fit(const struct side *side)
{
    size_t count;
    const struct side_round *rounds = rounds_of(side, &count);
    bs_i128 lots = 0;
    for (size_t i = 0; i < count; i++) {
        lots += rounds[i].amount;
    }
    return side->not_by_size || lots == side->placed;
}

/* By their shares in what is above the values at mark, or by their lots. */
static bool rest_fits(const struct side *side)
{
    size_t count;
    const struct side_debtor *debtors = debtors_of(side, &count);
    bs_i128 rest = side->due - side->borne, shares = 0, prefix = 0, without = 0;
    for (size_t i = 0; i < count; i++) {
        shares += debtors[i].share;
    }
    bs_i128 total = shares > 0 ? shares : side->placed;
    bool fits = rest >= 0;
    for (size_t i = 0; i < count && fits; i++) {
        bs_i128 before = prefix;
        prefix += shares > 0 ? debtors[i].share : debtors[i].lots;
        without += debtors[i].without;
        fits =
            side->is_inverse || debtors[i].without == bs_split_floor(rest, before, prefix, total);
    }
    return fits && without == rest;
}

bool side_end(struct recompute *recompute)
{
    struct side *side = &recompute->side;
    if (side->first == NULL) {
        return true;
    }
    bool fits = side->given == side->placed && rest_fits(side) && rounds_fit(side);
    forget(side);
    return check_fits(recompute, CHECK_SIDE, fits);
}

/* ---- the order of debtors ---- */

static const char *isolated_of(const json_t *action)
{
    return member_exists(action, "margin") ? member_text(action, "market") : "";
}

/* Below 0: `a` is reached before `b`. */
static int compare_turns(struct recompute *recompute, const json_t *a, const json_t *b)
{
    bs_i128 left = figure_quanta(recompute, json_object_get(a, "reason"), "deficit");
    bs_i128 right = figure_quanta(recompute, json_object_get(b, "reason"), "deficit");
    int names = strcmp(member_text(a, "account"), member_text(b, "account"));
    if (left != right) {
        return left < right ? -1 : 1;
    }
    return names != 0 ? names : strcmp(isolated_of(a), isolated_of(b));
}

static void key_print(struct buffer *key, const json_t *action)
{
    buffer_printf(key, "%s\n%s", member_text(action, "market"), member_text(action, "side"));
}

/* Whether it is its turn, after the debtor before it in the side. */
static bool reach(struct recompute *recompute, json_t *action)
{
    struct side *side = &recompute->side;
    struct buffer key = {0};
    bool fits = side->last == NULL || (member_is(side->last, "size_after", "0") &&
                                       compare_turns(recompute, side->last, action) < 0);
    json_decref(side->last);
    side->last = json_incref(action);
    if (!member_is_fund(action, "account")) {
        key_print(&key, action);
        side->reached = side->reached == NULL ? json_object() : side->reached;
        (void)json_object_set(side->reached, key.bytes, action);
        buffer_fini(&key);
    }
    return check_fits(recompute, CHECK_SIDE, fits);
}

bool side_may_leave(struct recompute *recompute, const json_t *action)
{
    struct buffer key = {0};
    key_print(&key, action);
    const json_t *last = json_object_get(recompute->side.reached, key.bytes);
    buffer_fini(&key);
    return last == NULL || !member_is_equal(last, action, "settlement") ||
           compare_turns(recompute, action, last) >= 0;
}

bool side_take_debtor(struct recompute *recompute, json_t *action, const struct close *close,
                      bs_i128 without)
{
    struct side *side = &recompute->side;
    if (!side_has(action)) {
        return true;
    }
    bool continues = side->first != NULL && side->lots == 0 &&
                     member_is_equal(side->first, action, "market") &&
                     member_is_equal(side->first, action, "side");
    if (!continues) {
        if (!side_end(recompute)) {
            return false;
        }
        side->first = json_incref(action);
        side->is_inverse = close->market.is_inverse;
    }
    bs_i128 sign = close->pays ? -1 : 1, due = sign * close->value + without;
    struct side_debtor debtor = {.without = without,
                                 .share = bs_max(0, due - sign * close_value_at_mark(close)),
                                 .lots = close->lots};
    buffer_append(&side->debtors, &debtor, sizeof(debtor));
    side->placed += debtor.lots;
    side->due += due;
    return reach(recompute, action);
}

/* N / D is W / X, or less and of all lots of the side: of at least as many as were placed. */
static bool price_fits(struct side *side, bs_i128 value, bs_i128 lots)
{
    if (side->lots != 0) {
        return value == side->value && lots == side->lots;
    }
    side->value = value;
    side->lots = lots;
    bool is_due = value == side->due && lots == side->placed;
    return lots > 0 && (is_due || (lots > side->placed &&
                                   bs_compare_products(value, side->placed, side->due, lots) <= 0));
}

bool side_take_counterparty(struct recompute *recompute, json_t *action)
{
    struct side *side = &recompute->side;
    struct close close = close_of(recompute, action);
    if (!close.market.is_known) {
        return true;
    }
    bs_i128 sign = close.pays ? 1 : -1; /* of what the debtors receive */
    bs_i128 value = sign * figure_quanta(recompute, action, "leg_value");
    bs_i128 lots = figure_units(recompute, action, "leg_size", close.market.lot);
    bool fits = side->first != NULL && member_is_equal(side->first, action, "market") &&
                member_is_equal(side->first, action, "settlement") &&
                member_is_equal(side->first, action, "mark_price") &&
                !member_is_equal(side->first, action, "side") && price_fits(side, value, lots);
    if (!check_fits(recompute, CHECK_SIDE, fits)) {
        return false;
    }
    bs_i128 amount = sign * close.value, past = side->given + close.lots;
    bs_i128 piece = bs_split_ceil(value, side->given, past, lots);
    bool is_protected = amount < piece && figure_quanta(recompute, action, "realized_pnl") == 0;
    side->given = past;
    side->borne += amount;
    return check_fits(recompute, CHECK_PIECE, amount == piece || is_protected) &&
           check_fits(recompute, CHECK_SIDE, side->given <= side->placed);
}
