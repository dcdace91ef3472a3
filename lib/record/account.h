/* SPDX-License-Identifier: Apache-2.0 */
/* Accounts and positions as bytes: docs/records.md. */
#ifndef BS_RECORD_ACCOUNT_H
#define BS_RECORD_ACCOUNT_H

#include "lib/record/command.h"
#include "lib/record/wire.h"

/* Return the header's present bits. */
uint32_t bs_account_write(struct bs_writer *writer, const struct bs_account_command *account);
uint32_t bs_position_write(struct bs_writer *writer, const struct bs_position_command *position);
/* Return the present bits that there may be. */
uint32_t bs_account_read(struct bs_reader *reader, uint32_t present,
                         struct bs_account_command *account);
uint32_t bs_position_read(struct bs_reader *reader, uint32_t present,
                          struct bs_position_command *position);

#endif
