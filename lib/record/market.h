/* SPDX-License-Identifier: Apache-2.0 */
/* The fields of market and own_fund commands as bytes: docs/records.md. */
#ifndef BS_RECORD_MARKET_H
#define BS_RECORD_MARKET_H

#include "lib/record/command.h"
#include "lib/record/wire.h"

/* These return the header's present bits. */
uint32_t bs_market_write(struct bs_writer *writer, const struct bs_market_command *market);
uint32_t bs_own_fund_write(struct bs_writer *writer, const struct bs_own_fund_command *fund);
/* These return the present bits that there may be. */
uint32_t bs_market_read(struct bs_reader *reader, uint32_t present,
                        struct bs_market_command *market);
uint32_t bs_own_fund_read(struct bs_reader *reader, uint32_t present,
                          struct bs_own_fund_command *fund);

#endif
