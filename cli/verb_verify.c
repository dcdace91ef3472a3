/* SPDX-License-Identifier: Apache-2.0 */
/* Recomputes what the server published, from its answers alone: see audit.h. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"
#include "cli/recompute.h"

#define EX_MISFIT 1
#define PAGE_LIMIT "10000"

struct verifier {
    struct cli *cli;
    json_t *markets; /* name -> row */
    struct audit audit;
    uint64_t totals[AUDIT_COUNT];
    uint64_t skipped, other_margins, clamped, actions, settlements, pools;
    json_t *rows;       /* a page of settlements of the pool */
    struct buffer next; /* cursor behind the last action read */
};

/* Rows of all pages of a list, or NULL and the reason printed. */
static json_t *read_list(struct cli *cli, const char *path)
{
    json_t *rows = json_array();
    struct buffer next = {0};
    bool more = true;
    while (more && rows != NULL) {
        struct buffer page = {0};
        json_t *document = NULL;
        buffer_text(&page, path);
        http_path_query(&page, "limit", "1000");
        http_path_query(&page, "after", next.size == 0 ? NULL : next.bytes);
        more = false;
        if (cli_get(cli, page.bytes, &document) != EX_OK) {
            json_decref(rows);
            rows = NULL;
        } else {
            const char *cursor = json_string_value(json_object_get(document, "next"));
            json_t *data = json_object_get(document, "data");
            json_array_extend(rows, data);
            more = cursor != NULL && json_array_size(data) > 0;
            buffer_clear(&next);
            buffer_text(&next, cursor == NULL ? "" : cursor);
        }
        json_decref(document);
        buffer_fini(&page);
    }
    buffer_fini(&next);
    return rows;
}

static int misfit(struct verifier *verifier, const json_t *action)
{
    const struct audit *audit = &verifier->audit;
    if (action == NULL) {
        cli_error("%s: the actions up to %" PRIu64 " do not fit: %s", audit->pool, audit->last_id,
                  audit_check_name(audit->failed));
    } else {
        cli_error("%s: action %" PRIu64 " (%s, cursor %s) does not fit: %s", audit->pool,
                  audit_integer(action, "id"), audit_text(action, "type"),
                  audit_text(action, "cursor"), audit_check_name(audit->failed));
    }
    return EX_MISFIT;
}

/* The row of the settlement in hand; NULL when there is none (yet). */
static const json_t *settlement_row(struct verifier *verifier, int *ret_code)
{
    uint64_t number = verifier->audit.sums.number;
    uint64_t first = audit_integer(json_array_get(verifier->rows, 0), "settlement");
    const json_t *row = json_array_get(verifier->rows, (size_t)(number - first));
    if (first != 0 && number >= first && row != NULL) {
        return row;
    }
    char after[24];
    struct buffer path = {0};
    json_t *document = NULL;
    (void)snprintf(after, sizeof(after), "%" PRIu64, number - 1);
    buffer_text(&path, "/v1/settlements?limit=1000");
    http_path_query(&path, "pool", verifier->audit.pool);
    http_path_query(&path, "after", after);
    *ret_code = cli_get(verifier->cli, path.bytes, &document);
    buffer_fini(&path);
    json_decref(verifier->rows);
    verifier->rows = json_incref(json_object_get(document, "data"));
    json_decref(document);
    row = json_array_get(verifier->rows, 0);
    return audit_integer(row, "settlement") == number ? row : NULL;
}

/* `next`: the action behind the settlement, or NULL at the range's end, where it may be open. */
static int compare_settlement(struct verifier *verifier, const json_t *next)
{
    if (!audit_sums_are_due(&verifier->audit, next)) {
        return EX_OK;
    }
    int code = EX_OK;
    const json_t *row = settlement_row(verifier, &code);
    if (code != EX_OK) {
        return code;
    }
    if (next == NULL && row == NULL) {
        return EX_OK; /* its last actions are still to come */
    }
    verifier->settlements++;
    if (row == NULL || !audit_settlement(&verifier->audit, row)) {
        cli_error("%s: settlement %" PRIu64 " does not fit its actions", verifier->audit.pool,
                  verifier->audit.sums.number);
        return EX_MISFIT;
    }
    return EX_OK;
}

static int take_actions(struct verifier *verifier, const json_t *data)
{
    size_t index = 0;
    json_t *action = NULL;
    json_array_foreach(data, index, action)
    {
        int code = compare_settlement(verifier, action);
        if (code != EX_OK) {
            return code;
        }
        verifier->actions++;
        if (!audit_take(&verifier->audit, action)) {
            return misfit(verifier, action);
        }
    }
    return EX_OK;
}

/* Up to an empty page. */
static int read_actions(struct verifier *verifier)
{
    int code = EX_OK;
    for (bool more = true; more && code == EX_OK;) {
        struct buffer path = {0};
        json_t *document = NULL;
        buffer_text(&path, "/v1/actions?limit=" PAGE_LIMIT);
        http_path_query(&path, "pool", verifier->audit.pool);
        http_path_query(&path, "after", verifier->next.bytes);
        code = cli_get(verifier->cli, path.bytes, &document);
        buffer_fini(&path);
        if (code == EX_OK) {
            const json_t *data = json_object_get(document, "data");
            code = take_actions(verifier, data);
            more = json_array_size(data) > 0;
            buffer_clear(&verifier->next);
            buffer_text(&verifier->next, audit_text(document, "next"));
        }
        json_decref(document);
    }
    return code;
}

/* The server may go on meanwhile: a settlement's row is there no later than its last action, so
 * actions are read once more when it names some that are not. */
