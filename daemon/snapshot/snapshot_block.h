/* SPDX-License-Identifier: Apache-2.0 */
/* A second block that begins with a snapshot. */
#ifndef SNAPSHOT_BLOCK_H
#define SNAPSHOT_BLOCK_H

#include "daemon/core/first_answers.h"
#include "daemon/follower/block.h"
#include "daemon/snapshot/snapshot_format.h"

/*
 * Fills a block that was just made for all that its log holds. -EBADMSG: the file is damaged or of
 * another log; after any failure the block must be made again. `answers` is optional.
 */
BS_MUST_USE int snapshot_block_load(struct block *block, int directory, uint64_t seq,
                                    struct first_answers *answers, char error[LOG_ERROR_SIZE]);

/*
 * Makes a block of the newest whole snapshot before a sequence; without one it begins with its log.
 * block_close in any case. A directory of NULL has no snapshots.
 */
BS_MUST_USE int snapshot_block_open_before(struct block *block, const struct bs_config *config,
                                           struct log_reader *reader, const char *directory,
                                           uint64_t seq, char error[LOG_ERROR_SIZE]);

#endif
