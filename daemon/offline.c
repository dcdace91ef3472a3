/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/offline.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <sysexits.h>

#include "api/json_state.h"
#include "daemon/app.h"
#include "daemon/app_options.h"
#include "daemon/core/replay.h"

static struct command_log *open_log(const struct settings *settings, int *ret_status)
{
    char error[LOG_ERROR_SIZE];
    struct command_log *log = NULL;
    int code = app_log_open(settings, false, &log, error);
    if (code < 0) {
        (void)fprintf(stderr, "backstopd: %s\n", error);
        log_close(log);
        *ret_status = app_exit_status(code);
        return NULL;
    }
    return log;
}

static void print_hex(const char *name, const uint8_t *bytes, size_t size)
{
    (void)printf("%-16s ", name);
    for (size_t i = 0; i < size; i++) {
        (void)printf("%02x", bytes[i]);
    }
    (void)putchar('\n');
}

static void print_result(struct executor *executor, const struct replay_result *result)
{
    struct bs_digest digest = bs_engine_digest(executor->engine);
    uint64_t ordinal = bs_engine_actions(executor->engine);
    (void)printf("%-16s %" PRIu64 "\n", "seq", executor->seq);
    (void)printf("%-16s %" PRIu64 "\n", "ordinal", ordinal);
    (void)printf("%-16s %" PRIu64 "\n", "actions_missing", ordinal - result->actions_compared);
    (void)printf("%-16s %" PRIu64 "\n", "settlements", result->settlements_compared);
    (void)printf("%-16s %016" PRIx64 "%016" PRIx64 "\n", "digest", digest.words[0],
                 digest.words[1]);
    (void)printf("%-16s %s\n", "digest_stored", result->digest_compared ? "equal" : "none");
    print_hex("action_hash", result->action_hash, sizeof(result->action_hash));
}

static int verify(const struct settings *settings, struct command_log *log)
{
    char error[LOG_ERROR_SIZE];
    struct core_options options;
    struct executor executor;
    app_core_options(settings, &options);
    int code = executor_init(&executor, &options.engine, error);
    if (code == 0) {
        struct replay_options replay_options = {0};
        struct replay_result result;
        code = replay_run(&executor, log, &replay_options, &result, error);
        if (code == 0) {
            print_result(&executor, &result);
        }
        executor_fini(&executor);
    }
    if (code < 0) {
        (void)fprintf(stderr, "backstopd: %s\n", error);
        return app_exit_status(code);
    }
    return fflush(stdout) == 0 ? EX_OK : EX_IOERR;
}

int offline_verify(const struct settings *settings)
{
    int status = EX_OK;
    struct command_log *log = open_log(settings, &status);
    if (log != NULL) {
        status = verify(settings, log);
        log_close(log);
    }
    return status;
}

struct dump {
    struct buffer time;
    uint64_t bad_seq; /* 0 = none */
};

static bool on_records(void *user, uint64_t first_seq, uint32_t count, const uint8_t *records,
                       size_t size)
{
    struct dump *dump = user;
    size_t offset = 0;
    for (uint32_t i = 0; i < count; i++) {
        struct bs_command command;
        uint32_t record_size = bs_record_size(records + offset);
        assert(record_size <= size - offset);
        if (bs_command_decode(records + offset, record_size, &command) != BS_OK) {
            dump->bad_seq = first_seq + i;
            return false;
        }
        struct bs_text name = bs_command_subject(&command);
        buffer_clear(&dump->time);
        api_time(&dump->time, command.time_ms);
        (void)printf("%" PRIu64 " %.*s %s %.*s\n", command.seq, (int)dump->time.size - 2,
                     dump->time.bytes + 1, bs_command_type_name(command.type), (int)name.size,
                     name.bytes);
        offset += record_size;
    }
    return ferror(stdout) == 0;
}

static int dump_log(struct command_log *log, uint64_t from)
{
    char error[LOG_ERROR_SIZE];
    struct dump dump = {0};
    int code = log_read_records(log, from > 0 ? from - 1 : 0, on_records, &dump, error);
    buffer_fini(&dump.time);
    if (code == 0 && dump.bad_seq > 0) {
        (void)snprintf(error, sizeof(error),
                       "the record at seq %" PRIu64 " is not one this version can read",
                       dump.bad_seq);
        code = -EBADMSG;
    }
    if (code < 0) {
        (void)fflush(stdout);
        (void)fprintf(stderr, "backstopd: %s\n", error);
        return app_exit_status(code);
    }
    return fflush(stdout) == 0 ? EX_OK : EX_IOERR;
}

int offline_dump(const struct settings *settings, uint64_t from)
{
    int status = EX_OK;
    struct command_log *log = open_log(settings, &status);
    if (log != NULL) {
        status = dump_log(log, from);
        log_close(log);
    }
    return status;
}
