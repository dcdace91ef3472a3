/* SPDX-License-Identifier: Apache-2.0 */
/* The verbs that show one thing or a list of things as the server has them now. */
#include <stdio.h>

#include "cli/list.h"
#include "cli/verbs.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

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
    {"PERIOD", "quota_period", TABLE_LEFT},
    {"QUOTA PPM", "quota_ppm", TABLE_RIGHT},
    {"USED", "quota_used", TABLE_RIGHT},
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

/* A list at {before}{first operand}{after}. */
static int show_list_of(struct cli *cli, const char *before, const char *after,
                        const struct table_column *columns, size_t columns_count)
{
    struct buffer path = {0};
    buffer_text(&path, before);
    http_path_segment(&path, cli->operands[0]);
    buffer_text(&path, after);
    int code = list_show(cli, path.bytes, columns, columns_count);
    buffer_fini(&path);
    return code;
}

/* A list filtered by the pool that is the first operand. */
static int show_list_of_pool(struct cli *cli, const char *list, const struct table_column *columns,
                             size_t columns_count)
{
    struct buffer path = {0};
    buffer_text(&path, list);
    http_path_query(&path, "pool", cli->operands[0]);
    int code = list_show(cli, path.bytes, columns, columns_count);
    buffer_fini(&path);
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

/* GET {before}{first operand}{after}: one member on each line, positions as a table below them. */
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
    return list_show(cli, "/v1/pools", pool_columns, COUNT(pool_columns));
}

int verb_presets(struct cli *cli)
{
    return list_show(cli, "/v1/presets", preset_columns, COUNT(preset_columns));
}

int verb_queue(struct cli *cli)
{
    struct buffer after = {0};
    buffer_text(&after, "/adl-queue");
    http_path_query(&after, "side", cli->options.side);
    int code = show_list_of(cli, "/v1/markets/", after.bytes, queue_columns, COUNT(queue_columns));
    buffer_fini(&after);
    return code;
}

int verb_rank(struct cli *cli)
{
    return show_list_of(cli, "/v1/accounts/", "/adl-rank", rank_columns, COUNT(rank_columns));
}

int verb_sources(struct cli *cli)
{
    return list_show(cli, "/v1/sources", source_columns, COUNT(source_columns));
}

int verb_providers(struct cli *cli)
{
    return show_list_of_pool(cli, "/v1/providers", provider_columns, COUNT(provider_columns));
}

int verb_settlements(struct cli *cli)
{
    return show_list_of_pool(cli, "/v1/settlements", settlement_columns, COUNT(settlement_columns));
}
