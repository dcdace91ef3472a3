/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/snapshot/snapshot_block.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <unistd.h>

#include "daemon/log/identity.h"
#include "daemon/logger/logger.h"
#include "daemon/snapshot/snapshot_directory.h"
#include "daemon/snapshot/snapshot_load.h"

static struct bs_engine *take_engine(void *user, const struct bs_capacity_command *in_force,
                                     const struct bs_capacity_command *largest, int *ret_code,
                                     char error[LOG_ERROR_SIZE])
{
    struct block *block = user;
    (void)in_force;
    (void)largest;
    (void)ret_code;
    (void)error;
    return block->engine;
}

int snapshot_block_load(struct block *block, int directory, uint64_t seq,
                        struct first_answers *answers, char error[LOG_ERROR_SIZE])
{
    struct snapshot_header header;
    const struct snapshot_target target = {.make = take_engine, .user = block, .answers = answers};
    assert(block_seq(block) == 0);
    int code = snapshot_load(directory, seq, &target, &header, error);
    if (code == 0 && strcmp(header.identity, log_reader_identity(block->reader)) != 0) {
        code = log_error(error, -EBADMSG, "the snapshot at seq %" PRIu64 " is of the log %s", seq,
                         header.identity);
    }
    if (code == 0) {
        block->place.seq = seq;
        memcpy(block->place.link, header.link, LOG_HASH_SIZE);
        block->settlements_count = header.settlement;
    }
    return code;
}

/* 1: it begins with that snapshot; 0: it cannot, and is as it was just made. */
static int try_snapshot(struct block *block, const struct bs_config *config, int directory,
                        uint64_t seq, char *error)
{
    char reason[LOG_ERROR_SIZE];
    struct log_reader *reader = block->reader;
    if (snapshot_block_load(block, directory, seq, NULL, reason) == 0) {
        return 1;
    }
    logger_write(LOGGER_ERROR, "snapshot", "a snapshot of the past is passed over",
                 LOGGER_FIELDS(logger_string("reason", reason)));
    block_close(block);
    return block_open(block, config, reader, error);
}

int snapshot_block_open_before(struct block *block, const struct bs_config *config,
                               struct log_reader *reader, const char *directory, uint64_t seq,
                               char error[LOG_ERROR_SIZE])
{
    struct snapshot_list list = {0};
    int code = block_open(block, config, reader, error);
    int fd =
        code == 0 && directory != NULL ? open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
    if (fd >= 0) {
        code = snapshot_list_read(&list, fd, error);
    }
    for (uint32_t i = 0; i < list.count && code == 0; i++) {
        if (list.seqs[i] < seq) {
            code = try_snapshot(block, config, fd, list.seqs[i], error);
        }
    }
    if (fd >= 0) {
        (void)close(fd);
    }
    return code < 0 ? code : 0;
}
