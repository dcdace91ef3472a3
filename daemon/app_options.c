/* SPDX-License-Identifier: Apache-2.0 */
/* The one place where settings become the options of the parts: one row for each. */
#include <sys/random.h>

#include "daemon/app_options.h"
#include "daemon/log/identity.h"

#define WEBHOOKS_QUEUE_MAX 64 /* requests about webhooks that wait */

void app_core_options(const struct settings *settings, struct core_options *ret_options)
{
    struct core_options *options = ret_options;
    core_options_defaults(options);
    options->settle_interval_ms = settings_number32(settings, SETTING_CORE_SETTLE_INTERVAL_MS);
    options->queue_max = settings_number32(settings, SETTING_CORE_QUEUE_MAX);
    options->queue_bytes_max = settings_number(settings, SETTING_CORE_QUEUE_BYTES_MAX);
    options->batch_records_max = settings_number32(settings, SETTING_CORE_BATCH_RECORDS_MAX);
    options->feature_level = settings_number32(settings, SETTING_CORE_FEATURE_LEVEL);
    options->answers_max = settings_number32(settings, SETTING_CORE_ANSWERS_MAX);
    options->snapshots = settings_text(settings, SETTING_STORAGE_DATA);
    options->engine.capacity = (struct bs_capacity_command){
        .accounts_max = settings_number32(settings, SETTING_CAPACITY_ACCOUNTS_MAX),
        .positions_max = settings_number32(settings, SETTING_CAPACITY_POSITIONS_MAX),
        .markets_max = settings_number32(settings, SETTING_CAPACITY_MARKETS_MAX),
        .pools_max = settings_number32(settings, SETTING_CAPACITY_POOLS_MAX),
        .dedupe_window = settings_number32(settings, SETTING_CAPACITY_DEDUPE_WINDOW),
        .transfer_window = settings_number32(settings, SETTING_CAPACITY_TRANSFER_WINDOW),
        .source_window = settings_number32(settings, SETTING_CAPACITY_SOURCE_WINDOW),
    };
    uint64_t seed = 0;
    if (getrandom(&seed, sizeof(seed), 0) == (ssize_t)sizeof(seed)) {
        options->engine.hash_seed = seed;
    }
}

void app_http_options(const struct settings *settings, struct http_options *ret_options)
{
    struct http_options *options = ret_options;
    options->connections_max = settings_number32(settings, SETTING_HTTP_CONNECTIONS_MAX);
    options->body_size_max = settings_number(settings, SETTING_HTTP_BODY_SIZE_MAX);
    options->unread_size_max = settings_number(settings, SETTING_HTTP_UNREAD_SIZE_MAX);
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
    /* All clients of a loopback address come from one address, so the default is not for them. */
    bool is_given = settings->values[SETTING_HTTP_PER_IP_CONNECTIONS_MAX].origin != ORIGIN_DEFAULT;
    if (is_given || !socket_address_is_local(&options->address)) {
        options->per_ip_connections_max =
            settings_number32(settings, SETTING_HTTP_PER_IP_CONNECTIONS_MAX);
    }
}

void app_snapshot_options(const struct settings *settings,
                          struct snapshot_keeper_options *ret_options)
{
    *ret_options = (struct snapshot_keeper_options){
        .directory = settings_text(settings, SETTING_STORAGE_DATA),
        .every_commands = settings_number(settings, SETTING_SNAPSHOT_EVERY_COMMANDS),
    };
}

void app_follower_options(const struct settings *settings, struct follower_options *ret_options)
{
    *ret_options = (struct follower_options){
        .check_interval_s = settings_number32(settings, SETTING_SIMULATION_CHECK_INTERVAL_S),
    };
}

void app_simulator_options(const struct settings *settings, struct simulator_options *ret_options)
{
    *ret_options = (struct simulator_options){
        .snapshots = settings_text(settings, SETTING_STORAGE_DATA),
        .is_off = settings_number(settings, SETTING_SIMULATION_MODE) == 0, /* the first choice */
        .time_limit_ms = settings_number32(settings, SETTING_SIMULATION_TIME_LIMIT_MS),
        .queue_max = settings_number32(settings, SETTING_SIMULATION_QUEUE_MAX),
    };
}

void app_webhooks_options(const struct settings *settings, struct webhooks_options *ret_options)
{
    struct webhooks_options *options = ret_options;
    *options = (struct webhooks_options){
        .directory = settings_text(settings, SETTING_STORAGE_DATA),
        .allows_http = settings_number(settings, SETTING_WEBHOOKS_ALLOW_HTTP) != 0,
        .ca_file = settings_text(settings, SETTING_WEBHOOKS_CA_FILE),
        .timeout_ms = settings_number32(settings, SETTING_WEBHOOKS_TIMEOUT_MS),
        .connect_timeout_ms = settings_number32(settings, SETTING_WEBHOOKS_CONNECT_TIMEOUT_MS),
        .endpoints_max = settings_number32(settings, SETTING_WEBHOOKS_ENDPOINTS_MAX),
        .parallel_max = settings_number32(settings, SETTING_WEBHOOKS_PARALLEL_MAX),
        .history_max = settings_number32(settings, SETTING_WEBHOOKS_HISTORY_MAX),
        .disable_after_s = settings_number32(settings, SETTING_WEBHOOKS_DISABLE_AFTER_S),
        .queue_max = WEBHOOKS_QUEUE_MAX,
    };
    bool is_read =
        address_ranges_parse(&options->exceptions,
                             settings_text(settings, SETTING_WEBHOOKS_ALLOW_CIDRS)) &&
        address_ports_parse(&options->ports, settings_text(settings, SETTING_WEBHOOKS_PORTS));
    assert(is_read); /* settings were checked */
}

const char *app_archive(const struct settings *settings)
{
    const char *directory = settings_text(settings, SETTING_LOG_ARCHIVE_DIR);
    return directory[0] == '\0' ? NULL : directory;
}

struct retention_options app_retention_options(const struct settings *settings)
{
    return (struct retention_options){
        .keep_days = settings_number32(settings, SETTING_LOG_KEEP_DAYS),
        .keep_bytes = settings_number(settings, SETTING_LOG_KEEP_BYTES),
    };
}

static struct reserve_options reserve_of(const struct settings *settings)
{
    return (struct reserve_options){
        .size = settings_number(settings, SETTING_STORAGE_RESERVE_SIZE),
        .free_min = settings_number(settings, SETTING_STORAGE_FREE_MIN),
    };
}

void app_disk_options(const struct settings *settings, struct disk_watch_options *ret_options)
{
    disk_watch_options_defaults(ret_options);
    ret_options->directory = settings_text(settings, SETTING_STORAGE_DATA);
    ret_options->reserve = reserve_of(settings);
}

int app_log_open(const struct settings *settings, bool creates, struct command_log **ret_log,
                 char error[LOG_ERROR_SIZE])
{
    struct log_options options = {
        .directory = settings_text(settings, SETTING_STORAGE_DATA),
        .file_size_max = settings_number(settings, SETTING_STORAGE_FILE_SIZE_MAX),
        .create = creates,
        .archive = app_archive(settings),
        .reserve = reserve_of(settings),
    };
    int code = log_open_sqlite(ret_log, &options, error);
    return code == 0 ? log_identify(*ret_log, error) : code;
}
