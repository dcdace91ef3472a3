/* SPDX-License-Identifier: Apache-2.0 */
/* Closes: values at mark, prices, pieces of a leg, and why a counterparty's turn came. */
#include <string.h>

#include "cli/number.h"
#include "cli/recompute.h"
#include "lib/money/money.h"

#define PRIORITY_NONE ((bs_i128)UINT32_MAX)
#define SCORE_TERM_MAX ((bs_i128)1 << 63)
#define ENTRY_DIGITS ((bs_i128)100000000000) /* an entry price is right to a part of so many */

/* tick * lot * multiplier / quantum; inverse: lot * multiplier / (tick * quantum). */
static bool read_unit(struct audit_market *market, struct bs_wide multiplier, uint32_t decimals)
{
    struct bs_wide lots = {0, market->lot.exponent + multiplier.exponent + (int32_t)decimals};
    struct bs_wide tick = market->tick;
    if (!bs_mul(market->lot.mantissa, multiplier.mantissa, &lots.mantissa)) {
        return false;
    }
    if (market->inverse) {
        if (lots.exponent > 0 &&
            !bs_mul(lots.mantissa, bs_power_of_ten((uint32_t)lots.exponent), &lots.mantissa)) {
            return false;
        }
        lots.exponent = lots.exponent > 0 ? 0 : lots.exponent;
        return number_ratio(lots, tick, &market->unit);
    }
    lots.exponent += tick.exponent;
    return bs_mul(lots.mantissa, tick.mantissa, &lots.mantissa) &&
           number_scaled((struct bs_wide){lots.mantissa, 0}, lots.exponent, &market->unit);
}

struct audit_market audit_market_of(const struct audit *audit, const char *name)
{
    const json_t *row = json_object_get(audit->markets, name);
    struct audit_market market = {.inverse = strcmp(audit_text(row, "contract"), "inverse") == 0};
    struct bs_wide multiplier;
    market.known = row != NULL && number_parse(audit_text(row, "tick_size"), &market.tick) &&
                   number_parse(audit_text(row, "lot_size"), &market.lot) &&
                   number_parse(audit_text(row, "multiplier"), &multiplier) &&
                   read_unit(&market, multiplier, audit->decimals);
    market.maintenance_ppm = (bs_i128)audit_integer(row, "maintenance_margin_ppm");
    return market;
}

bs_i128 audit_ratio(struct audit *audit, const json_t *object, const char *member,
                    struct bs_wide unit)
{
    struct bs_wide number;
    bs_i128 whole = 0;
    if (!number_parse(audit_text(object, member), &number) || !number_ratio(number, unit, &whole)) {
        audit->malformed = true;
    }
    return whole;
}

struct audit_close audit_close_of(struct audit *audit, const json_t *action)
{
    struct audit_close close = {.market = audit_market_of(audit, audit_text(action, "market"))};
    if (!close.market.known) {
        return close;
    }
    close.is_long = strcmp(audit_text(action, "side"), "long") == 0;
    close.pays = close.is_long == close.market.inverse;
    close.lots = audit_ratio(audit, action, "size_closed", close.market.lot);
    close.before = audit_ratio(audit, action, "size_before", close.market.lot);
    close.after = audit_ratio(audit, action, "size_after", close.market.lot);
    close.ticks = audit_ratio(audit, action, "mark_price", close.market.tick);
    close.value = audit_quanta(audit, action, "value");
    close.cost = audit_quanta(audit, action, "cost_to_mark");
    return close;
}

/* As shown: positive. 0 when it is beyond any that we publish. */
bs_i128 audit_value_at_mark(const struct audit_close *close)
{
    bs_i128 value = 0;
    if (close->market.inverse) {
        return close->ticks > 0 && bs_mul(close->lots, close->market.unit, &value)
                   ? value / close->ticks
                   : 0;
    }
    return bs_mul(close->lots, close->market.unit, &value) && bs_mul(value, close->ticks, &value)
               ? value
               : 0;
}

bool audit_price_fits(const struct audit_close *close, const char *text)
{
    char printed[BS_DECIMAL_TEXT_MAX];
    bs_i128 numerator = close->value, denominator, product;
    if (!bs_mul(close->lots, close->market.unit, &denominator)) {
        return true; /* beyond 127 bits the server divides first, too */
    }
    if (close->market.inverse) {
        numerator = close->value == 0 ? 0 : close->value > 0 ? denominator : -denominator;
        denominator = bs_max(1, bs_abs(close->value));
    }
    if (!bs_mul(numerator, close->market.tick.mantissa, &product)) {
        return true;
    }
    bs_wide_print(bs_wide_ratio(product, denominator, close->market.tick.exponent), printed);
    return strcmp(printed, text) == 0;
}

