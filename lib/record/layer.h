/* SPDX-License-Identifier: Apache-2.0 */
/* The layers of a waterfall as bytes of a pool command: docs/records.md. */
#ifndef BS_RECORD_LAYER_H
#define BS_RECORD_LAYER_H

#include "lib/record/command.h"
#include "lib/record/wire.h"

void bs_layers_write(struct bs_writer *writer, const struct bs_layer *layers, uint32_t count);
/* Returns how many there are. */
uint32_t bs_layers_read(struct bs_reader *reader, struct bs_layer layers[BS_LAYERS_MAX]);

#endif
