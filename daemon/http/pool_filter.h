/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The parameter `pool` of what is read from the log: a pool that the log has rows of, even if it was
 * deleted since, or one that the engine has. Any other is refused. The log is looked at first, and
 * the core loop is asked only about a pool that the log has nothing of.
 */
#ifndef HTTP_POOL_FILTER_H
#define HTTP_POOL_FILTER_H

#include "daemon/http/connection.h"
#include "daemon/http/log_reads.h"

/* On the thread of log_reads.h: sets read->is_pool_unseen. 0, or negative with the error. */
BS_MUST_USE int pool_filter_look(struct log_read *read, struct log_reader *reader,
                                 struct bs_text pool, char error[LOG_ERROR_SIZE]);
/* Submits a read that only looks; it is the connection's job. */
enum outcome pool_filter_begin(struct connection *connection);
/* For `end`, when connection->job, a struct log_read, is back. SUBMITTED: the core loop is asked and
 * `end` follows again. ANSWER: an answer may be there or not; see request.status. */
enum outcome pool_filter_end(struct connection *connection);

#endif
