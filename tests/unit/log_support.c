/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/log_support.h"

#include <dirent.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/log/identity.h"

void support_directory(char ret_path[PATH_MAX])
{
    const char *parent = getenv("TMPDIR");
    int size = snprintf(ret_path, PATH_MAX, "%s/test-log-XXXXXX", parent == NULL ? "/tmp" : parent);
    assert(size < PATH_MAX);
    const char *made = mkdtemp(ret_path);
    assert(made != NULL);
}

void support_remove(const char *directory)
{
    DIR *names = opendir(directory);
    assert(names != NULL);
    const struct dirent *entry;
    while ((entry = readdir(names)) != NULL) {
        if (entry->d_name[0] != '.') {
            (void)unlinkat(dirfd(names), entry->d_name, 0);
        }
    }
    (void)closedir(names);
    (void)rmdir(directory);
}

static void copy_file(int source, int target)
{
    static char bytes[1 << 16];
    ssize_t got;
    while ((got = read(source, bytes, sizeof(bytes))) > 0) {
        ssize_t put = write(target, bytes, (size_t)got);
        assert(put == got);
    }
    assert(got == 0);
}

void support_copy(const char *source, const char *target)
{
    DIR *names = opendir(source);
    int to = open(target, O_RDONLY | O_DIRECTORY);
    assert(names != NULL);
    assert(to >= 0);
    const struct dirent *entry;
    while ((entry = readdir(names)) != NULL) {
        if (strncmp(entry->d_name, "log-", 4) == 0 && strstr(entry->d_name, "-shm") == NULL) {
            int read_fd = openat(dirfd(names), entry->d_name, O_RDONLY);
            int write_fd = openat(to, entry->d_name, O_WRONLY | O_CREAT | O_TRUNC, 0600);
            assert(read_fd >= 0);
            assert(write_fd >= 0);
            copy_file(read_fd, write_fd);
            (void)close(read_fd);
            (void)close(write_fd);
        }
    }
    (void)closedir(names);
    (void)close(to);
}

struct command_log *support_open(const char *directory, uint64_t file_size_max)
{
    char error[LOG_ERROR_SIZE] = "";
    struct command_log *log = NULL;
    struct log_options options = {
        .directory = directory, .file_size_max = file_size_max, .create = true};
    if (log_open_sqlite(&log, &options, error) != 0) {
        (void)fprintf(stderr, "%s\n", error);
        abort();
    }
    return log;
}

void support_records(struct buffer *records, uint64_t first_seq, uint32_t count, const char *market)
{
    struct bs_command command = {.type = BS_COMMAND_MARK};
    command.as.mark.market = (struct bs_text){market, (uint32_t)strlen(market)};
    for (uint32_t i = 0; i < count; i++) {
        command.as.mark.price = (struct bs_decimal){.mantissa = (int64_t)(i * 10 + 1)};
        buffer_reserve(records, 256);
        uint8_t *at = (uint8_t *)records->bytes + records->size;
        size_t size = bs_command_encode(&command, at, 256);
        assert(size > 0);
        bs_record_stamp(at, first_seq + i, 1000 + (int64_t)(first_seq + i));
        records->size += size;
    }
}

static void fill_action(struct support_batch *batch, uint64_t ordinal, size_t *ret_offset)
{
    static const char *const pools[] = {"p0", "p1", "p2"};
    static const uint8_t types[] = {BS_ACTION_ADL, BS_ACTION_HAIRCUT, BS_ACTION_TAKEOVER};
    char account[16];
    int account_size = snprintf(account, sizeof(account), "account%" PRIu64, ordinal % 10);
    struct bs_action action = {
        .ordinal = ordinal,
        .id = (ordinal + 2) / 3,
        .settlement = ordinal / 100 + 1,
        .time_ms = 1760130000000,
        .type = types[ordinal / 7 % 3],
        .present = 0x3ffu | BS_ACTION_HAS_SETTLEMENT,
        .pool = {pools[ordinal % 3], 2},
        .account = {account, (uint32_t)account_size},
        .market = {"BTC-PERP", 8},
    };
    for (uint32_t i = 0; i < 10; i++) {
        action.decimals[i] = (struct bs_wide){.mantissa = (bs_i128)(ordinal * 10 + 1)};
    }
    buffer_reserve(&batch->texts, BS_ACTION_RECORD_SIZE_MAX);
    *ret_offset = batch->texts.size;
    uint8_t *record = (uint8_t *)batch->texts.bytes + batch->texts.size;
    batch->texts.size += bs_action_encode(&action, record);
}

