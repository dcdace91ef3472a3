/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Why an action came about, in sentences. Its figures are recomputed with those of its settlement
 * before it: see audit.h.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"
#include "cli/recompute.h"
#include "cli/table.h"

#define EX_MISFIT 1
#define PAGE_LIMIT "10000"

/* ---- finding it ---- */

static bool read_number(const char *text, uint64_t *ret_number)
{
    char *end = NULL;
    errno = 0;
    *ret_number = strtoull(text, &end, 10);
    return errno == 0 && *text >= '0' && *text <= '9' && *end == '\0' && *ret_number > 0;
}

/* The first action behind a cursor, of a pool or (NULL) of any. NULL: none, and *ret_code. */
static json_t *first_after(struct cli *cli, const char *pool, uint64_t after, int *ret_code)
{
    char cursor[24];
    struct buffer path = {0};
    json_t *document = NULL;
    (void)snprintf(cursor, sizeof(cursor), "%" PRIu64, after);
    buffer_text(&path, "/v1/actions?limit=1");
    http_path_query(&path, "pool", pool);
    http_path_query(&path, "after", cursor);
    *ret_code = cli_get(cli, path.bytes, &document);
    buffer_fini(&path);
    json_t *action = json_incref(json_array_get(json_object_get(document, "data"), 0));
    json_decref(document);
    return action;
}

/* Between two actions of a pool the cursor grows by at least as much as the id: so each step is as
 * far as it can go without passing the one that is looked for. */
static json_t *find_by_id(struct cli *cli, const char *pool, uint64_t id, int *ret_code)
{
    uint64_t after = id - 1;
    json_t *action = NULL;
    while ((action = first_after(cli, pool, after, ret_code)) != NULL) {
        uint64_t found = audit_integer(action, "id");
        uint64_t cursor = strtoull(audit_text(action, "cursor"), NULL, 10);
        if (found >= id || cursor <= after) {
            break;
        }
        after = cursor + (id - found) - 1;
        json_decref(action);
    }
    if (action != NULL && audit_integer(action, "id") != id) {
        json_decref(action);
        action = NULL;
    }
    return action;
}

/* POOL/ID, or a cursor. */
static json_t *find_action(struct cli *cli, const char *name, int *ret_code)
{
    const char *slash = strrchr(name, '/');
    uint64_t number;
    if (!read_number(slash == NULL ? name : slash + 1, &number)) {
        cli_error("'%s' is neither POOL/ID nor a cursor", name);
        *ret_code = EX_USAGE;
        return NULL;
    }
    json_t *action = NULL;
    if (slash == NULL) {
        action = first_after(cli, NULL, number - 1, ret_code);
    } else {
        struct buffer pool = {0};
        buffer_append(&pool, name, (size_t)(slash - name));
        buffer_append(&pool, "", 1);
        action = find_by_id(cli, pool.bytes, number, ret_code);
        buffer_fini(&pool);
    }
    if (action == NULL && *ret_code == EX_OK) {
        cli_error("unknown_action: there is no action %s", name);
        *ret_code = EX_DATAERR;
    }
    return action;
}

/* ---- sentences ---- */

/* A member as it was published; names cannot drive the reader's terminal. */
static void say(const json_t *object, const char *member)
{
    table_print_text(stdout, audit_text(object, member));
}

/* Text with the members of the action in braces. */
static void tell(const json_t *object, const char *text)
{
    while (*text != '\0') {
        if (*text != '{') {
            putchar(*text++);
            continue;
        }
        char member[32] = "";
        size_t size = strcspn(text, "}") - 1;
        (void)snprintf(member, sizeof(member), "%.*s", (int)size, text + 1);
        json_t *value = json_object_get(object, member);
        if (json_is_integer(value)) {
            printf("%" JSON_INTEGER_FORMAT, json_integer_value(value));
        } else {
            say(object, member);
        }
        text += size + 2;
    }
}

