/* SPDX-License-Identifier: Apache-2.0 */
/* Recomputes what the server published, from its answers alone: recompute.h. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/list.h"
#include "cli/member.h"
#include "cli/recompute/recompute.h"
#include "cli/verbs.h"

#define PAGE_LIMIT "10000"

struct verifier {
    struct cli *cli;
    json_t *markets;                /* name -> row */
    struct recompute *recompute;    /* of the pool that is being verified */
    struct recompute_checks totals; /* of all pools */
    uint64_t actions, settlements, pools;
    json_t *rows;       /* a page of settlements of the pool */
    struct buffer next; /* cursor of the last action read */
};

static int misfit(struct verifier *verifier, const json_t *action)
{
    struct recompute_place place = recompute_place(verifier->recompute);
    const char *what = recompute_check_name(recompute_checks(verifier->recompute)->failed);
    cli_error("%s: action %" PRIu64 " (%s, cursor %s) does not fit: %s", place.pool,
              member_integer(action, "id"), member_text(action, "type"),
              member_text(action, "cursor"), what);
    return EX_MISFIT;
}

static int misfit_at_end(struct verifier *verifier, enum recompute_check check)
{
    struct recompute_place place = recompute_place(verifier->recompute);
    cli_error("%s: the actions up to %" PRIu64 " do not fit: %s", place.pool, place.last_id,
              recompute_check_name(check));
    return EX_MISFIT;
}

/* The row of the settlement taken last; NULL when the server has none yet. */
static const json_t *settlement_row(struct verifier *verifier, int *ret_code)
{
    struct recompute_place place = recompute_place(verifier->recompute);
    uint64_t number = place.settlement;
    uint64_t first = member_integer(json_array_get(verifier->rows, 0), "settlement");
    const json_t *row = json_array_get(verifier->rows, (size_t)(number - first));
    if (first != 0 && number >= first && row != NULL) {
        return row;
    }
    char after[24];
    struct buffer path = {0};
    json_t *document = NULL;
    (void)snprintf(after, sizeof(after), "%" PRIu64, number - 1);
    buffer_text(&path, "/v1/settlements?limit=1000");
    http_path_query(&path, "pool", place.pool);
    http_path_query(&path, "after", after);
    *ret_code = cli_get(verifier->cli, path.bytes, &document);
    buffer_fini(&path);
    json_decref(verifier->rows);
    verifier->rows = json_incref(json_object_get(document, "data"));
    json_decref(document);
    row = json_array_get(verifier->rows, 0);
    return member_integer(row, "settlement") == number ? row : NULL;
}