void support_fill(struct support_batch *batch, const struct command_log *log,
                  uint32_t records_count, uint32_t actions_count, bool settle)
{
    buffer_clear(&batch->records);
    buffer_clear(&batch->rows);
    buffer_clear(&batch->texts);
    support_records(&batch->records, log_last_seq(log) + 1, records_count, "BTC-PERP");
    size_t *offsets = calloc(actions_count + 1u, sizeof(*offsets));
    assert(offsets != NULL);
    for (uint32_t i = 0; i < actions_count; i++) {
        fill_action(batch, log_last_ordinal(log) + 1 + i, &offsets[i]);
    }
    offsets[actions_count] = batch->texts.size;
    for (uint32_t i = 0; i < actions_count; i++) {
        struct bs_action action;
        const uint8_t *record = (const uint8_t *)batch->texts.bytes + offsets[i];
        size_t size = offsets[i + 1] - offsets[i];
        bool decoded = bs_action_decode(record, size, &action) == BS_OK;
        assert(decoded);
        struct log_action_row row = {
            .ordinal = action.ordinal,
            .id = action.id,
            .settlement = action.settlement,
            .type = action.type,
            .pool = action.pool,
            .account = action.account,
            .record = record,
            .record_size = (uint32_t)size,
        };
        buffer_append(&batch->rows, &row, sizeof(row));
    }
    free(offsets);
    batch->batch = (struct log_batch){
        .first_seq = log_last_seq(log) + 1,
        .records_count = records_count,
        .records = (const uint8_t *)batch->records.bytes,
        .records_size = batch->records.size,
        .actions = (const void *)batch->rows.bytes,
        .actions_count = actions_count,
    };
    if (settle) {
        batch->settled++;
        struct bs_settlement settlement = {
            .pool = {"p0", 2}, .number = batch->settled, .seq = log_last_seq(log)};
        batch->settlement = (struct log_settlement_row){
            .pool = settlement.pool,
            .number = settlement.number,
            .record = batch->settlement_record,
            .record_size = (uint32_t)bs_settlement_encode(&settlement, batch->settlement_record),
        };
        batch->batch.settlements = &batch->settlement;
        batch->batch.settlements_count = 1;
    }
}

void support_fini(struct support_batch *batch)
{
    buffer_fini(&batch->records);
    buffer_fini(&batch->rows);
    buffer_fini(&batch->texts);
}

void support_durable_init(struct support_durable *durable)
{
    memset(durable, 0, sizeof(*durable));
    pthread_mutex_init(&durable->mutex, NULL);
    pthread_cond_init(&durable->changed, NULL);
}

void support_on_durable(void *user, int error, const char *message)
{
    struct support_durable *durable = user;
    pthread_mutex_lock(&durable->mutex);
    durable->calls++;
    durable->error = error;
    (void)snprintf(durable->message, sizeof(durable->message), "%s",
                   message == NULL ? "" : message);
    pthread_cond_signal(&durable->changed);
    pthread_mutex_unlock(&durable->mutex);
}

int support_append(struct command_log *log, struct support_durable *durable,
                   const struct log_batch *batch)
{
    pthread_mutex_lock(&durable->mutex);
    uint32_t before = durable->calls;
    pthread_mutex_unlock(&durable->mutex);
    log_append(log, batch);
    pthread_mutex_lock(&durable->mutex);
    while (durable->calls == before) {
        pthread_cond_wait(&durable->changed, &durable->mutex);
    }
    int error = durable->error;
    pthread_mutex_unlock(&durable->mutex);
    return error;
}

struct command_log *support_make(const char *directory, uint64_t file_size_max, uint32_t batches)
{
    struct support_durable durable;
    struct support_batch batch = {0};
    char error[LOG_ERROR_SIZE];
    struct command_log *log = support_open(directory, file_size_max);
    support_durable_init(&durable);
    int code = log_identify(log, error);
    assert(code == 0);
    code = log_start(log, support_on_durable, &durable);
    assert(code == 0);
    for (uint32_t i = 0; i < batches; i++) {
        support_fill(&batch, log, 400, 300, i % 3 == 0);
        code = support_append(log, &durable, &batch.batch);
        assert(code == 0);
    }
    log_stop(log);
    log_close(log);
    support_fini(&batch);
    return support_open(directory, file_size_max);
}

static bool count_records(void *user, uint64_t first_seq, uint32_t count, const uint8_t *records,
                          size_t size)
{
    (void)first_seq;
    (void)records;
    (void)size;
    *(int64_t *)user += count;
    return true;
}

static bool pass_action(void *user, const struct log_action_row *row,
                        const uint8_t hash[LOG_HASH_SIZE])
{
    (void)user;
    (void)row;
    (void)hash;
    return true;
}

int64_t support_verify(struct command_log *log, char error[LOG_ERROR_SIZE])
{
    int64_t count = 0;
    if (log_read_records(log, 0, count_records, &count, error) != 0 ||
        log_read_actions(log, &(struct log_action_place){0}, pass_action, NULL, error) != 0) {
        return -1;
    }
    return count;
}