/* What the closed lots were entered for, as far as 12 digits of the entry price tell. False: it is
 * beyond what can be told here. */
static bool entry_shown(const struct audit_close *close, const char *text, bs_i128 *ret_entry)
{
    struct bs_wide price, tick = close->market.tick;
    bs_i128 lots, above, below;
    if (!number_parse(text, &price) || !bs_mul(close->lots, close->market.unit, &lots) ||
        !bs_mul(price.mantissa, bs_power_of_ten((uint32_t)-tick.exponent), &above) ||
        !bs_mul(tick.mantissa, bs_power_of_ten((uint32_t)-price.exponent), &below)) {
        return false;
    }
    bs_i128 per = close->market.inverse ? below : above,
            unit = close->market.inverse ? above : below;
    *ret_entry = unit == 0 ? 0 : bs_muldiv_floor(lots, per, unit);
    return true;
}

static bool profit_fits(struct audit *audit, const json_t *action, const struct audit_close *close)
{
    bs_i128 entry;
    bs_i128 profit = audit_quanta(audit, action, "realized_pnl");
    bs_i128 told = close->pays ? close->value + profit : close->value - profit;
    return !entry_shown(close, audit_text(action, "entry_price"), &entry) ||
           bs_abs(told - entry) <= bs_div_floor(bs_abs(entry), ENTRY_DIGITS) + 2;
}

/* Whether the fund takes over at mark, and nobody else. */
static bool is_taken_over_by_fund(const struct audit *audit, const json_t *action)
{
    const char *fund = audit_text(action, "counterparty");
    return strcmp(audit_text(action, "type"), "takeover") != 0 ||
           (strncmp(fund, "backstop:", strlen("backstop:")) == 0 &&
            strcmp(fund + strlen("backstop:"), audit->pool) == 0);
}

bool audit_take_close(struct audit *audit, json_t *action)
{
    struct audit_close close = audit_close_of(audit, action);
    if (!close.market.known) {
        audit->skipped++;
        return true;
    }
    audit->sums.dust += close.market.inverse;
    bs_i128 at_mark = audit_value_at_mark(&close);
    return audit_fits(audit, AUDIT_SIZE,
                      !audit->malformed && close.lots > 0 && close.after >= 0 &&
                          close.before - close.lots == close.after &&
                          is_taken_over_by_fund(audit, action)) &&
           audit_fits(audit, AUDIT_PRICE, audit_price_fits(&close, audit_text(action, "price"))) &&
           audit_fits(audit, AUDIT_COST,
                      close.cost == (close.pays ? close.value - at_mark : at_mark - close.value)) &&
           audit_fits(audit, AUDIT_PROFIT, profit_fits(audit, action, &close));
}

static bool is_same_leg(const json_t *a, const json_t *b)
{
    static const char *const members[] = {"account", "margin", "market"};
    for (int i = 0; i < 3; i++) {
        if (strcmp(audit_text(a, members[i]), audit_text(b, members[i])) != 0) {
            return false;
        }
    }
    return json_equal(json_object_get(a, "settlement"), json_object_get(b, "settlement"));
}

bool audit_take_liquidation(struct audit *audit, json_t *action)
{
    struct audit_close close = audit_close_of(audit, action);
    bs_i128 sign = close.pays ? -1 : 1;
    bool priced = json_object_get(action, "leg_value") != NULL;
    bool continues =
        audit->leg.close != NULL && audit->leg.priced && is_same_leg(audit->leg.close, action);
    json_decref(audit->leg.close);
    audit->leg.close = json_incref(action);
    audit->leg.priced = priced;
    audit->leg.shortfall = 0;
    if (!close.market.known || !priced) {
        audit_pass_leg(audit, action);
        return true;
    }
    bs_i128 total = sign * audit_quanta(audit, action, "leg_value");
    if (!continues) {
        json_decref(audit->leg.adl);
        json_decref(audit->leg.split);
        audit->leg.adl = NULL;
        audit->leg.split = NULL;
        audit->leg.lots = close.before;
        audit->leg.done = 0;
        audit->leg.value = total;
    }
    if (audit->leg.lots <= 0) {
        return audit_fits(audit, AUDIT_PIECE, false);
    }
    bs_i128 done = audit->leg.done + close.lots;
    bs_i128 piece = bs_split_ceil(total, audit->leg.done, done, audit->leg.lots);
    audit->leg.done = done;
    audit->leg.shortfall = piece - sign * close.value; /* where a principal was protected */
    return audit_fits(audit, AUDIT_PIECE,
                      total == audit->leg.value && done <= audit->leg.lots &&
                          audit->leg.shortfall >= 0) &&
           audit_take_leg(audit, action, &close, continues);
}

