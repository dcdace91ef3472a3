/* SPDX-License-Identifier: Apache-2.0 */
/* The verbs that show one thing or a list of things as the server has them now. */
#include <stdio.h>
#include <string.h>

#include "cli/table.h"
#include "cli/verbs.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define PAGE_LIMIT "1000"

static const struct table_column pool_columns[] = {
    {"POOL", "pool", TABLE_LEFT},
    {"ASSET", "asset", TABLE_LEFT},
    {"STATE", "state", TABLE_LEFT},
    {"WAITING", "waiting", TABLE_LEFT},
    {"ACCOUNTS", "accounts", TABLE_RIGHT},
    {"POSITIONS", "positions", TABLE_RIGHT},
    {"FUND EQUITY", "insurance_fund.equity", TABLE_RIGHT},
    {"PERIOD LOSS", "period_loss", TABLE_RIGHT},
    {"UNALLOCATED", "unallocated_deficit", TABLE_RIGHT},
    {"SETTLED", "last_settlement", TABLE_RIGHT},
};

static const struct table_column preset_columns[] = {
    {"PRESET", "preset", TABLE_LEFT},
    {"PERIOD", "period", TABLE_LEFT},
    {"GOOD FOR", "good_for", TABLE_LEFT},
    {"BORNE BY", "borne_by", TABLE_LEFT},
};

static const struct table_column queue_columns[] = {
    {"RANK", "rank", TABLE_RIGHT},          {"ACCOUNT", "account", TABLE_LEFT},
    {"SIZE", "size", TABLE_RIGHT},          {"PROFIT", "unrealized_profit", TABLE_RIGHT},
    {"SCORE", "score", TABLE_RIGHT},        {"AHEAD", "quantity_ahead", TABLE_RIGHT},
    {"PPM", "percentile_ppm", TABLE_RIGHT}, {"LIGHTS", "lights", TABLE_RIGHT},
};

static const struct table_column rank_columns[] = {
    {"MARKET", "market", TABLE_LEFT},
    {"SIDE", "side", TABLE_LEFT},
    {"SIZE", "size", TABLE_RIGHT},
    {"RANK", "rank", TABLE_RIGHT},
    {"OF", "of", TABLE_RIGHT},
    {"LIGHTS", "lights", TABLE_RIGHT},
    {"AHEAD", "quantity_ahead", TABLE_RIGHT},
    {"PPM", "percentile_ppm", TABLE_RIGHT},
    {"PROFIT", "unrealized_profit", TABLE_RIGHT},
    {"MARK", "mark_price", TABLE_RIGHT},
    {"WORST", "if_chosen_now.worst.price", TABLE_RIGHT},
    {"COST", "if_chosen_now.worst.cost_to_mark", TABLE_RIGHT},
};

static const struct table_column settlement_columns[] = {
    {"NUMBER", "settlement", TABLE_RIGHT},
    {"TIME", "time", TABLE_LEFT},
    {"INSOLVENT", "insolvent_accounts", TABLE_RIGHT},
    {"DEFICIT", "deficit", TABLE_RIGHT},
    {"FUND PAID", "fund_paid", TABLE_RIGHT},
    {"CLOSES", "counterparties", TABLE_RIGHT},
    {"DELEVERAGED", "deleveraged", TABLE_RIGHT},
    {"PAYERS", "payers", TABLE_RIGHT},
    {"HAIRCUTS", "haircuts", TABLE_RIGHT},
    {"UNALLOCATED", "unallocated", TABLE_RIGHT},
};

static const struct table_column source_columns[] = {
    {"SOURCE", "source", TABLE_LEFT},
    {"NEXT", "next_seq", TABLE_RIGHT},
    {"OLDEST", "oldest_seq", TABLE_RIGHT},
};

static const struct table_column provider_columns[] = {
    {"ACCOUNT", "account", TABLE_LEFT},
    {"MARKET", "market", TABLE_LEFT},
    {"PRIORITY", "priority", TABLE_RIGHT},
    {"POSITION", "position", TABLE_RIGHT},
    {"TAKES LONG", "room_long", TABLE_RIGHT},
    {"TAKES SHORT", "room_short", TABLE_RIGHT},
    {"MAX POSITION", "max_position", TABLE_RIGHT},
    {"MAX SIZE", "max_size", TABLE_RIGHT},
    {"LEVERAGE PPM", "max_leverage_ppm", TABLE_RIGHT},
    {"WINDOW", "window", TABLE_LEFT},
    {"SHARE PPM", "window_ppm", TABLE_RIGHT},
    {"USED", "window_used", TABLE_RIGHT},
};

static const struct table_column position_columns[] = {
    {"MARKET", "market", TABLE_LEFT},
    {"SIZE", "size", TABLE_RIGHT},
    {"ENTRY", "entry_price", TABLE_RIGHT},
    {"MARK", "mark_price", TABLE_RIGHT},
    {"VALUE", "value", TABLE_RIGHT},
    {"PROFIT", "unrealized_profit", TABLE_RIGHT},
    {"MAINTENANCE", "maintenance", TABLE_RIGHT},
};

static void add_rows(struct cli *cli, struct table *table, const json_t *rows)
{
    size_t index = 0;
    json_t *row = NULL;
    json_array_foreach(rows, index, row)
    {
        if (cli->json) {
            cli_print_json(row);
        } else {
            table_add(table, row);
        }
    }
}

