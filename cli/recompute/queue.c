/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/recompute/queue.h"

#include <assert.h>
#include <string.h>

#include "cli/member.h"
#include "cli/number.h"
#include "cli/recompute/figure.h"
#include "cli/recompute/state.h"
#include "lib/money/money.h"
#include "lib/record/choices.h"

#define PRIORITY_NONE ((bs_i128)UINT32_MAX)
#define SCORE_TERM_MAX ((bs_i128)1 << 63)

/* ---- scores ---- */

/* What a score is made of, in quanta; some are bounded as the server bounds them. */
struct inputs {
    bs_i128 profit, notional, maintenance, equity;
    bs_i128 entry;                        /* its size */
    bs_i128 equity_capped, wallet_capped; /* from 1 to 2^63 */
    bool market_is_known;
    bool value_grows; /* with the price: a long of a linear market, a short of an inverse one */
};

/* A score as a fraction: two factors above, two below. */
struct fraction {
    bs_i128 above[2], below[2];
};

static const struct fraction zero = {{0, 1}, {1, 1}};
static const struct fraction unknown = {{0, 0}, {0, 0}}; /* does not follow from the inputs */

static struct fraction profit_leverage(const struct inputs *in)
{
    if (in->profit > 0) {
        return (struct fraction){{in->profit, in->notional},
                                 {bs_max(1, in->entry), in->equity_capped}};
    }
    return (struct fraction){{in->profit, in->equity_capped},
                             {bs_max(1, in->entry), bs_max(1, in->notional)}};
}

static struct fraction profit_equity(const struct inputs *in)
{
    return (struct fraction){{in->profit, 1}, {in->equity_capped, 1}};
}

static struct fraction margin_profit(const struct inputs *in)
{
    if (in->profit <= 0 || in->equity <= 0) {
        return zero;
    }
    return (struct fraction){{in->profit, in->maintenance}, {in->wallet_capped, in->equity_capped}};
}

static struct fraction price_leverage(const struct inputs *in)
{
    if (!in->market_is_known) {
        return unknown;
    }
    if (in->profit <= 0) {
        return zero;
    }
    bs_i128 more = in->value_grows ? in->notional : in->entry;
    bs_i128 less = in->value_grows ? in->entry : in->notional;
    return (struct fraction){{more, in->notional}, {bs_max(1, less), in->equity_capped}};
}

/* By the priority that the account was given, or without an order: nothing to recompute. */
#define UNSCORED(name)                                                                             \
    static struct fraction name(const struct inputs *in)                                           \
    {                                                                                              \
        (void)in;                                                                                  \
        return unknown;                                                                            \
    }
UNSCORED(priority)
UNSCORED(pro_rata)
UNSCORED(leverage_water_fill)
#undef UNSCORED

/* A ranking without a function does not compile. */
static const struct {
    const char *ranking;
    struct fraction (*score)(const struct inputs *in);
} scores[] = {

#define X(code, number, name) [number] = {#name, name},
    BS_RANKINGS(X)
#undef X
};

static struct inputs read_inputs(struct recompute *recompute, const json_t *action)
{
    const json_t *queue = json_object_get(action, "queue");
    struct market market = market_named(recompute, member_text(action, "market"));
    struct inputs in = {
        .profit = figure_optional(recompute, queue, "profit"),
        .notional = figure_optional(recompute, queue, "notional"),
        .maintenance = bs_min(figure_optional(recompute, queue, "maintenance"), SCORE_TERM_MAX),
        .equity = figure_optional(recompute, queue, "equity"),
        .entry = bs_abs(figure_optional(recompute, queue, "entry_value")),
        .market_is_known = market.is_known,
        .value_grows = member_is(action, "side", "long") != market.is_inverse,
    };
    in.equity_capped = bs_min(bs_max(1, in.equity), SCORE_TERM_MAX);
    in.wallet_capped =
        bs_min(bs_max(1, figure_optional(recompute, queue, "wallet")), SCORE_TERM_MAX);
    return in;
}