/* `next`: the action after the settlement; NULL at the end of the range, where it may be open. */
static int compare_settlement(struct verifier *verifier, const json_t *next)
{
    if (!recompute_settlement_is_due(verifier->recompute, next)) {
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
    if (row == NULL || !recompute_compare(verifier->recompute, row)) {
        struct recompute_place place = recompute_place(verifier->recompute);
        cli_error("%s: settlement %" PRIu64 " does not fit its actions", place.pool,
                  place.settlement);
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
        if (!recompute_take(verifier->recompute, action)) {
            return misfit(verifier, action);
        }
    }
    return EX_OK;
}

/* Takes all actions up to an empty page. */
static int read_actions(struct verifier *verifier)
{
    int code = EX_OK;
    for (bool more = true; more && code == EX_OK;) {
        struct buffer path = {0};
        json_t *document = NULL;
        buffer_text(&path, "/v1/actions?limit=" PAGE_LIMIT);
        http_path_query(&path, "pool", recompute_place(verifier->recompute).pool);
        http_path_query(&path, "after", verifier->next.bytes);
        code = cli_get(verifier->cli, path.bytes, &document);
        buffer_fini(&path);
        if (code == EX_OK) {
            const json_t *data = json_object_get(document, "data");
            code = take_actions(verifier, data);
            more = json_array_size(data) > 0;
            buffer_clear(&verifier->next);
            buffer_text(&verifier->next, member_text(document, "next"));
        }
        json_decref(document);
    }
    return code;
}

/* The server may go on meanwhile. A settlement's row is there no later than its last action, so
 * actions are read again when the row names some that were not read. */
static int read_range(struct verifier *verifier)
{
    const char *after = verifier->cli->options.after;
    buffer_clear(&verifier->next);
    buffer_text(&verifier->next, after == NULL ? "0" : after);
    uint64_t last_id = 0;
    int code = read_actions(verifier);
    const json_t *row = NULL;
    do {
        last_id = recompute_place(verifier->recompute).last_id;
        row = code == EX_OK && recompute_settlement_is_due(verifier->recompute, NULL)
                  ? settlement_row(verifier, &code)
                  : NULL;
        if (row != NULL && member_integer(row, "last_action") > last_id) {
            code = read_actions(verifier);
        }
    } while (code == EX_OK && recompute_place(verifier->recompute).last_id != last_id);
    return code;
}

/* True when the pool, which was read first, had more actions than were found. */
static bool is_incomplete(const struct verifier *verifier, const json_t *pool)
{
    struct recompute_place place = recompute_place(verifier->recompute);
    bool is_whole = verifier->cli->options.after == NULL;
    return (is_whole || place.last_id != 0) &&
           (place.last_id < member_integer(pool, "last_action") ||
            (is_whole && place.last_id != 0 && !place.from_begin));
}

static int recompute_pool(struct verifier *verifier, const json_t *pool)
{
    int code = read_range(verifier);
    code = code == EX_OK ? compare_settlement(verifier, NULL) : code;
    if (code == EX_OK && is_incomplete(verifier, pool)) {
        return misfit_at_end(verifier, CHECK_ID);
    }
    if (code == EX_OK && !recompute_end(verifier->recompute)) {
        return misfit_at_end(verifier, recompute_checks(verifier->recompute)->failed);
    }
    return code;
}

static int verify_pool(struct verifier *verifier, const json_t *pool)
{
    verifier->recompute = recompute_new(pool, verifier->markets);
    if (verifier->recompute == NULL) {
        cli_error("out of memory");
        return EX_OSERR;
    }
    int code = recompute_pool(verifier, pool);
    recompute_checks_add(&verifier->totals, recompute_checks(verifier->recompute));
    verifier->pools++;
    json_decref(verifier->rows);
    verifier->rows = NULL;
    recompute_free(verifier->recompute);
    return code;
}

static void print_count(uint64_t count, const char *what)
{
    if (count > 0) {
        printf("%10" PRIu64 "  %s\n", count, what);
    }
}

static void print_totals(const struct verifier *verifier)
{
    for (int i = 0; i < CHECKS_COUNT; i++) {
        if (i != CHECK_NUMBER) {
            print_count(verifier->totals.counts[i], recompute_check_name((enum recompute_check)i));
        }
    }
#define X(name, what) print_count(verifier->totals.gaps.name, what);
    RECOMPUTE_GAPS(X)
#undef X
    printf("%" PRIu64 " actions and %" PRIu64 " settlements of %" PRIu64
           " pools: everything fits\n",
           verifier->actions, verifier->settlements, verifier->pools);
}

static void print_json(const struct verifier *verifier)
{
    const struct recompute_checks *totals = &verifier->totals;
    json_t *document = json_pack(
        "{s:I, s:I, s:I, s:I, s:I, s:I, s:I}", "actions", (json_int_t)verifier->actions,
        "settlements", (json_int_t)verifier->settlements, "pools", (json_int_t)verifier->pools,
        "actions_not_recomputed", (json_int_t)totals->gaps.unknown, "closes_not_recomputed",
        (json_int_t)totals->gaps.skipped, "weights_not_recomputed",
        (json_int_t)totals->gaps.other_margins, "closes_below_their_share",
        (json_int_t)totals->gaps.clamped);
    for (int i = 0; i < CHECKS_COUNT; i++) {
        json_object_set_new(document, recompute_check_name((enum recompute_check)i),
                            json_integer((json_int_t)totals->counts[i]));
    }
    cli_print_json(document);
    json_decref(document);
}

static int verify_pools(struct verifier *verifier, const json_t *pools)
{
    const char *wanted = verifier->cli->options.pool;
    int code = EX_OK;
    size_t index = 0;
    json_t *pool = NULL;
    json_array_foreach(pools, index, pool)
    {
        if (code == EX_OK && (wanted == NULL || strcmp(wanted, member_text(pool, "pool")) == 0)) {
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
    json_t *pools = NULL, *markets = NULL;
    int code = list_read(cli, "/v1/pools", &pools);
    if (code == EX_OK) {
        code = list_read(cli, "/v1/markets", &markets);
    }
    if (code == EX_OK) {
        verifier.markets = list_by(markets, "market");
        code = verify_pools(&verifier, pools);
    }
    if (code == EX_OK && cli->json) {
        print_json(&verifier);
    } else if (code == EX_OK && !cli->options.quiet) {
        print_totals(&verifier);
    }
    buffer_fini(&verifier.next);
    json_decref(verifier.markets);
    json_decref(markets);
    json_decref(pools);
    return code;
}