/* ---- the queue ---- */

static bs_i128 input(struct audit *audit, const json_t *queue, const char *name)
{
    return json_object_get(queue, name) == NULL ? 0 : audit_quanta(audit, queue, name);
}

bool audit_score(struct audit *audit, const json_t *action, bs_i128 *ret_numerator,
                 bs_i128 *ret_denominator)
{
    const json_t *queue = json_object_get(action, "queue");
    const char *ranking = audit_text(action, "ranking");
    bs_i128 p = input(audit, queue, "profit"), n = input(audit, queue, "notional");
    bs_i128 e = bs_abs(input(audit, queue, "entry_value"));
    bs_i128 equity = input(audit, queue, "equity");
    bs_i128 q = bs_min(bs_max(1, equity), SCORE_TERM_MAX);
    bs_i128 m = bs_min(input(audit, queue, "maintenance"), SCORE_TERM_MAX);
    bs_i128 terms[2][2] = {{0, 1}, {1, 1}}; /* two of a product above, two below */
    if (strcmp(ranking, "profit_leverage") == 0) {
        bs_i128 found[2][2] = {{p, p > 0 ? n : q}, {bs_max(1, e), p > 0 ? q : bs_max(1, n)}};
        memcpy(terms, found, sizeof(terms));
    } else if (strcmp(ranking, "profit_equity") == 0) {
        terms[0][0] = p;
        terms[1][0] = q;
    } else if (strcmp(ranking, "margin_profit") == 0) {
        if (p > 0 && equity > 0) {
            bs_i128 found[2][2] = {{p, m}, {bs_max(1, input(audit, queue, "wallet")), q}};
            memcpy(terms, found, sizeof(terms));
        }
    } else if (strcmp(ranking, "price_leverage") == 0) {
        if (p > 0) {
            struct audit_close close = audit_close_of(audit, action);
            bool grows = !close.pays;
            bs_i128 found[2][2] = {{grows ? n : e, n}, {bs_max(1, grows ? e : n), q}};
            memcpy(terms, found, sizeof(terms));
        }
    } else {
        return false;
    }
    return bs_mul(terms[0][0], terms[0][1], ret_numerator) &&
           bs_mul(terms[1][0], terms[1][1], ret_denominator);
}

static bool take_score(struct audit *audit, const json_t *action)
{
    char printed[BS_DECIMAL_TEXT_MAX];
    bs_i128 numerator, denominator;
    if (!audit_score(audit, action, &numerator, &denominator)) {
        return true;
    }
    bs_wide_print(bs_wide_ratio(numerator, denominator, 0), printed);
    return audit_fits(audit, AUDIT_SCORE, strcmp(printed, audit_text(action, "score")) == 0);
}

/* What a priority that is not there counts as, and whether a is higher than b, or equal. */
static bool read_score(const char *text, bool by_priority, struct bs_wide *ret_score)
{
    if (*text == '\0') {
        *ret_score = (struct bs_wide){by_priority ? -PRIORITY_NONE : 0, 0};
        return true;
    }
    if (!number_parse(text, ret_score)) {
        return false;
    }
    ret_score->mantissa = by_priority ? -ret_score->mantissa : ret_score->mantissa;
    return true;
}

static int compare_scores(struct bs_wide a, struct bs_wide b)
{
    return bs_compare_products(a.mantissa, bs_power_of_ten((uint32_t)-b.exponent), b.mantissa,
                               bs_power_of_ten((uint32_t)-a.exponent));
}

/* The first comes before the second, or their places are equal to the digits shown. */
static bool in_order(uint64_t tier_a, const char *score_a, uint64_t tier_b, const char *score_b,
                     bool by_priority)
{
    struct bs_wide a, b;
    if (!read_score(score_a, by_priority, &a) || !read_score(score_b, by_priority, &b)) {
        return false;
    }
    return tier_a < tier_b || (tier_a == tier_b && compare_scores(a, b) >= 0);
}

static bool neighbours_fit(const json_t *action, const json_t *queue)
{
    uint64_t rank = audit_integer(action, "rank"), of = audit_integer(queue, "of");
    uint64_t tier = audit_integer(queue, "tier");
    const char *score = audit_text(action, "score");
    bool by_priority = strcmp(audit_text(action, "ranking"), "priority") == 0;
    bool has_ahead = json_object_get(queue, "ahead") != NULL;
    bool has_behind = json_object_get(queue, "behind") != NULL;
    return rank >= 1 && rank <= of && has_ahead == (rank > 1) && has_behind == (rank < of) &&
           (!has_ahead || in_order(audit_integer(queue, "ahead_tier"),
                                   audit_text(queue, "ahead_score"), tier, score, by_priority)) &&
           (!has_behind || in_order(tier, score, audit_integer(queue, "behind_tier"),
                                    audit_text(queue, "behind_score"), by_priority));
}

