/* SPDX-License-Identifier: Apache-2.0 */
/* From settings to the options of the parts. */
#include <sys/random.h>

#include "daemon/app.h"

void app_core_options(const struct settings *settings, struct core_options *ret_options)
{
    struct core_options *options = ret_options;
    core_options_defaults(options);
    options->settle_interval_ms = settings_number32(settings, SETTING_CORE_SETTLE_INTERVAL_MS);
    options->queue_max = settings_number32(settings, SETTING_CORE_QUEUE_MAX);
    options->queue_bytes_max = settings_number(settings, SETTING_CORE_QUEUE_BYTES_MAX);
    options->batch_records_max = settings_number32(settings, SETTING_CORE_BATCH_RECORDS_MAX);
    options->answers_max = settings_number32(settings, SETTING_CORE_ANSWERS_MAX);
    options->engine.accounts_max = settings_number32(settings, SETTING_CAPACITY_ACCOUNTS_MAX);
    options->engine.positions_max = settings_number32(settings, SETTING_CAPACITY_POSITIONS_MAX);
    options->engine.markets_max = settings_number32(settings, SETTING_CAPACITY_MARKETS_MAX);
    options->engine.pools_max = settings_number32(settings, SETTING_CAPACITY_POOLS_MAX);
    options->engine.dedupe_window = settings_number32(settings, SETTING_CAPACITY_DEDUPE_WINDOW);
    options->engine.source_window = settings_number32(settings, SETTING_CAPACITY_SOURCE_WINDOW);
    uint64_t seed = 0;
    if (getrandom(&seed, sizeof(seed), 0) == (ssize_t)sizeof(seed)) {
        options->engine.hash_seed = seed;
    }
}

void app_http_options(const struct settings *settings, struct http_options *ret_options)
{
    struct http_options *options = ret_options;
    options->connections_max = settings_number32(settings, SETTING_HTTP_CONNECTIONS_MAX);
    options->per_ip_connections_max =
        settings_number32(settings, SETTING_HTTP_PER_IP_CONNECTIONS_MAX);
    options->body_size_max = settings_number(settings, SETTING_HTTP_BODY_SIZE_MAX);
    options->idle_timeout_s = settings_number32(settings, SETTING_HTTP_IDLE_TIMEOUT_S);
    options->header_deadline_ms = settings_number32(settings, SETTING_HTTP_HEADER_DEADLINE_MS);
    options->body_deadline_ms = settings_number32(settings, SETTING_HTTP_BODY_DEADLINE_MS);
    options->answer_deadline_ms = settings_number32(settings, SETTING_HTTP_ANSWER_DEADLINE_MS);
    options->stall_limit_ms = settings_number32(settings, SETTING_CORE_STALL_LIMIT_MS);
    options->streams = (struct stream_options){
        .clients_max = settings_number32(settings, SETTING_STREAM_CLIENTS_MAX),
        .ping_interval_s = settings_number32(settings, SETTING_STREAM_PING_INTERVAL_S),
        .stall_timeout_s = settings_number32(settings, SETTING_STREAM_STALL_TIMEOUT_S),
        .behind_max = settings_number32(settings, SETTING_STREAM_BEHIND_MAX)};
    options->address = settings_address(settings, SETTING_HTTP_LISTEN);
}
