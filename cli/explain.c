/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/explain.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "cli/action_kind.h"
#include "cli/member.h"
#include "cli/table.h"
#include "lib/record/choices.h"

struct story {
    const json_t *action;
    const char *asset; /* of the pool: what amounts are in */
    const char *you;   /* NULL: the sentences address nobody */
};

/* ---- text with members in braces ---- */

/* Names cannot drive the reader's terminal. */
static void print_member(const json_t *object, const char *member)
{
    json_t *value = json_object_get(object, member);
    if (json_is_integer(value)) {
        printf("%" JSON_INTEGER_FORMAT, json_integer_value(value));
    } else {
        table_print_text(stdout, member_text(object, member));
    }
}

/* "you" for the account that is spoken to; at the start of a sentence, "You". Returns what to skip
 * of the text that follows: the "'s" of "your". */
static size_t print_name(const struct story *story, const char *member, const char *rest,
                         bool at_start)
{
    const char *name = member_text(story->action, member);
    if (story->you == NULL || strcmp(name, story->you) != 0) {
        table_print_text(stdout, name);
        return 0;
    }
    bool is_possessive = strncmp(rest, "'s", 2) == 0;
    printf("%s%s", at_start ? "You" : "you", is_possessive ? "r" : "");
    return is_possessive ? 2 : 0;
}

/* A number, with the asset if the member begins with $, without its sign if it begins with -. */
static void print_number(const struct story *story, const json_t *object, const char *member)
{
    const char *number = member_text(object, member + strspn(member, "$-"));
    bool is_unsigned = member[strspn(member, "$")] == '-';
    table_print_text(stdout, is_unsigned && *number == '-' ? number + 1 : number);
    if (*member == '$') {
        putchar(' ');
        table_print_text(stdout, story->asset);
    }
}

/* Prints a text with members of the object in braces: {price}; {$amount} is one with the asset,
 * {-cost} one without its sign. {asset} is the asset. */
static void tell_of(const struct story *story, const json_t *object, const char *text)
{
    const char *begin = text;
    while (*text != '\0') {
        if (*text != '{') {
            putchar(*text++);
            continue;
        }
        char member[32] = "";
        bool at_start = text - begin < 3 || strncmp(text - 2, ". ", 2) == 0;
        size_t size = strcspn(text, "}") - 1;
        assert(size < sizeof(member));
        (void)snprintf(member, sizeof(member), "%.*s", (int)size, text + 1);
        text += size + 2;
        if (strcmp(member, "account") == 0 || strcmp(member, "counterparty") == 0) {
            text += print_name(story, member, text, at_start);
        } else if (strcmp(member, "asset") == 0) {
            table_print_text(stdout, story->asset);
        } else if (member[0] == '$' || member[0] == '-') {
            print_number(story, object, member);
        } else {
            print_member(object, member);
        }
    }
}

static void tell(const struct story *story, const char *text)
{
    tell_of(story, story->action, text);
}

/* ---- parts of a story ---- */

/* The debt that the action is about, and its debtor. */
static void tell_debt(const struct story *story, const char *whose)
{
    const json_t *reason = json_object_get(story->action, "reason");
    if (json_is_object(reason)) {
        tell(story, whose);
        tell_of(
            story, reason,
            member_exists(reason, "fund_paid")
                ? " {$deficit}. The fund paid {$fund_paid} of that; {$residual} was left for the "
                  "next layers.\n"
                : " {$deficit}. The fund was asked after this.\n");
    }
}

static void tell_own_debt(const struct story *story)
{
    tell_debt(story, "  Why: {account}'s losses exceeded collateral by");
}

/* Of an adl and an assignment: the counterparty is the debtor. */
static void tell_their_debt(const struct story *story)
{
    tell_debt(story, "  Why: {counterparty}'s losses exceeded collateral by");
}

/* How a score follows from what is shown, in profit and in loss; NULL: it does not. */
static const char *const profit_leverage[] = {
    " = profit {$profit} / entry value {$-entry_value} * notional {$notional} / equity {$equity}",
    " = profit {$profit} / entry value {$-entry_value} / (notional {$notional} / equity "
    "{$equity})"};
#define MARGIN_PROFIT                                                                              \
    " = profit {$profit} / collateral {$wallet} * maintenance {$maintenance} / equity {$equity}"
static const char *const margin_profit[] = {MARGIN_PROFIT, MARGIN_PROFIT};
#define PROFIT_EQUITY " = profit {$profit} / equity {$equity}"
static const char *const profit_equity[] = {PROFIT_EQUITY, PROFIT_EQUITY};
static const char *const price_leverage[] = {" from notional {$notional} against entry value "
                                             "{$-entry_value}, times notional / equity {$equity}",
                                             NULL};