/* Two closes of one leg, one after the other: from the same list, the second behind the first. */
static bool follows(const json_t *before, const json_t *action)
{
    const json_t *a = json_object_get(before, "queue"), *b = json_object_get(action, "queue");
    uint64_t rank = audit_integer(action, "rank"), last = audit_integer(before, "rank");
    bool by_priority = strcmp(audit_text(action, "ranking"), "priority") == 0;
    bool adjacent = rank == last + 1;
    return strcmp(audit_text(a, "digest"), audit_text(b, "digest")) == 0 &&
           audit_integer(a, "of") == audit_integer(b, "of") && rank > last &&
           in_order(audit_integer(a, "tier"), audit_text(before, "score"), audit_integer(b, "tier"),
                    audit_text(action, "score"), by_priority) &&
           (!adjacent || (strcmp(audit_text(a, "behind"), audit_text(action, "account")) == 0 &&
                          strcmp(audit_text(b, "ahead"), audit_text(before, "account")) == 0));
}

static bool take_place(struct audit *audit, json_t *action)
{
    const json_t *queue = json_object_get(action, "queue");
    bool in_profit = input(audit, queue, "profit") > 0;
    bool fits = audit_integer(queue, "tier") % 2 == (in_profit ? 0 : 1);
    if (json_object_get(action, "rank") != NULL) {
        fits = fits && neighbours_fit(action, queue) &&
               (audit->leg.adl == NULL || follows(audit->leg.adl, action));
    }
    json_decref(audit->leg.adl);
    audit->leg.adl = json_incref(action);
    return audit_fits(audit, AUDIT_ORDER, fits) && take_score(audit, action);
}

/* The other side of a close: of a counterparty, or of a volunteer, which takes over the side. */
static bool is_pair(struct audit *audit, const json_t *close, const json_t *other, bool is_adl)
{
    static const char *const equal[] = {"market", "value", "price", "settlement", "reason"};
    bool fits =
        close != NULL && audit_integer(other, "id") == audit_integer(close, "id") + 1 &&
        strcmp(audit_text(close, "account"), audit_text(other, "counterparty")) == 0 &&
        strcmp(audit_text(close, "counterparty"), audit_text(other, "account")) == 0 &&
        (strcmp(audit_text(close, "side"), audit_text(other, "side")) != 0) == is_adl &&
        strcmp(audit_text(close, "size_closed"),
               audit_text(other, is_adl ? "size_closed" : "size_taken")) == 0 &&
        audit_quanta(audit, close, "cost_to_mark") == -audit_quanta(audit, other, "cost_to_mark");
    for (size_t i = 0; fits && i < sizeof(equal) / sizeof(equal[0]); i++) {
        json_t *own = json_object_get(close, equal[i]), *theirs = json_object_get(other, equal[i]);
        fits = own == theirs || json_equal(own, theirs); /* NULL: neither has one */
    }
    return fits;
}

bool audit_take_netting(struct audit *audit, json_t *action)
{
    json_t *first = audit->netting;
    audit->netting = first == NULL ? json_incref(action) : NULL;
    bool fits = first == NULL || is_pair(audit, first, action, true);
    json_decref(first);
    return audit_fits(audit, AUDIT_PAIR, fits);
}

/* How many a volunteer holds afterwards is counted along the side. */
static bool holds_more(struct audit *audit, const json_t *action)
{
    struct audit_market market = audit_market_of(audit, audit_text(action, "market"));
    return !market.known || audit_ratio(audit, action, "size_before", market.lot) +
                                    audit_ratio(audit, action, "size_taken", market.lot) ==
                                audit_ratio(audit, action, "size_after", market.lot);
}

bool audit_take_assignment(struct audit *audit, json_t *action)
{
    bool fits = is_pair(audit, audit->leg.close, action, false) && !audit->leg.priced &&
                json_equal(json_object_get(action, "mark_price"),
                           json_object_get(audit->leg.close, "mark_price"));
    return audit_fits(audit, AUDIT_PAIR, fits) &&
           audit_fits(audit, AUDIT_SIZE, holds_more(audit, action));
}

bool audit_take_adl(struct audit *audit, json_t *action)
{
    bool protected = audit->leg.shortfall != 0;
    bool fits = is_pair(audit, audit->leg.close, action, true) && audit->leg.priced &&
                (!protected || audit_quanta(audit, action, "realized_pnl") == 0);
    return audit_fits(audit, AUDIT_PAIR, fits) && take_place(audit, action) &&
           audit_take_split(audit, action);
}
