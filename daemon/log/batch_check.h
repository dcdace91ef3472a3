/* SPDX-License-Identifier: Apache-2.0 */
/* Reading batches back: every record's CRC32C, gapless sequences and the chain are checked. */
#ifndef BATCH_CHECK_H
#define BATCH_CHECK_H

#include "daemon/log/log.h"

struct batch_row {
    const char *where; /* the file's name, for messages */
    uint64_t first_seq;
    uint32_t count;
    const uint8_t *link; /* LOG_HASH_SIZE bytes */
    const uint8_t *records;
    size_t size;
};

struct batch_check {
    uint64_t after; /* records up to here are checked, not delivered */
    log_records_fn fn;
    void *user;
    uint64_t seq;                /* of the last record checked */
    uint8_t link[LOG_HASH_SIZE]; /* up to there */
    bool stopped;                /* fn returned false */
};

/* Checks the next batch and delivers it. */
BS_MUST_USE int batch_check_row(struct batch_check *check, const struct batch_row *row,
                                char *error);
/* Walks stamped records: the size in bytes of the first `count` of them, at least `count_min` and
 * as many as fit in `size_max`. */
size_t batch_prefix(const uint8_t *records, uint32_t count, size_t size_max, uint32_t *ret_count);

#endif
