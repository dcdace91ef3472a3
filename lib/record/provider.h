/* SPDX-License-Identifier: Apache-2.0 */
/* The fields of a provider command as bytes: docs/records.md. */
#ifndef BS_RECORD_PROVIDER_H
#define BS_RECORD_PROVIDER_H

#include "lib/record/command.h"
#include "lib/record/wire.h"

/* Returns the header's present bits. */
uint32_t bs_provider_write(struct bs_writer *writer, const struct bs_provider_command *provider);
/* Returns the present bits that there may be. */
uint32_t bs_provider_read(struct bs_reader *reader, uint32_t present,
                          struct bs_provider_command *provider);

#endif