/* Reads one page and moves `next` to the cursor behind it; *ret_more is false on the last page. */
static int read_page(struct cli *cli, const char *path, struct table *table, struct buffer *next,
                     bool *ret_more)
{
    struct buffer page = {0};
    json_t *document = NULL;
    buffer_text(&page, path);
    http_path_query(&page, "limit", PAGE_LIMIT);
    http_path_query(&page, "after", next->size == 0 ? NULL : next->bytes);
    int code = cli_get(cli, page.bytes, &document);
    buffer_fini(&page);
    if (code != EX_OK) {
        return code;
    }
    const json_t *rows = json_object_get(document, "data");
    const char *cursor = json_string_value(json_object_get(document, "next"));
    if (!json_is_array(rows) ||
        (cursor != NULL && next->size > 0 && strcmp(cursor, next->bytes) == 0)) {
        cli_error("%s%s: not a list that ends", http_url(cli->http), path);
        code = EX_PROTOCOL;
    } else {
        add_rows(cli, table, rows);
        *ret_more = cursor != NULL && json_array_size(rows) > 0;
        buffer_clear(next);
        buffer_text(next, cursor != NULL ? cursor : "");
    }
    json_decref(document);
    return code;
}

/* All pages of a list. A list cut off by an error shows what it has, and the exit code tells. */
static int show_list(struct cli *cli, const char *path, const struct table_column *columns,
                     size_t columns_count)
{
    struct table table;
    struct buffer next = {0};
    bool more = true;
    int code = EX_OK;
    table_init(&table, columns, columns_count);
    while (more && code == EX_OK) {
        code = read_page(cli, path, &table, &next, &more);
    }
    if (!cli->json && (code == EX_OK || table.rows_count > 0)) {
        table_print(&table, stdout, cli->color);
    }
    buffer_fini(&next);
    table_fini(&table);
    return code;
}

static void print_positions(const struct cli *cli, const json_t *positions)
{
    struct table table;
    size_t index = 0;
    json_t *position = NULL;
    table_init(&table, position_columns, COUNT(position_columns));
    json_array_foreach(positions, index, position)
    {
        table_add(&table, position);
    }
    fputc('\n', stdout);
    table_print(&table, stdout, cli->color);
    table_fini(&table);
}

/* GET {before}{first operand}{after}: the members one a line, positions as a table below them. */
static int show_one(struct cli *cli, const char *before, const char *after)
{
    struct buffer path = {0};
    json_t *document = NULL;
    buffer_text(&path, before);
    http_path_segment(&path, cli->operands[0]);
    buffer_text(&path, after);
    int code = cli_get(cli, path.bytes, &document);
    buffer_fini(&path);
    if (code != EX_OK) {
        return code;
    }
    if (cli->json) {
        cli_print_json(document);
    } else {
        json_t *positions = json_incref(json_object_get(document, "positions"));
        bool is_list = json_is_array(positions);
        if (is_list) {
            json_object_del(document, "positions");
        }
        table_print_object(stdout, document, cli->color);
        if (is_list && json_array_size(positions) > 0) {
            print_positions(cli, positions);
        }
        json_decref(positions);
    }
    json_decref(document);
    return EX_OK;
}

int verb_account(struct cli *cli)
{
    return show_one(cli, "/v1/accounts/", "");
}

int verb_fund(struct cli *cli)
{
    return show_one(cli, "/v1/pools/", "/insurance-fund");
}

int verb_market(struct cli *cli)
{
    return show_one(cli, "/v1/markets/", "");
}

int verb_solvency(struct cli *cli)
{
    return show_one(cli, "/v1/pools/", "/solvency");
}

int verb_pools(struct cli *cli)
{
    return show_list(cli, "/v1/pools", pool_columns, COUNT(pool_columns));
}

int verb_presets(struct cli *cli)
{
    return show_list(cli, "/v1/presets", preset_columns, COUNT(preset_columns));
}

int verb_queue(struct cli *cli)
{
    struct buffer path = {0};
    buffer_text(&path, "/v1/markets/");
    http_path_segment(&path, cli->operands[0]);
    buffer_text(&path, "/adl-queue");
    http_path_query(&path, "side", cli->options.side);
    int code = show_list(cli, path.bytes, queue_columns, COUNT(queue_columns));
    buffer_fini(&path);
    return code;
}

int verb_rank(struct cli *cli)
{
    struct buffer path = {0};
    buffer_text(&path, "/v1/accounts/");
    http_path_segment(&path, cli->operands[0]);
    buffer_text(&path, "/adl-rank");
    int code = show_list(cli, path.bytes, rank_columns, COUNT(rank_columns));
    buffer_fini(&path);
    return code;
}

int verb_sources(struct cli *cli)
{
    return show_list(cli, "/v1/sources", source_columns, COUNT(source_columns));
}

int verb_providers(struct cli *cli)
{
    struct buffer path = {0};
    buffer_text(&path, "/v1/providers");
    http_path_query(&path, "pool", cli->operands[0]);
    int code = show_list(cli, path.bytes, provider_columns, COUNT(provider_columns));
    buffer_fini(&path);
    return code;
}

int verb_settlements(struct cli *cli)
{
    struct buffer path = {0};
    buffer_text(&path, "/v1/settlements");
    http_path_query(&path, "pool", cli->operands[0]);
    int code = show_list(cli, path.bytes, settlement_columns, COUNT(settlement_columns));
    buffer_fini(&path);
    return code;
}
