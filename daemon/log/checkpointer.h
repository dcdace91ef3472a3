/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The thread that moves what was committed from a -wal to its database, beside the commits, and
 * that finishes files when the next one has begun.
 */
#ifndef CHECKPOINTER_H
#define CHECKPOINTER_H

#include "daemon/log/log_file.h"

struct checkpointer;

BS_MUST_USE int checkpointer_start(struct checkpointer **ret_checkpointer,
                                   const struct log_place *place);
/* A checkpoint of the file that is being written, soon. */
void checkpointer_want(struct checkpointer *checkpointer, uint32_t number);
/* Takes over a file that is no longer written, at most CHECKPOINTER_FILES_MAX at a time: with more,
 * the disk is slower than the commits and the caller waits for it. */
void checkpointer_finish(struct checkpointer *checkpointer, struct log_file *file);
/* How many files it has taken over that are not finished yet. */
uint32_t checkpointer_waiting(struct checkpointer *checkpointer);
/* 0, or the first failure of the thread, which is final. */
BS_MUST_USE int checkpointer_failure(struct checkpointer *checkpointer, char *error);
/* Finishes the files taken over. NULL is fine. */
void checkpointer_stop(struct checkpointer *checkpointer);

#endif
