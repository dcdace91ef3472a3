/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Compares waterfalls: makes the request from the options, and shows the answer as tables and bars.
 * A server that is overloaded or still reading its log is asked again.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/table.h"
#include "cli/verbs.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define SIMULATE_TIMEOUT_MS 120000L
#define TRIES_MAX 60
#define BAR_WIDTH 40
#define PPM 1000000
#define MOVE_DIGITS 4 /* decimals of a percentage */

static const struct table_column result_columns[] = {
    {"WATERFALL", "name", TABLE_LEFT},
    {"OUTCOME", "outcome", TABLE_LEFT},
    {"INSOLVENT", "insolvent_accounts", TABLE_RIGHT},
    {"DEFICIT", "deficit", TABLE_RIGHT},
    {"FUND USED", "fund_used", TABLE_RIGHT},
    {"CLOSED", "closed_notional", TABLE_RIGHT},
    {"DELEVERAGED", "deleveraged", TABLE_RIGHT},
    {"HAIRCUTS", "haircuts", TABLE_RIGHT},
    {"OVERSHOOT", "overshoot", TABLE_RIGHT},
    {"STILL OPEN", "period_loss_open", TABLE_RIGHT},
    {"UNALLOCATED", "unallocated", TABLE_RIGHT},
    {"TOUCHED", "accounts_touched", TABLE_RIGHT},
};

static const struct table_column difference_columns[] = {
    {"FROM", "from", TABLE_LEFT},
    {"TO", "to", TABLE_LEFT},
    {"TAKEN", "taken_from_winners", TABLE_RIGHT},
    {"FUND USED", "fund_used", TABLE_RIGHT},
    {"TOUCHED", "accounts_touched", TABLE_RIGHT},
    {"GINI PPM", "gini_ppm", TABLE_RIGHT},
    {"LOSE MORE", "accounts_losing_more", TABLE_RIGHT},
    {"LOSE LESS", "accounts_losing_less", TABLE_RIGHT},
};

/* Figures that are shares of a whole; they have bars. */
static const struct {
    const char *title;
    const char *member;
} bars[] = {
    {"WORST LOSS, SHARE OF THE LOSER'S EQUITY", "worst_loss_of_equity_ppm"},
    {"WORST LOSS, SHARE OF THE LOSER'S GAIN", "worst_loss_of_gain_ppm"},
    {"GINI OF THE LOSSES (0 = ALL LOSE THE SAME)", "gini_ppm"},
};

/* ---- the request ---- */

/* Reads "-13%" or "+2.5%" as parts per million. */
static bool read_move(const char *text, json_int_t *ret_ppm)
{
    char *end = NULL;
    bool is_negative = *text == '-';
    text += *text == '-' || *text == '+';
    if (*text < '0' || *text > '9') {
        return false;
    }
    errno = 0;
    long long ppm = strtoll(text, &end, 10);
    if (errno != 0 || ppm > PPM) {
        return false;
    }
    ppm *= PPM / 100;
    if (*end == '.') {
        long long digit = PPM / 1000;
        for (end++; *end >= '0' && *end <= '9'; end++, digit /= 10) {
            ppm += (*end - '0') * digit;
            if (digit == 0) {
                return false; /* finer than a part per million */
            }
        }
    }
    *ret_ppm = is_negative ? -ppm : ppm;
    return strcmp(end, "%") == 0;
}

/* MARKET=PRICE or MARKET=MOVE%; a market's name may hold '=' itself. */
static bool add_shock(json_t *shocks, const char *text)
{
    const char *value = strrchr(text, '=');
    json_int_t ppm = 0;
    if (value == NULL || value == text || value[1] == '\0') {
        cli_error("--shock takes MARKET=PRICE or MARKET=-13%%, not '%s'", text);
        return false;
    }
    json_t *market = json_stringn(text, (size_t)(value - text));
    json_t *shock = NULL;
    value++;
    if (strchr(value, '%') == NULL) {
        shock = json_pack("{s:o, s:s}", "market", market, "price", value);
    } else if (read_move(value, &ppm)) {
        shock = json_pack("{s:o, s:I}", "market", market, "move_ppm", ppm);
    } else {
        json_decref(market);
        cli_error("--shock: '%s' is not a move such as -13%% with at most %d decimals", value,
                  MOVE_DIGITS);
        return false;
    }
    if (shock == NULL) {
        cli_error("--shock: '%s' is not UTF-8", text);
        return false;
    }
    return json_array_append_new(shocks, shock) == 0;
}

