/* SPDX-License-Identifier: Apache-2.0 */
/* The table of routes and the search in it. */
#include <stdio.h>

#include "api/text.h"
#include "daemon/backup/backups.h"
#include "daemon/http/handlers.h"
#include "daemon/http/path.h"
#include "daemon/http/pool_snapshot.h"
#include "daemon/http/reads.h"
#include "daemon/webhooks/webhooks.h"

#define LIST_MAX 1000
#define ACTIONS_MAX 10000
#define BY_NAME (QUERY_AFTER_NAME | QUERY_LIMIT)
#define BY_NUMBER (QUERY_AFTER_NUMBER | QUERY_LIMIT)
#define BY_PLACE (QUERY_AFTER_PLACE | QUERY_LIMIT)
#define AT_SEQ (QUERY_MIN_SEQ | QUERY_WAIT_MS) /* of all reads that the follower answers */
#define BY_CURSOR (QUERY_AFTER_CURSOR | QUERY_LIMIT)

/*
 * Every row has roles; a row without any is for ops alone.
 *
 * Items in, as many as the sender likes, where each item's type has its role; one command made from
 * its path; reads of state; and routes that need no key.
 */
#define ITEMS(verb, pattern, type)                                                                 \
    {                                                                                              \
        .method = verb, pattern, .begin = write_begin, .end = write_end,                           \
        .roles = ROLE_FEED | ROLE_OPS, .command = type, .takes_body = true                         \
    }
#define COMMAND(verb, pattern, type, body)                                                         \
    {                                                                                              \
        .method = verb, pattern, .begin = write_begin, .end = write_end, .roles = ROLE_OPS,        \
        .command = type, .takes_body = body, .body_optional = true                                 \
    }
#define READ(pattern, fn)                                                                          \
    {                                                                                              \
        .method = "GET", pattern, .begin = read_begin, .read = fn, .roles = ROLE_READ              \
    }
#define LIST(pattern, fn, query, max)                                                              \
    {                                                                                              \
        .method = "GET", pattern, .begin = read_begin, .read = fn, .roles = ROLE_READ,             \
        .parameters = (query) | AT_SEQ, .limit_max = max                                           \
    }

/* A settlement of the pool in the path, or of the one that the query names. */
#define COMPARE(verb, pattern, body)                                                               \
    {                                                                                              \
        .method = verb, pattern, .begin = simulation_begin, .end = simulation_end,                 \
        .roles = ROLE_OPS, .takes_body = body                                                      \
    }
#define COMPARE_IN(verb, pattern, body)                                                            \
    {                                                                                              \
        .method = verb, pattern, .begin = simulation_begin, .end = simulation_end,                 \
        .roles = ROLE_OPS, .parameters = QUERY_POOL, .needs_pool = true, .takes_body = body        \
    }

/* About webhooks; the command is an enum webhooks_verb. */
#define WEBHOOK(verb, pattern, what, body)                                                         \
    {                                                                                              \
        .method = verb, pattern, .begin = webhook_begin, .roles = ROLE_OPS, .command = what,       \
        .takes_body = body                                                                         \
    }
#define WEBHOOK_LIST(pattern, what, query)                                                         \
    {                                                                                              \
        .method = "GET", pattern, .begin = webhook_begin, .roles = ROLE_OPS, .command = what,      \
        .parameters = query, .limit_max = LIST_MAX                                                 \
    }

