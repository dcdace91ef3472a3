/* SPDX-License-Identifier: Apache-2.0 */
/* A layer of a waterfall as bytes of a pool command: docs/records.md. */
#ifndef BS_RECORD_LAYER_H
#define BS_RECORD_LAYER_H

#include "lib/record/command.h"
#include "lib/record/wire.h"

#define PERIOD_UNIT_MS 60000u
#define PERIOD_MAX_MS (366ull * 24 * 60 * PERIOD_UNIT_MS)

void bs_layer_write(struct bs_writer *writer, const struct bs_layer *layer);
void bs_layer_read(struct bs_reader *reader, struct bs_layer *layer);

#endif
