/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/log/identity.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

#include "daemon/log/log_backend.h"

#define RANDOM_SIZE (LOG_IDENTITY_DIGITS / 2)
#define RECORD_SIZE 96

_Static_assert(RECORD_SIZE >= BS_RECORD_HEADER_SIZE + 1 + LOG_IDENTITY_DIGITS,
               "a record holds an identity");

int log_identity_make(char text[LOG_IDENTITY_DIGITS + 1], char *error)
{
    uint8_t random[RANDOM_SIZE];
    if (getrandom(random, sizeof(random), 0) != (ssize_t)sizeof(random)) {
        return log_error(error, -EIO, "no random bytes for the identity of the log");
    }
    for (size_t i = 0; i < RANDOM_SIZE; i++) {
        (void)snprintf(text + 2 * i, 3, "%02x", random[i]);
    }
    return 0;
}

static int write_identity(struct command_log *log, char *error)
{
    char text[LOG_IDENTITY_DIGITS + 1];
    int result = log_identity_make(text, error);
    if (result != 0) {
        return result;
    }
    struct timespec now;
    (void)clock_gettime(CLOCK_REALTIME, &now);
    uint8_t record[RECORD_SIZE];
    const struct bs_command command = {.type = BS_COMMAND_IDENTITY,
                                       .as.name.name = {text, LOG_IDENTITY_DIGITS}};
    size_t size = bs_command_encode(&command, record, sizeof(record));
    assert(size > 0);
    return log_put_record(log, record, (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000, error);
}

static bool is_identity(struct bs_text text)
{
    return text.size == LOG_IDENTITY_DIGITS &&
           strspn(text.bytes, "0123456789abcdef") >= LOG_IDENTITY_DIGITS;
}

/* Takes the first record of the log and stops the read. */
static bool on_first(void *user, uint64_t first_seq, uint32_t count, const uint8_t *records,
                     size_t size)
{
    struct command_log *log = user;
    struct bs_command command;
    uint32_t record_size = bs_record_size(records);
    assert(first_seq == 1);
    assert(count > 0);
    assert(record_size <= size);
    bool is_known = bs_command_decode(records, record_size, &command) == BS_OK &&
                    command.type == BS_COMMAND_IDENTITY && is_identity(command.as.name.name);
    if (is_known) {
        memcpy(log->identity, command.as.name.name.bytes, LOG_IDENTITY_DIGITS);
    }
    return false;
}

int log_identify(struct command_log *log, char error[LOG_ERROR_SIZE])
{
    assert(!log->started);
    if (log_begin(log).seq > 0) {
        assert(is_identity((struct bs_text){log->identity, LOG_IDENTITY_DIGITS}));
        return 0; /* its record was cut: the note of that keeps it */
    }
    int result = log->end.seq == 0 ? write_identity(log, error) : 0;
    if (result == 0) {
        log->identity[0] = '\0';
        result = log_read_records(log, 0, on_first, log, error);
    }
    if (result == 0 && log->identity[0] == '\0') {
        result = log_error(error, -EBADMSG,
                           "the first record of the log is not its identity: it was not written by "
                           "a backstopd of version 0.1.0 or later; start with an empty directory");
    }
    return result;
}

const char *log_identity(const struct command_log *log)
{
    return log->identity;
}

const char *log_reader_identity(const struct log_reader *reader)
{
    return log_identity(reader->log);
}