static const char *const priority[] = {NULL, NULL};
static const char *const pro_rata[] = {NULL, NULL};
static const char *const leverage_water_fill[] = {NULL, NULL};

/* A ranking without texts does not compile. */
static const struct {
    const char *ranking;
    const char *const *texts;
} scores[] = {

#define X(code, number, name) [number] = {#name, name},
    BS_RANKINGS(X)
#undef X
};

static void tell_score(const struct story *story, const json_t *queue)
{
    bool in_loss = member_integer(queue, "tier") % 2 != 0;
    for (size_t i = 0; i < sizeof(scores) / sizeof(scores[0]); i++) {
        const char *text = scores[i].texts[in_loss ? 1 : 0];
        if (text != NULL && member_is(story->action, "ranking", scores[i].ranking)) {
            tell_of(story, queue, text);
        }
    }
}

static void tell_order(const struct story *story, const json_t *queue)
{
    tell(story, "  Queue: number {rank} of ");
    tell_of(story, queue, "{of} ");
    tell(story, "by {ranking}, with a score of {score}");
    tell_score(story, queue);
    tell_of(story, queue,
            member_exists(queue, "ahead") ? "; {ahead} is ahead ({ahead_score}), "
                                          : "; nobody is ahead, ");
    tell_of(story, queue,
            member_exists(queue, "behind") ? "{behind} is behind ({behind_score}).\n"
                                           : "nobody is behind.\n");
}

static void tell_split(const struct story *story, const json_t *queue)
{
    bool by_size = member_is(story->action, "ranking", "pro_rata");
    tell(story, "  Queue: none. {ranking} divides the lots among all ");
    tell_of(story, queue, "{of} candidates on this side.\n");
    tell_of(story, json_object_get(story->action, "share"),
            by_size ? "  {amount} contracts are divided by size. This position is {weight} of "
                      "{total}, after {prefix} before it.\n"
                    : "  {amount} contracts stay open, divided by equity. This account has "
                      "{$weight} of {$total}, after {$prefix} before it.\n");
}

static void tell_queue(const struct story *story)
{
    const json_t *queue = json_object_get(story->action, "queue");
    if (member_exists(story->action, "rank")) {
        tell_order(story, queue);
    } else {
        tell_split(story, queue);
    }
    tell_of(story, queue, "  The digest of the list of candidates is {digest}.\n");
}

static void tell_close(const struct story *story, const char *what)
{
    tell(story, "  {account}'s {side} in {market} was closed ");
    tell(story, what);
    tell(
        story,
        ": {size_closed} of {size_before} contracts at {price}, leaving {size_after}. The mark was "
        "{mark_price}, the entry price {entry_price}.\n"
        "  Value {$value}, realized profit {$realized_pnl}, given up against the mark "
        "{$cost_to_mark}.\n");
}

static void tell_share(const struct story *story, const char *outcome)
{
    if (!member_exists(story->action, "prefix")) {
        tell(story, "  The share reached its cap, {$amount}; the others share the rest.\n");
        return;
    }
    bool is_weighted = member_exists(story->action, "weight");
    tell(story, "  Share, in {asset}: floor({loss} * ({prefix} + ");
    tell(story, is_weighted ? "{weight}" : "{gain}");
    tell(story, ") / {gains_total}) - floor({loss} * {prefix} / {gains_total})");
    tell(story, outcome);
}

/* ---- the kinds ---- */

/* A whole market side was closed together: nobody in particular is the other side. */
static bool is_of_side(const struct story *story)
{
    return json_is_null(json_object_get(story->action, "counterparty"));
}

static void tell_adl(const struct story *story)
{
    if (is_of_side(story)) {
        tell_close(story, "to resolve the debts on the other side");
        tell_queue(story);
        tell(story,
             "  All counterparties of that side are closed at one price: {$leg_value} for "
             "{leg_size} contracts. An account whose principal is protected gives up its profit at "
             "most.\n");
        return;
    }
    tell_close(story, "to resolve {counterparty}'s debt");
    tell_queue(story);
    tell_their_debt(story);
}

static void tell_liquidation_close(const struct story *story)
{
    tell_close(story, is_of_side(story) ? "against all counterparties of its side together"
                                        : "against {counterparty}");
    if (member_exists(story->action, "leg_value")) {
        tell_of(
            story, json_object_get(story->action, "share"),
            "  Of a debt of {$amount}, this leg carries ceil({amount} * ({prefix} + {weight}) / "
            "{total}) {asset}, less what the legs before it could place: it weighs {weight} of "
            "{total}, after {prefix} before it.\n");
        tell(story, "  With that, the whole leg is worth {$leg_value}. After P of its Q lots the "
                    "account has received {$leg_value} * P / Q, rounded up");
        tell(story, is_of_side(story) ? ", less its part of what the counterparties together do "
                                        "not bear.\n"
                                      : ".\n");
    } else {
        tell(story, "  {counterparty} is a provider and took the position over.\n");
    }
    tell_own_debt(story);
}