static const struct route routes[] = {
    ITEMS("PUT", "/v1/pools/{}", BS_COMMAND_POOL),
    ITEMS("PUT", "/v1/markets/{}", BS_COMMAND_MARKET),
    ITEMS("POST", "/v1/accounts", BS_COMMAND_ACCOUNT),
    ITEMS("POST", "/v1/positions", BS_COMMAND_POSITION),
    ITEMS("POST", "/v1/fills", BS_COMMAND_FILL),
    ITEMS("POST", "/v1/transfers", BS_COMMAND_TRANSFER),
    ITEMS("POST", "/v1/marks", BS_COMMAND_MARK),
    ITEMS("POST", "/v1/handovers", BS_COMMAND_HANDOVER),
    ITEMS("POST", "/v1/providers", BS_COMMAND_PROVIDER),
    ITEMS("POST", "/v1/actions/{}/#/unfilled", BS_COMMAND_UNFILLED),
    ITEMS("POST", "/v1/markets/{}/final-settlement", BS_COMMAND_FINAL_SETTLEMENT),
    ITEMS("POST", "/v1/pools/{}/open-window", BS_COMMAND_OPEN_WINDOW),
    ITEMS("POST", "/v1/pools/{}/close-window", BS_COMMAND_CLOSE_WINDOW),
    ITEMS("POST", "/v1/markets/{}/insurance-fund", BS_COMMAND_OWN_FUND),
    ITEMS("POST", "/v1/commands", 0),
    ITEMS("POST", "/v1/pools/{}/insurance-fund", BS_COMMAND_INSURANCE_FUND),
    COMMAND("POST", "/v1/pools/{}/settle", BS_COMMAND_SETTLE, true),
    COMMAND("POST", "/v1/pools/{}/close-period", BS_COMMAND_CLOSE_PERIOD, true),
    COMMAND("POST", "/v1/pools/{}/resume", BS_COMMAND_RESUME, true),
    COMMAND("POST", "/v1/pools/{}/pause", BS_COMMAND_PAUSE, true),
    COMMAND("DELETE", "/v1/accounts/{}", BS_COMMAND_DELETE_ACCOUNT, false),
    COMMAND("DELETE", "/v1/markets/{}", BS_COMMAND_DELETE_MARKET, false),
    COMMAND("DELETE", "/v1/pools/{}", BS_COMMAND_DELETE_POOL, false),
    COMMAND("DELETE", "/v1/sources/{}", BS_COMMAND_DELETE_SOURCE, false),
    {.method = "GET",
     "/v1/sources",
     .begin = read_begin,
     .read = read_sources,
     .roles = ROLE_FEED | ROLE_READ,
     .parameters = BY_NAME | AT_SEQ,
     .limit_max = LIST_MAX},
    {.method = "GET",
     "/v1/sources/{}",
     .begin = read_begin,
     .read = read_source,
     .roles = ROLE_FEED | ROLE_READ},
    {.method = "GET",
     "/v1/presets",
     .begin = read_begin,
     .read = read_presets,
     .roles = ROLE_READ,
     .parameters = BY_NUMBER,
     .limit_max = LIST_MAX},
    LIST("/v1/pools", read_pools, BY_NAME, LIST_MAX),
    READ("/v1/pools/{}", read_pool),
    READ("/v1/pools/{}/insurance-fund", read_insurance_fund),
    LIST("/v1/pools/{}/insurance-fund/history", read_fund_history, BY_NUMBER, LIST_MAX),
    {.method = "GET",
     "/v1/pools/{}/solvency",
     .begin = read_begin,
     .read = read_solvency,
     .roles = ROLE_READ,
     .parameters = AT_SEQ},
    {.method = "GET",
     "/v1/pools/{}/snapshot",
     .begin = pool_snapshot_begin,
     .end = pool_snapshot_end,
     .send = pool_snapshot_send,
     .roles = ROLE_READ,
     .parameters = AT_SEQ},
    LIST("/v1/pools/{}/at-risk", read_at_risk, BY_PLACE, LIST_MAX),
    LIST("/v1/accounts", read_accounts, BY_NAME | QUERY_POOL, LIST_MAX),
    READ("/v1/accounts/{}", read_account),
    LIST("/v1/accounts/{}/adl-rank", read_adl_rank, BY_NUMBER | QUERY_FORMAT, LIST_MAX),
    LIST("/v1/positions", read_positions, BY_NAME | QUERY_POOL | QUERY_MARKET, LIST_MAX),
    LIST("/v1/providers", read_providers, BY_NAME | QUERY_POOL | QUERY_MARKET, LIST_MAX),
    LIST("/v1/markets", read_markets, BY_NAME, LIST_MAX),
    READ("/v1/markets/{}", read_market),
    {.method = "GET",
     "/v1/markets/{}/adl-queue",
     .begin = read_begin,
     .read = read_adl_queue,
     .roles = ROLE_READ,
     .parameters = BY_PLACE | QUERY_SIDE | AT_SEQ,
     .needs_side = true,
     .limit_max = LIST_MAX},
    {.method = "GET",
     "/v1/settlements",
     .begin = settlements_begin,
     .end = log_read_end,
     .roles = ROLE_READ,
     .parameters = BY_NUMBER | QUERY_POOL,
     .limit_max = LIST_MAX},
    {.method = "GET",
     "/v1/pools/{}/settlements/#",
     .begin = settlement_begin,
     .end = log_read_end,
     .roles = ROLE_READ,
     .parameters = BY_CURSOR,
     .limit_max = ACTIONS_MAX},
    {.method = "GET",
     "/v1/actions",
     .begin = actions_begin,
     .end = log_read_end,
     .roles = ROLE_READ,
     .parameters = BY_CURSOR | QUERY_POOL | QUERY_ACCOUNT | QUERY_TYPE | QUERY_WAIT_MS,
     .limit_max = ACTIONS_MAX},
    {.method = "GET",
     "/v1/stream",
     .begin = stream_begin,
     .end = stream_end,
     .send = stream_send,
     .roles = ROLE_READ,
     .parameters = QUERY_AFTER_CURSOR | QUERY_POOL | QUERY_ACCOUNT | QUERY_TYPE},
    {.method = "POST",
     "/v1/simulations",
     .begin = simulation_begin,
     .end = simulation_end,
     .roles = ROLE_OPS,
     .takes_body = true},
    COMPARE("GET", "/v1/pools/{}/settlements/#/compare", false),
    COMPARE("POST", "/v1/pools/{}/settlements/#/compare", true),
    COMPARE_IN("GET", "/v1/settlements/#/compare", false),
    COMPARE_IN("POST", "/v1/settlements/#/compare", true),
    WEBHOOK("POST", "/v1/webhooks", WEBHOOKS_CREATE, true),
    WEBHOOK_LIST("/v1/webhooks", WEBHOOKS_LIST, BY_NAME),
    WEBHOOK("GET", "/v1/webhooks/{}", WEBHOOKS_SHOW, false),
    WEBHOOK("DELETE", "/v1/webhooks/{}", WEBHOOKS_DELETE, false),
    WEBHOOK("POST", "/v1/webhooks/{}/test", WEBHOOKS_TEST, true),
    WEBHOOK("POST", "/v1/webhooks/{}/redeliver", WEBHOOKS_REDELIVER, true),
    WEBHOOK("POST", "/v1/webhooks/{}/rotate", WEBHOOKS_ROTATE, true),
    WEBHOOK("POST", "/v1/webhooks/{}/enable", WEBHOOKS_ENABLE, true),
    WEBHOOK_LIST("/v1/webhooks/{}/deliveries", WEBHOOKS_HISTORY, BY_NUMBER),
    {.method = "POST", "/v1/backups", .begin = backup_create_begin, .roles = ROLE_OPS},
    {.method = "GET", "/v1/backups/#", .begin = backup_show_begin, .roles = ROLE_OPS},
    {.method = "DELETE", "/v1/backups/#", .begin = backup_delete_begin, .roles = ROLE_OPS},
    {.method = "GET",
     "/v1/backups/#/files/{}",
     .begin = backup_file_begin,
     .roles = ROLE_OPS,
     .parameters = QUERY_OFFSET | QUERY_LIMIT,
     .limit_max = BACKUP_PIECE_MAX},
    {.method = "POST", "/v1/archive", .begin = archive_move_begin, .roles = ROLE_OPS},
    {.method = "GET", "/v1/archive", .begin = archive_show_begin, .roles = ROLE_OPS},
    {.method = "GET", "/v1/identity", .begin = identity_begin, .roles = ROLE_FEED | ROLE_READ},
    {.method = "POST", "/v1/clock", .begin = clock_begin, .roles = ROLE_OPS},
    {.method = "GET", "/livez", .begin = live_begin, .roles = ROLE_ANYBODY},
    {.method = "GET", "/healthz", .begin = live_begin, .roles = ROLE_ANYBODY},
    {.method = "GET",
     "/readyz",
     .begin = ready_begin,
     .end = ready_end,
     .roles = ROLE_ANYBODY,
     .parameters = QUERY_VERBOSE},
    {.method = "GET", "/metrics", .begin = metrics_begin, .roles = ROLE_READ},
    {.method = "GET", "/openapi.yaml", .begin = contract_begin, .roles = ROLE_READ},
};