/* PRESET, NAME=PRESET or NAME=FILE.json; "current" is what the pool has. */
static bool add_waterfall(json_t *waterfalls, const char *text)
{
    const char *equals = strchr(text, '=');
    const char *value = equals == NULL ? text : equals + 1;
    size_t name_size = equals == NULL ? strlen(text) : (size_t)(equals - text);
    size_t value_size = strlen(value);
    json_t *waterfall = NULL;
    if (value_size > 5 && strcmp(value + value_size - 5, ".json") == 0) {
        json_error_t error;
        waterfall = json_load_file(value, JSON_REJECT_DUPLICATES, &error);
        if (waterfall == NULL) {
            cli_error("%s:%d: %s", value, error.line, error.text);
            return false;
        }
    } else {
        waterfall = json_string(value);
    }
    if (name_size == 0 || json_object_setn_new(waterfalls, text, name_size, waterfall) != 0) {
        cli_error("--waterfall takes NAME=FILE.json, NAME=PRESET or PRESET, not '%s'", text);
        return false;
    }
    return true;
}

/* NULL: the reason is printed. */
static json_t *request_of(const struct cli *cli)
{
    const struct options *options = &cli->options;
    json_t *request = json_object();
    json_t *shocks = json_array();
    json_t *waterfalls = json_object();
    bool good = true;
    for (size_t i = 0; good && i < options->all.shock.count; i++) {
        good = add_shock(shocks, options->all.shock.values[i]);
    }
    for (size_t i = 0; good && i < options->all.waterfall.count; i++) {
        good = add_waterfall(waterfalls, options->all.waterfall.values[i]);
    }
    if (options->all.waterfall.count > 0) {
        json_object_set(request, "waterfalls", waterfalls);
    }
    if (options->settlement == NULL) {
        json_object_set_new(request, "pool", json_string(cli->operands[0]));
        json_object_set(request, "shocks", shocks);
        if (options->account != NULL) {
            json_object_set_new(request, "account", json_string(options->account));
        }
        if (options->fund != NULL) {
            json_object_set_new(request, "fund", json_string(options->fund));
        }
    } else if (options->all.shock.count > 0 || options->fund != NULL || options->account != NULL) {
        cli_error("--settlement has the marks and the fund of its moment: no --shock, no --fund, "
                  "no --account");
        good = false;
    }
    json_decref(shocks);
    json_decref(waterfalls);
    if (!good) {
        json_decref(request);
        return NULL;
    }
    return request;
}

/* True when the server said to try again. */
static bool is_to_wait(const struct http_answer *answer)
{
    json_t *problem = json_loadb(answer->body, answer->size, 0, NULL);
    const char *code = json_string_value(json_object_get(problem, "code"));
    bool waits = answer->status == 503 && code != NULL &&
                 (strcmp(code, "overloaded") == 0 || strcmp(code, "simulation_catching_up") == 0);
    json_decref(problem);
    return waits;
}

static int ask(struct cli *cli, json_t *request, json_t **ret_answer)
{
    struct buffer path = {0};
    struct buffer body = {0};
    struct http_answer answer = {0};
    int code = EX_OK;
    char *text = json_dumps(request, JSON_COMPACT);
    buffer_text(&body, text);
    if (cli->options.settlement == NULL) {
        buffer_text(&path, "/v1/simulations");
    } else {
        buffer_text(&path, "/v1/pools/");
        http_path_segment(&path, cli->operands[0]);
        buffer_text(&path, "/settlements/");
        http_path_segment(&path, cli->options.settlement);
        buffer_text(&path, "/compare");
    }
    for (int tries = 0; code == EX_OK && tries < TRIES_MAX; tries++) {
        code = http_post_json(cli->http, path.bytes, &body, SIMULATE_TIMEOUT_MS, &answer);
        if (code != EX_OK || !is_to_wait(&answer)) {
            break;
        }
        (void)sleep(answer.retry_after_s > 0 ? (unsigned)answer.retry_after_s : 1);
    }
    if (code != EX_OK) {
        cli_error("%s: %s", http_url(cli->http), http_error(cli->http));
    } else if (answer.status != 200) {
        code = cli_refused(cli, &answer);
    } else {
        *ret_answer = json_loadb(answer.body, answer.size, 0, NULL);
    }
    free(text);
    buffer_fini(&path);
    buffer_fini(&body);
    return code;
}