static int read_range(struct verifier *verifier)
{
    const char *after = verifier->cli->options.after;
    buffer_clear(&verifier->next);
    buffer_text(&verifier->next, after == NULL ? "0" : after);
    uint64_t last_id = 0;
    int code = read_actions(verifier);
    const json_t *row = NULL;
    do {
        last_id = verifier->audit.last_id;
        row = code == EX_OK && audit_sums_are_due(&verifier->audit, NULL)
                  ? settlement_row(verifier, &code)
                  : NULL;
        if (row != NULL && audit_integer(row, "last_action") > last_id) {
            code = read_actions(verifier);
        }
    } while (code == EX_OK && verifier->audit.last_id != last_id);
    return code;
}

/* The pool was read first, and had so many actions then. */
static bool is_incomplete(const struct verifier *verifier, const json_t *pool)
{
    uint64_t last_id = verifier->audit.last_id;
    bool is_whole = verifier->cli->options.after == NULL;
    return (is_whole || last_id != 0) &&
           (last_id < audit_integer(pool, "last_action") ||
            (is_whole && last_id != 0 && !verifier->audit.from_begin));
}

static int verify_pool(struct verifier *verifier, const json_t *pool)
{
    audit_begin(&verifier->audit, pool, verifier->markets);
    int code = read_range(verifier);
    code = code == EX_OK ? compare_settlement(verifier, NULL) : code;
    if (code == EX_OK && is_incomplete(verifier, pool)) {
        verifier->audit.failed = AUDIT_ID;
        code = misfit(verifier, NULL);
    }
    if (code == EX_OK && !audit_end(&verifier->audit)) {
        code = misfit(verifier, NULL);
    }
    for (int i = 0; i < AUDIT_COUNT; i++) {
        verifier->totals[i] += verifier->audit.counts[i];
    }
    verifier->skipped += verifier->audit.skipped;
    verifier->other_margins += verifier->audit.other_margins;
    verifier->clamped += verifier->audit.clamped;
    verifier->pools++;
    json_decref(verifier->rows);
    verifier->rows = NULL;
    audit_fini(&verifier->audit);
    return code;
}

static void print_unchecked(uint64_t count, const char *what)
{
    if (count > 0) {
        printf("%10" PRIu64 "  %s\n", count, what);
    }
}

static void print_totals(const struct verifier *verifier)
{
    for (int i = 0; i < AUDIT_COUNT; i++) {
        if (i != AUDIT_NUMBER && verifier->totals[i] > 0) {
            printf("%10" PRIu64 "  %s\n", verifier->totals[i],
                   audit_check_name((enum audit_check)i));
        }
    }
    print_unchecked(verifier->skipped, "closes in markets that are gone: not recomputed");
    print_unchecked(verifier->other_margins,
                    "legs whose weight is not by today's maintenance margin: not recomputed");
    print_unchecked(verifier->clamped,
                    "closes of a split below their share: what bounded them is not published");
    printf("%" PRIu64 " actions and %" PRIu64 " settlements of %" PRIu64
           " pools: everything fits\n",
           verifier->actions, verifier->settlements, verifier->pools);
}

static void print_json(const struct verifier *verifier)
{
    json_t *document = json_pack(
        "{s:I, s:I, s:I, s:I, s:I, s:I}", "actions", (json_int_t)verifier->actions, "settlements",
        (json_int_t)verifier->settlements, "pools", (json_int_t)verifier->pools,
        "closes_not_recomputed", (json_int_t)verifier->skipped, "weights_not_recomputed",
        (json_int_t)verifier->other_margins, "closes_below_their_share",
        (json_int_t)verifier->clamped);
    for (int i = 0; i < AUDIT_COUNT; i++) {
        json_object_set_new(document, audit_check_name((enum audit_check)i),
                            json_integer((json_int_t)verifier->totals[i]));
    }
    cli_print_json(document);
    json_decref(document);
}

/* Markets by name. */
static json_t *by_name(const json_t *rows)
{
    json_t *named = json_object();
    size_t index = 0;
    json_t *row = NULL;
    json_array_foreach(rows, index, row)
    {
        json_object_set(named, audit_text(row, "market"), row);
    }
    return named;
}

static int verify_pools(struct verifier *verifier, const json_t *pools)
{
    const char *wanted = verifier->cli->options.pool;
    int code = EX_OK;
    size_t index = 0;
    json_t *pool = NULL;
    json_array_foreach(pools, index, pool)
    {
        if (code == EX_OK && (wanted == NULL || strcmp(wanted, audit_text(pool, "pool")) == 0)) {
            code = verify_pool(verifier, pool);
        }
    }
    if (code == EX_OK && wanted != NULL && verifier->pools == 0) {
        cli_error("unknown_pool: no pool '%s'", wanted);
        return EX_DATAERR;
    }
    return code;
}

int verb_verify(struct cli *cli)
{
    struct verifier verifier = {.cli = cli};
    json_t *pools = read_list(cli, "/v1/pools");
    json_t *markets = pools != NULL ? read_list(cli, "/v1/markets") : NULL;
    int code = EX_UNAVAILABLE; /* the reason has been printed */
    if (markets != NULL) {
        verifier.markets = by_name(markets);
        code = verify_pools(&verifier, pools);
        if (code == EX_OK && cli->options.json) {
            print_json(&verifier);
        } else if (code == EX_OK && !cli->options.quiet) {
            print_totals(&verifier);
        }
    }
    buffer_fini(&verifier.next);
    json_decref(verifier.markets);
    json_decref(markets);
    json_decref(pools);
    return code;
}