#define ROUTES_COUNT (sizeof routes / sizeof routes[0])

/* Whether the path has the pattern's segments; names may be anything but empty. */
static bool matches(const struct path *path, const char *pattern)
{
    uint32_t i = 0;
    while (*pattern == '/') {
        const char *word = pattern + 1;
        size_t size = strcspn(word, "/");
        if (i == path->count || path->segments[i].size == 0) {
            return false;
        }
        bool is_word = word[0] != '{' && word[0] != '#';
        if (is_word && !bs_text_equal(path->segments[i], (struct bs_text){word, (uint32_t)size})) {
            return false;
        }
        i++;
        pattern = word + size;
    }
    return i == path->count;
}

static void allow(char *list, size_t capacity, const char *method)
{
    bool is_get = strcmp(method, "GET") == 0;
    size_t used = strlen(list);
    (void)snprintf(list + used, capacity - used, "%s%s%s", used == 0 ? "" : ", ", method,
                   is_get ? ", HEAD" : "");
}

/* A number that cannot be one of what the route numbers. */
static enum bs_status unknown_number(const struct route *route)
{
    if (route->begin == write_begin) {
        return BS_UNKNOWN_ACTION;
    }
    bool is_backup = strncmp(route->pattern, "/v1/backups/", sizeof "/v1/backups/" - 1) == 0;
    return is_backup ? BS_UNKNOWN_BACKUP : BS_UNKNOWN_SETTLEMENT;
}