static void tell_reason(const json_t *action, const char *debtor)
{
    const json_t *reason = json_object_get(action, "reason");
    if (json_is_object(reason)) {
        fputs("  Why: ", stdout);
        say(action, debtor);
        tell(reason,
             " had lost {deficit} more than it had. The fund paid {fund_paid} of that; {residual} "
             "was left for the next layers.\n");
    }
}

static void tell_score(const json_t *action, const json_t *queue)
{
    const char *ranking = audit_text(action, "ranking");
    bool in_profit = audit_integer(queue, "tier") % 2 == 0;
    if (strcmp(ranking, "profit_leverage") == 0) {
        tell(queue,
             in_profit
                 ? " = profit {profit} / entry value {entry_value} * notional {notional} / equity "
                   "{equity}"
                 : " = profit {profit} / entry value {entry_value} / (notional {notional} / equity "
                   "{equity})");
    } else if (strcmp(ranking, "margin_profit") == 0) {
        tell(queue, " = profit {profit} / collateral {wallet} * maintenance {maintenance} / equity "
                    "{equity}");
    } else if (strcmp(ranking, "profit_equity") == 0) {
        tell(queue, " = profit {profit} / equity {equity}");
    } else if (strcmp(ranking, "price_leverage") == 0 && in_profit) {
        tell(queue,
             " from notional {notional} against entry value {entry_value}, * notional / equity "
             "{equity}");
    }
}

static void tell_neighbour(const json_t *queue, bool is_ahead)
{
    const char *name = is_ahead ? "ahead" : "behind";
    if (json_object_get(queue, name) == NULL) {
        printf("nobody %s it", name);
        return;
    }
    say(queue, name);
    tell(queue, is_ahead ? " ahead of it ({ahead_score})" : " behind it ({behind_score})");
}

static void tell_queue(const json_t *action)
{
    const json_t *queue = json_object_get(action, "queue");
    fputs("  Its turn: ", stdout);
    if (json_object_get(action, "rank") == NULL) {
        tell(action, "{ranking} splits the lots over all ");
        tell(queue, "{of} candidates of this side; there is no order.\n");
        bool by_size = strcmp(audit_text(action, "ranking"), "pro_rata") == 0;
        tell(json_object_get(action, "share"),
             by_size ? "  {amount} went by size: its {weight} of {total}, behind {prefix}.\n"
                     : "  {amount} stay, by equity: its {weight} of {total}, behind {prefix}.\n");
    } else {
        tell(action, "number {rank} of ");
        tell(queue, "{of} in the queue ");
        tell(action, "by {ranking}, score {score}");
        tell_score(action, queue);
        fputs("; ", stdout);
        tell_neighbour(queue, true);
        fputs(", ", stdout);
        tell_neighbour(queue, false);
        fputs(".\n", stdout);
    }
    tell(queue, "  The list of candidates has the digest {digest}.\n");
}

static void tell_close(const json_t *action, const char *what)
{
    tell(action, "  {account}'s {side} in {market} ");
    tell(action, what);
    tell(action, ": {size_closed} of {size_before} at {price}, {size_after} stay. The mark was "
                 "{mark_price}, the entry {entry_price}.\n"
                 "  Value {value}, profit realised {realized_pnl}, given up against the mark "
                 "{cost_to_mark}.\n");
}

static void tell_liquidation(const json_t *action)
{
    tell_close(action, "was closed against {counterparty}");
    if (json_object_get(action, "leg_value") != NULL) {
        tell(
            json_object_get(action, "share"),
            "  Of a debt of {amount} the leg carries, by its weight {weight} of {total} behind "
            "{prefix}, ceil({amount} * ({prefix} + {weight}) / {total}), less what the legs before "
            "it could place.\n");
        tell(
            action,
            "  Its price: with that the leg as a whole is worth {leg_value}; after P of Q lots its "
            "account has received that * P / Q, rounded up.\n");
    } else {
        tell(action, "  {counterparty} is a volunteer and takes the position over.\n");
    }
    tell_reason(action, "account");
}