/* ---- the answer ---- */

static void print_results(const struct cli *cli, json_t *results)
{
    struct table table;
    const char *name = NULL;
    json_t *result = NULL;
    table_init(&table, result_columns, COUNT(result_columns));
    json_object_foreach(results, name, result)
    {
        json_object_set_new(result, "name", json_string(name));
        table_add(&table, result);
    }
    table_print(&table, stdout, cli->color);
    table_fini(&table);
}

/* A share of one as a bar and a percentage of 2 decimals, rounded down. */
static void print_bar(json_int_t ppm)
{
    json_int_t shown = ppm < 0 ? 0 : ppm > PPM ? PPM : ppm;
    int length = (int)(shown * BAR_WIDTH / PPM);
    printf("[%.*s%*s] %3lld.%02lld %%\n", length, "########################################",
           BAR_WIDTH - length, "", (long long)(shown / (PPM / 100)),
           (long long)(shown % (PPM / 100) / 100));
}

static void print_bars(json_t *results)
{
    for (size_t i = 0; i < COUNT(bars); i++) {
        const char *name = NULL;
        json_t *result = NULL;
        printf("\n%s\n", bars[i].title);
        json_object_foreach(results, name, result)
        {
            const json_t *ppm = json_object_get(result, bars[i].member);
            table_print_name(stdout, name, 24);
            if (json_is_integer(ppm)) {
                print_bar(json_integer_value(ppm));
            } else {
                puts("-");
            }
        }
    }
}

/* What the account of --account would keep of its positions, and what it would lose. */
static void print_exposures(const struct cli *cli, json_t *results)
{
    static const struct table_column columns[] = {
        {"WATERFALL", "name", TABLE_LEFT},
        {"MARKET", "market", TABLE_LEFT},
        {"MARGIN", "margin", TABLE_LEFT},
        {"SIZE", "size_before", TABLE_RIGHT},
        {"SIZE AFTER", "size_after", TABLE_RIGHT},
        {"EQUITY", "equity_before", TABLE_RIGHT},
        {"EQUITY AFTER", "equity_after", TABLE_RIGHT},
        {"TAKEN", "taken", TABLE_RIGHT},
    };
    struct table table;
    const char *name = NULL;
    json_t *result = NULL;
    table_init(&table, columns, COUNT(columns));
    json_object_foreach(results, name, result)
    {
        json_t *account = json_object_get(result, "account");
        size_t index = 0;
        json_t *position = NULL;
        json_array_foreach(json_object_get(account, "positions"), index, position)
        {
            json_object_update_missing(position, account);
            json_object_set_new(position, "name", json_string(name));
            table_add(&table, position);
        }
    }
    putchar('\n');
    table_print(&table, stdout, cli->color);
    table_fini(&table);
}

static void print_differences(const struct cli *cli, const json_t *pairs)
{
    struct table table;
    size_t index = 0;
    json_t *pair = NULL;
    if (json_array_size(pairs) == 0) {
        return;
    }
    putchar('\n');
    table_init(&table, difference_columns, COUNT(difference_columns));
    json_array_foreach(pairs, index, pair)
    {
        table_add(&table, pair);
    }
    table_print(&table, stdout, cli->color);
    table_fini(&table);
}

int verb_simulate(struct cli *cli)
{
    json_t *request = request_of(cli);
    json_t *answer = NULL;
    if (request == NULL) {
        return EX_USAGE;
    }
    int code = ask(cli, request, &answer);
    json_decref(request);
    if (code != EX_OK) {
        return code;
    }
    json_t *results = json_object_get(answer, "waterfalls");
    if (!json_is_object(results)) {
        cli_error("%s: the answer is not a simulation", http_url(cli->http));
        code = EX_PROTOCOL;
    } else if (cli->json) {
        cli_print_json(answer);
    } else {
        print_results(cli, results);
        print_bars(results);
        if (cli->options.account != NULL) {
            print_exposures(cli, results);
        }
        print_differences(cli, json_object_get(answer, "difference"));
    }
    json_decref(answer);
    return code;
}