static enum bs_status take_names(struct connection *connection, const struct path *path)
{
    const char *pattern = connection->route->pattern;
    connection->path_number = 0;
    for (uint32_t i = 0; i < path->count; i++) {
        pattern = strchr(pattern, '/') + 1;
        struct bs_text segment = path->segments[i];
        if (pattern[0] == '{') {
            if (!api_name_valid(segment)) {
                return BS_INVALID_NAME;
            }
            query_set_name(&connection->query, NAME_PATH, segment);
        } else if (pattern[0] == '#') {
            bool of_action = connection->route->command == BS_COMMAND_UNFILLED;
            if (!text_number(segment, INT64_MAX, &connection->path_number) ||
                (of_action && connection->path_number == 0)) {
                return unknown_number(connection->route);
            }
        }
    }
    return BS_OK;
}

enum bs_status route_find(struct connection *connection, const char *method, const char *url)
{
    struct path path;
    enum bs_status status = path_parse(&path, url);
    if (status != BS_OK) {
        return status;
    }
    const char *wanted = strcmp(method, "HEAD") == 0 ? "GET" : method;
    for (size_t i = 0; i < ROUTES_COUNT; i++) {
        if (!matches(&path, routes[i].pattern)) {
            continue;
        }
        if (strcmp(routes[i].method, wanted) == 0) {
            connection->route = &routes[i];
            connection->allow[0] = '\0';
            return take_names(connection, &path);
        }
        allow(connection->allow, sizeof connection->allow, routes[i].method);
    }
    return connection->allow[0] == '\0' ? BS_NOT_FOUND : BS_METHOD_NOT_ALLOWED;
}

const struct route *route_at(size_t i)
{
    return i < ROUTES_COUNT ? &routes[i] : NULL;
}

bool route_is_write(const struct route *route)
{
    return route->begin == write_begin;
}

bool route_is_webhook(const struct route *route)
{
    return route->begin == webhook_begin;
}