static void tell_adl(const json_t *action)
{
    tell_close(action, "was closed to resolve the debt of {counterparty}");
    tell_queue(action);
    tell_reason(action, "counterparty");
}

static void tell_haircut(const json_t *action)
{
    bool is_refund = strcmp(audit_text(action, "type"), "refund") == 0;
    tell(action, is_refund
                     ? "  {account} got {amount} of what the window had taken back.\n"
                     : "  {account} paid {amount} of a loss of {loss}, out of a gain of {gain}.\n");
    const char *weight = json_object_get(action, "weight") != NULL ? "{weight}" : "{gain}";
    if (json_object_get(action, "prefix") == NULL) {
        tell(action,
             "  Its share reached its cap, which it paid; the rest was divided over the others.\n");
    } else {
        fputs("  Its share: floor(", stdout);
        tell(action, "{loss} * ({prefix} + ");
        tell(action, weight);
        tell(action, ") / {gains_total}) - floor({loss} * {prefix} / {gains_total})");
        tell(action, json_object_get(action, "taken") != NULL && !is_refund
                         ? ", of which the window had taken {taken} before.\n"
                         : " = {amount}.\n");
    }
}

static const struct sentence {
    const char *type;
    const char *text; /* members in braces */
    const char *debtor;
} sentences[] = {
    {"netting",
     "  {account} and {counterparty} were both insolvent and stood on opposite sides of {market}: "
     "closed "
     "against each other at mark, {size_closed} at {price}.\n",
     NULL},
    {"takeover",
     "  The {side} of {account} in {market}, {size_closed}, moved to the insurance fund at mark, "
     "{mark_price}.\n",
     "account"},
    {"assignment",
     "  {account} is a volunteer in {market} and took {size_taken} of {counterparty} over at "
     "{price}; the "
     "spread against the mark is {cost_to_mark}.\n",
     "counterparty"},
    {"insurance_draw", "  The insurance fund paid {amount} for {account}.\n", "account"},
    {"own_fund_draw", "  The fund of {market} alone paid {amount} for {account}.\n", "account"},
    {"insurance_credit",
     "  Money for the insurance fund paid {amount} of the unallocated deficit down.\n", NULL},
    {"write_off",
     "  {account} could not pay {amount}: its debt went to the layers after, and it stands at 0.\n",
     "account"},
    {"unallocated_deficit",
     "  {amount} could be borne by nobody: the venue's own line, paid down first by the next money "
     "for the fund.\n",
     "account"},
    {"restitution", "  The fund paid {amount} of what haircuts had taken back to {account}.\n",
     NULL},
    {"reversal",
     "  {account}: a part of action {reverses} in {market} is taken back at the same value, "
     "{value}, as the "
     "venue could not apply it.\n",
     NULL},
    {"final_settlement", "  {market} ended: what {account} held was closed at its value.\n", NULL},
};

static void explain(const json_t *action)
{
    const char *type = audit_text(action, "type");
    tell(action, "{pool}/{id}  {type}  {time}  settlement {settlement}\n");
    if (strcmp(type, "liquidation_close") == 0) {
        tell_liquidation(action);
    } else if (strcmp(type, "adl") == 0) {
        tell_adl(action);
    } else if (strcmp(type, "haircut") == 0 || strcmp(type, "refund") == 0) {
        tell_haircut(action);
    } else {
        for (size_t i = 0; i < sizeof(sentences) / sizeof(sentences[0]); i++) {
            if (strcmp(type, sentences[i].type) == 0) {
                tell(action, sentences[i].text);
                tell_reason(action, sentences[i].debtor == NULL ? "account" : sentences[i].debtor);
            }
        }
        if (json_is_string(json_object_get(action, "reason"))) {
            tell(action, "  {reason}\n");
        }
    }
}

