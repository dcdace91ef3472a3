/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the log has held. Retention cuts files off the log, and a judge wants all of it: so whatever
 * is about to be cut is read first, and what was read before is compared with what the log says now.
 */
#ifndef SIM_HISTORY_H
#define SIM_HISTORY_H

#include "tests/sim/ledger.h"

/* Reads what is durable and not read yet. 0 or an error of the log with a message. */
BS_MUST_USE int history_follow(struct ledger *ledger, struct command_log *log,
                               struct log_reader *reader, char error[LOG_ERROR_SIZE]);
/* Reads all that the log holds from its beginning on, which is `begin`: it has not changed. */
BS_MUST_USE int history_compare(struct ledger *ledger, struct command_log *log,
                                const struct log_reader_place *begin, struct log_reader *reader,
                                char error[LOG_ERROR_SIZE]);
/* The record of a sequence that was read. */
const uint8_t *history_record(const struct ledger *ledger, uint64_t seq);

#endif
