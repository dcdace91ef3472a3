/* SPDX-License-Identifier: Apache-2.0 */
/* The sections of a snapshot. Each function writes the next row of its section: false = no more. */
#ifndef BS_SNAPSHOT_SECTIONS_H
#define BS_SNAPSHOT_SECTIONS_H

#include "lib/snapshot/row.h"

bool bs_section_engine(struct bs_snapshot_writer *writer, struct bs_row_writer *row);
bool bs_section_pools(struct bs_snapshot_writer *writer, struct bs_row_writer *row);
bool bs_section_markets(struct bs_snapshot_writer *writer, struct bs_row_writer *row);
bool bs_section_accounts(struct bs_snapshot_writer *writer, struct bs_row_writer *row);
bool bs_section_providers(struct bs_snapshot_writer *writer, struct bs_row_writer *row);
bool bs_section_sources(struct bs_snapshot_writer *writer, struct bs_row_writer *row);
bool bs_section_ids(struct bs_snapshot_writer *writer, struct bs_row_writer *row);
bool bs_section_closes(struct bs_snapshot_writer *writer, struct bs_row_writer *row);
bool bs_section_end(struct bs_snapshot_writer *writer, struct bs_row_writer *row);

#endif