/* ---- recomputing ---- */

/* Takes the actions of a page up to the one explained; false: one does not fit. */
static bool take_page(struct audit *audit, const json_t *actions, uint64_t last, uint64_t *count)
{
    size_t index = 0;
    json_t *action = NULL;
    json_array_foreach(actions, index, action)
    {
        if (audit->last_id == last) {
            return true;
        }
        if (!audit_take(audit, action)) {
            return false;
        }
        ++*count;
    }
    return true;
}

static int recompute_pages(struct cli *cli, struct audit *audit, const json_t *action)
{
    uint64_t last = audit_integer(action, "id"), count = 0;
    struct buffer after = {0};
    int code = EX_OK;
    bool fits = true, more = true;
    while (code == EX_OK && fits && more && audit->last_id != last) {
        struct buffer path = {0};
        json_t *document = NULL;
        buffer_text(&path, "/v1/pools/");
        http_path_segment(&path, audit->pool);
        buffer_printf(&path, "/settlements/%" PRIu64 "?limit=" PAGE_LIMIT,
                      audit_integer(action, "settlement"));
        http_path_query(&path, "after", after.size == 0 ? NULL : after.bytes);
        code = cli_get(cli, path.bytes, &document);
        buffer_fini(&path);
        fits =
            code != EX_OK || take_page(audit, json_object_get(document, "actions"), last, &count);
        const char *next = json_string_value(json_object_get(document, "next"));
        more = next != NULL;
        buffer_clear(&after);
        buffer_text(&after, next == NULL ? "" : next);
        json_decref(document);
    }
    buffer_fini(&after);
    if (code == EX_OK && !fits) {
        printf("  Recomputed: action %" PRIu64 " does not fit: %s.\n", audit->last_id,
               audit_check_name(audit->failed));
        return EX_MISFIT;
    }
    if (code == EX_OK) {
        printf("  Recomputed: this and the %" PRIu64 " actions of its settlement before it fit.\n",
               count - 1);
    }
    return code;
}

static int recompute(struct cli *cli, const json_t *action)
{
    struct buffer path = {0};
    json_t *pool = NULL, *page = NULL;
    json_t *markets = json_object();
    buffer_text(&path, "/v1/pools/");
    http_path_segment(&path, audit_text(action, "pool"));
    int code = cli_get(cli, path.bytes, &pool);
    buffer_clear(&path);
    for (bool more = true; more && code == EX_OK;) {
        struct buffer after = {0};
        const char *next = json_string_value(json_object_get(page, "next"));
        buffer_text(&after, next == NULL ? "" : next);
        json_decref(page);
        page = NULL;
        buffer_clear(&path);
        buffer_text(&path, "/v1/markets?limit=1000");
        http_path_query(&path, "after", after.size == 0 ? NULL : after.bytes);
        code = cli_get(cli, path.bytes, &page);
        buffer_fini(&after);
        size_t index = 0;
        json_t *row = NULL;
        json_array_foreach(json_object_get(page, "data"), index, row)
        {
            json_object_set(markets, audit_text(row, "market"), row);
        }
        more = json_is_string(json_object_get(page, "next"));
    }
    json_decref(page);
    buffer_fini(&path);
    if (code == EX_OK) {
        struct audit audit;
        audit_begin(&audit, pool, markets);
        audit_assume_known(&audit);
        code = recompute_pages(cli, &audit, action);
        audit_fini(&audit);
    }
    json_decref(pool);
    json_decref(markets);
    return code;
}

int verb_explain(struct cli *cli)
{
    int code = EX_OK;
    json_t *action = find_action(cli, cli->operands[0], &code);
    if (action == NULL) {
        return code;
    }
    if (cli->options.json) {
        cli_print_json(action);
    } else {
        explain(action);
        if (audit_integer(action, "settlement") != 0) {
            code = recompute(cli, action);
        }
    }
    json_decref(action);
    return code;
}
