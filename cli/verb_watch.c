/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A live view of a pool: its fund, the accounts at risk, the last actions. On a terminal it is
 * redrawn in place after every change, at least once a second; elsewhere each new action is a line,
 * with a line of totals whenever they change.
 */
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "cli/table.h"
#include "cli/verbs.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define AT_RISK_ROWS "10"
#define ACTIONS_KEPT 200
#define ACTIONS_SHOWN 12 /* when the terminal does not tell its height */
#define LINES_BESIDE_ACTIONS 8
#define WAIT_MS "1000"
#define TIMEOUT_MS 30000L

static const struct table_column risk_columns[] = {
    {"ACCOUNT", "account", TABLE_LEFT},
    {"EQUITY", "equity", TABLE_RIGHT},
    {"MAINTENANCE", "maintenance", TABLE_RIGHT},
    {"LEVERAGE", "leverage", TABLE_RIGHT},
};

static const struct table_column action_columns[] = {
    {"ID", "id", TABLE_RIGHT},        {"TIME", "time", TABLE_LEFT},
    {"TYPE", "type", TABLE_LEFT},     {"ACCOUNT", "account", TABLE_LEFT},
    {"MARKET", "market", TABLE_LEFT}, {"SIZE", "size_closed", TABLE_RIGHT},
    {"PRICE", "price", TABLE_RIGHT},  {"AMOUNT", "amount", TABLE_RIGHT},
};

struct watcher {
    struct cli *cli;
    const char *pool;
    struct buffer cursor; /* of the last action seen; NUL terminated */
    json_t *actions;      /* the last ones, oldest first */
    json_t *view;         /* of the pool */
    json_t *solvency, *at_risk;
    struct buffer totals; /* the last line of totals that was printed */
    bool is_live;
};

static volatile sig_atomic_t stopped;

static void on_signal(int signal_number)
{
    (void)signal_number;
    stopped = 1;
}

static int read_part(struct watcher *watcher, const char *rest, json_t **part)
{
    struct buffer path = {0};
    json_t *document = NULL;
    buffer_text(&path, "/v1/pools/");
    http_path_segment(&path, watcher->pool);
    buffer_text(&path, rest);
    int code = cli_get(watcher->cli, path.bytes, &document);
    buffer_fini(&path);
    if (code == EX_OK) {
        json_decref(*part);
        *part = document;
    }
    return code;
}

static int read_state(struct watcher *watcher)
{
    int code = read_part(watcher, "", &watcher->view);
    code = code == EX_OK ? read_part(watcher, "/solvency", &watcher->solvency) : code;
    return code == EX_OK ? read_part(watcher, "/at-risk?limit=" AT_RISK_ROWS, &watcher->at_risk)
                         : code;
}

static int read_actions(struct watcher *watcher, const char *wait_ms, size_t *ret_count)
{
    struct buffer path = {0};
    struct http_answer answer = {0};
    buffer_text(&path, "/v1/actions?limit=1000");
    http_path_query(&path, "wait_ms", wait_ms);
    http_path_query(&path, "pool", watcher->pool);
    http_path_query(&path, "after", watcher->cursor.bytes);
    int code = http_get(watcher->cli->http, path.bytes, TIMEOUT_MS, &answer);
    buffer_fini(&path);
    if (code != EX_OK) {
        if (!stopped) {
            cli_error("%s: %s", http_url(watcher->cli->http), http_error(watcher->cli->http));
        }
        return code;
    }
    if (answer.status != 200) {
        return cli_refused(watcher->cli, &answer);
    }
    json_t *document = json_loadb(answer.body, answer.size, 0, NULL);
    const char *next = json_string_value(json_object_get(document, "next"));
    json_array_extend(watcher->actions, json_object_get(document, "data"));
    *ret_count = json_array_size(json_object_get(document, "data"));
    if (next != NULL) {
        buffer_clear(&watcher->cursor);
        buffer_text(&watcher->cursor, next);
    }
    json_decref(document);
    return next == NULL ? EX_PROTOCOL : EX_OK;
}

static const char *text(const json_t *object, const char *member)
{
    const json_t *value = json_object_get(object, member);
    const char *words = json_string_value(value);
    return words != NULL ? words : "-";
}

/* One line of totals. */
static void write_totals(const struct watcher *watcher, struct buffer *out)
{
    const json_t *fund = json_object_get(watcher->view, "insurance_fund");
    buffer_printf(out, "%s %s", text(watcher->view, "pool"), text(watcher->view, "state"));
    if (json_is_string(json_object_get(watcher->view, "waiting"))) {
        buffer_printf(out, " (waits: %s)", text(watcher->view, "waiting"));
    }
    buffer_printf(out,
                  "  fund %s, can pay %s  insolvent %" JSON_INTEGER_FORMAT
                  " owing %s  open loss %s  unallocated %s",
                  text(fund, "equity"), text(fund, "available"),
                  json_integer_value(json_object_get(watcher->solvency, "insolvent_accounts")),
                  text(watcher->solvency, "deficit"), text(watcher->view, "period_loss"),
                  text(watcher->view, "unallocated_deficit"));
}

/* Closes have a value, other actions an amount; one column shows both. */
static void add_action(struct table *table, const json_t *action)
{
    json_t *row = json_copy((json_t *)(uintptr_t)action);
    json_t *value = json_object_get(row, "value");
    if (json_object_get(row, "amount") == NULL && value != NULL) {
        json_object_set(row, "amount", value);
    }
    table_add(table, row);
    json_decref(row);
}

