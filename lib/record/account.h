/* SPDX-License-Identifier: Apache-2.0 */
/* Positions as bytes, alone and in an account: docs/records.md. */
#ifndef BS_RECORD_ACCOUNT_H
#define BS_RECORD_ACCOUNT_H

#include "lib/record/command.h"
#include "lib/record/wire.h"

void bs_item_write(struct bs_writer *writer, const struct bs_position_item *item);
void bs_item_read(struct bs_reader *reader, struct bs_position_item *item);
void bs_positions_write(struct bs_writer *writer, const struct bs_account_command *account);
/* Reads past all positions and leaves them where they are; sets has_positions. */
void bs_positions_read(struct bs_reader *reader, struct bs_account_command *account);

#endif