static bool score_fits(struct recompute *recompute, const json_t *action)
{
    size_t row = 0;
    while (row < sizeof(scores) / sizeof(scores[0]) &&
           !member_is(action, "ranking", scores[row].ranking)) {
        row++;
    }
    if (row == sizeof(scores) / sizeof(scores[0])) {
        return true; /* a ranking that this program does not know */
    }
    char printed[BS_DECIMAL_TEXT_MAX];
    bs_i128 above, below;
    struct inputs in = read_inputs(recompute, action);
    struct fraction score = scores[row].score(&in);
    if (score.below[0] == unknown.below[0] || !bs_mul(score.above[0], score.above[1], &above) ||
        !bs_mul(score.below[0], score.below[1], &below)) {
        return true;
    }
    assert(below > 0);
    bs_wide_print(bs_wide_ratio(above, below, 0), printed);
    return check_fits(recompute, CHECK_SCORE, member_is(action, "score", printed));
}

/* ---- order ---- */

/* A place in a queue. Higher scores come first; of priorities lower ones, and none comes last. */
struct place {
    uint64_t tier;
    const char *score; /* "" without a priority */
    bool by_priority;
};

static struct place place_of(const json_t *action)
{
    return (struct place){member_integer(json_object_get(action, "queue"), "tier"),
                          member_text(action, "score"), member_is(action, "ranking", "priority")};
}

static bool read_score(const struct place *place, struct bs_wide *ret_score)
{
    if (*place->score == '\0') {
        *ret_score = (struct bs_wide){place->by_priority ? -PRIORITY_NONE : 0, 0};
        return true;
    }
    if (!number_parse(place->score, ret_score)) {
        return false;
    }
    ret_score->mantissa = place->by_priority ? -ret_score->mantissa : ret_score->mantissa;
    return true;
}

static int compare_scores(struct bs_wide a, struct bs_wide b)
{
    return bs_compare_products(a.mantissa, bs_power_of_ten((uint32_t)-b.exponent), b.mantissa,
                               bs_power_of_ten((uint32_t)-a.exponent));
}

/* The first comes before the second, or their places are equal to the digits shown. */
static bool in_order(struct place first, struct place second)
{
    struct bs_wide a, b;
    if (!read_score(&first, &a) || !read_score(&second, &b)) {
        return false;
    }
    return first.tier < second.tier || (first.tier == second.tier && compare_scores(a, b) >= 0);
}

static bool neighbours_fit(const json_t *action, const json_t *queue)
{
    uint64_t rank = member_integer(action, "rank"), of = member_integer(queue, "of");
    struct place own = place_of(action), ahead = own, behind = own;
    bool has_ahead = member_exists(queue, "ahead");
    bool has_behind = member_exists(queue, "behind");
    ahead.tier = member_integer(queue, "ahead_tier");
    ahead.score = member_text(queue, "ahead_score");
    behind.tier = member_integer(queue, "behind_tier");
    behind.score = member_text(queue, "behind_score");
    return rank >= 1 && rank <= of && has_ahead == (rank > 1) && has_behind == (rank < of) &&
           (!has_ahead || in_order(ahead, own)) && (!has_behind || in_order(own, behind));
}

/* Two closes of one leg, one after the other: from the same list, the second after the first. */
static bool follows(const json_t *before, const json_t *action)
{
    const json_t *a = json_object_get(before, "queue"), *b = json_object_get(action, "queue");
    uint64_t rank = member_integer(action, "rank"), last = member_integer(before, "rank");
    struct place first = place_of(before), second = place_of(action);
    first.by_priority = second.by_priority;
    bool is_adjacent = rank == last + 1;
    return member_is(a, "digest", member_text(b, "digest")) &&
           member_integer(a, "of") == member_integer(b, "of") && rank > last &&
           in_order(first, second) &&
           (!is_adjacent || (member_is(a, "behind", member_text(action, "account")) &&
                             member_is(b, "ahead", member_text(before, "account"))));
}

bool queue_take(struct recompute *recompute, json_t *action)
{
    struct leg *leg = &recompute->leg;
    const json_t *queue = json_object_get(action, "queue");
    bool in_profit = figure_optional(recompute, queue, "profit") > 0;
    bool fits = member_integer(queue, "tier") % 2 == (in_profit ? 0 : 1);
    if (member_exists(action, "rank")) {
        fits = fits && neighbours_fit(action, queue) &&
               (leg->adl == NULL || follows(leg->adl, action));
    }
    json_decref(leg->adl);
    leg->adl = json_incref(action);
    return check_fits(recompute, CHECK_ORDER, fits) && score_fits(recompute, action);
}