static void print_table(const struct watcher *watcher, const struct table_column *columns,
                        size_t count, const json_t *rows)
{
    struct table table;
    size_t index = 0;
    json_t *row = NULL;
    table_init(&table, columns, count);
    json_array_foreach(rows, index, row)
    {
        add_action(&table, row);
    }
    table_print(&table, stdout, watcher->cli->color);
    table_fini(&table);
}

/* Prints as many of the last actions as there is room for. */
static json_t *shown_actions(const struct watcher *watcher)
{
    struct winsize window = {0};
    size_t room = ACTIONS_SHOWN, count = json_array_size(watcher->actions);
    if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &window) == 0 && window.ws_row > 0) {
        size_t used =
            LINES_BESIDE_ACTIONS + json_array_size(json_object_get(watcher->at_risk, "data"));
        room = window.ws_row > used + 1 ? window.ws_row - used : 1;
    }
    json_t *shown = json_array();
    for (size_t i = count > room ? count - room : 0; i < count; i++) {
        json_array_append(shown, json_array_get(watcher->actions, i));
    }
    return shown;
}

static void draw(const struct watcher *watcher)
{
    struct buffer totals = {0};
    json_t *actions = shown_actions(watcher);
    write_totals(watcher, &totals);
    fputs("\033[H\033[2J", stdout); /* from the top left corner, on a clear screen */
    table_print_text(stdout, totals.bytes);
    fputs("\n\nAT RISK: nearest to insolvency first\n", stdout);
    print_table(watcher, risk_columns, COUNT(risk_columns),
                json_object_get(watcher->at_risk, "data"));
    fputs("\nLAST ACTIONS\n", stdout);
    print_table(watcher, action_columns, COUNT(action_columns), actions);
    json_decref(actions);
    buffer_fini(&totals);
}

/* Without a terminal: prints new actions, and the totals when they change. */
static void print_news(struct watcher *watcher)
{
    struct buffer totals = {0};
    if (watcher->cli->json) {
        size_t index = 0;
        json_t *action = NULL;
        json_array_foreach(watcher->actions, index, action)
        {
            cli_print_json(action);
        }
    } else {
        if (json_array_size(watcher->actions) > 0) {
            print_table(watcher, action_columns, COUNT(action_columns), watcher->actions);
        }
        write_totals(watcher, &totals);
        if (watcher->totals.size == 0 || strcmp(totals.bytes, watcher->totals.bytes) != 0) {
            table_print_text(stdout, totals.bytes);
            fputc('\n', stdout);
            buffer_clear(&watcher->totals);
            buffer_text(&watcher->totals, totals.bytes);
        }
    }
    json_array_clear(watcher->actions);
    buffer_fini(&totals);
}

static void forget_old_actions(struct watcher *watcher)
{
    for (size_t i = json_array_size(watcher->actions); i > ACTIONS_KEPT; i--) {
        json_array_remove(watcher->actions, 0);
    }
}

static void show(struct watcher *watcher)
{
    if (!watcher->is_live) {
        print_news(watcher);
        return;
    }
    forget_old_actions(watcher);
    draw(watcher);
}

/* Moves to the last action: without --after only later ones are shown. */
static int skip_history(struct watcher *watcher)
{
    size_t count = 1;
    int code = EX_OK;
    while (code == EX_OK && count > 0 && watcher->cli->options.after == NULL && !stopped) {
        code = read_actions(watcher, "0", &count);
        forget_old_actions(watcher);
    }
    if (!watcher->is_live && watcher->cli->options.after == NULL) {
        json_array_clear(watcher->actions);
    }
    return code;
}

/* Leaves the alternate screen and shows the cursor again, however the view ends. */
static void set_screen(const struct watcher *watcher, bool own)
{
    if (watcher->is_live) {
        fputs(own ? "\033[?1049h\033[?25l" : "\033[?25h\033[?1049l", stdout);
    }
}

static int begin(struct watcher *watcher)
{
    int code = read_state(watcher);
    if (code != EX_OK) {
        return code;
    }
    struct sigaction action = {.sa_handler = on_signal};
    (void)sigaction(SIGINT, &action, NULL);
    (void)sigaction(SIGTERM, &action, NULL);
    buffer_text(&watcher->cursor,
                watcher->cli->options.after == NULL ? "0" : watcher->cli->options.after);
    code = skip_history(watcher);
    if (code == EX_OK) {
        set_screen(watcher, true);
    }
    return code;
}

int verb_watch(struct cli *cli)
{
    struct watcher watcher = {.cli = cli,
                              .pool = cli->operands[0],
                              .actions = json_array(),
                              .is_live = isatty(STDOUT_FILENO) == 1 && !cli->json};
    int code = begin(&watcher);
    bool began = code == EX_OK;
    while (code == EX_OK && !stopped) {
        size_t count = 0; /* not needed: the state may have changed without new actions */
        show(&watcher);
        code = cli_flush();
        code = code == EX_OK ? read_actions(&watcher, WAIT_MS, &count) : code;
        code = code == EX_OK ? read_state(&watcher) : code;
    }
    if (began) {
        set_screen(&watcher, false);
    }
    json_decref(watcher.actions);
    json_decref(watcher.view);
    json_decref(watcher.solvency);
    json_decref(watcher.at_risk);
    buffer_fini(&watcher.cursor);
    buffer_fini(&watcher.totals);
    return stopped ? EX_OK : code;
}