static void tell_netting(const struct story *story)
{
    tell(story, "  {account} and {counterparty} were both insolvent, on opposite sides of "
                "{market}. They were closed against each other at mark: {size_closed} at "
                "{price}.\n");
}

static void tell_takeover(const struct story *story)
{
    tell(story, "  {account}'s {side} of {size_closed} in {market} moved to the insurance fund at "
                "the mark, {mark_price}.\n");
    tell_own_debt(story);
}

static void tell_assignment(const struct story *story)
{
    tell(story, "  {account}, a provider in {market}, took over {size_taken} of {counterparty}'s "
                "position at {price}. The spread against the mark is {$cost_to_mark}.\n");
    tell_their_debt(story);
}

static void tell_insurance_draw(const struct story *story)
{
    tell(story, "  The insurance fund paid {$amount} for {account}.\n");
    tell_own_debt(story);
}

static void tell_own_fund_draw(const struct story *story)
{
    tell(story, "  The own fund of {market} paid {$amount} for {account}.\n");
    tell_own_debt(story);
}

static void tell_insurance_credit(const struct story *story)
{
    tell(story,
         "  New money in the insurance fund paid off {$amount} of the unallocated deficit.\n");
}

static void tell_write_off(const struct story *story)
{
    tell(story, "  {account} could not pay {$amount}. The debt passed to the next layers, and the "
                "balance was set to 0.\n");
    tell_own_debt(story);
}

static void tell_haircut(const struct story *story)
{
    tell(story, "  {account} paid {$amount} of a loss of {$loss}, out of a gain of {$gain}.\n"
                "  Why: the layers before could not pay that loss, so all gains, {$gains_total}, "
                "share it.\n");
    tell_share(story, member_exists(story->action, "taken")
                          ? ", of which the window had already taken {$taken}.\n"
                          : " = {amount}.\n");
}

static void tell_unallocated_deficit(const struct story *story)
{
    tell(story, "  Nobody was left to bear {$amount}. It is the venue's own loss: the next money "
                "paid into the fund covers it first.\n");
    tell_own_debt(story);
}

static void tell_reversal(const struct story *story)
{
    tell(story, "  {account}'s part in action {reverses} in {market} was taken back at the same "
                "value, {$value}, because the venue could not apply it.\n");
}

static void tell_final_settlement(const struct story *story)
{
    tell(story, member_exists(story->action, "size_closed")
                    ? "  {market} ended. {account}'s position was closed at its value.\n"
                    : "  {market} ended. Rounding left {$amount} over.\n");
}

static void tell_restitution(const struct story *story)
{
    tell(story, "  The fund paid back {$amount} of what haircuts had taken from {account}.\n");
}

static void tell_refund(const struct story *story)
{
    tell(story, "  {account} got back {$amount} of what the window had taken.\n");
    tell_share(story, " = {amount}.\n");
}

static void tell_event(const struct story *story, const char *text)
{
    tell(story, text);
    if (json_is_string(json_object_get(story->action, "reason"))) {
        tell(story, "  Reason: {reason}\n");
    }
}

static void tell_pool_paused(const struct story *story)
{
    tell_event(story, "  The pool was paused: it settles nothing until it is resumed.\n");
}

static void tell_pool_resumed(const struct story *story)
{
    tell_event(story, "  The pool was resumed.\n");
}

static void tell_pool_halted(const struct story *story)
{
    tell_event(story, "  The pool was halted: a settlement plan failed its own check.\n");
}

static void tell_window_opened(const struct story *story)
{
    tell_event(story, "  The window {window} opened: gains since a default share its loss.\n");
}

static void tell_window_closed(const struct story *story)
{
    tell_event(story, "  The window {window} closed.\n");
}

/* A kind without a function does not compile. */
static void (*const kinds[ACTION_KINDS_COUNT])(const struct story *story) = {
#define X(code, number, name, ...) [number] = tell_##name,
#include "lib/record/actions.def"
#undef X
};

void explain(const json_t *action, const char *asset, const char *you)
{
    assert(json_is_object(action));
    struct story story = {action, asset, you};
    enum action_kind kind = action_kind_of(action);
    tell(&story, "{pool}/{id}  {type}  {time}");
    tell(&story, member_integer(action, "settlement") != 0 ? "  settlement {settlement}\n" : "\n");
    if (kind == ACTION_KINDS_COUNT) {
        tell(&story, "  This program does not know actions of this type.\n");
        return;
    }
    kinds[kind](&story);
}
