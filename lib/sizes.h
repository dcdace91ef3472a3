/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How large the tables are for given capacities. Memory is placed by the room that the engine was
 * made with; the limits that refuse anything follow from the largest capacities that were ever in
 * force, which the log has, never from memory.
 */
#ifndef BS_SIZES_H
#define BS_SIZES_H

#include "lib/book/book.h"

struct bs_sizes {      /* in rows */
    uint64_t accounts; /* those of the pools included */
    uint64_t pages, pools, markets;
    uint64_t positions;     /* that may be held */
    uint64_t position_rows; /* rooms are powers of two and move when they grow */
    uint64_t name_steps;
    uint64_t trade_ids, transfer_ids, source_items;
    uint64_t plan_steps, plan_debtors, plan_weights, plan_rounds, plan_working;
    uint64_t plan_working_positions;
};

struct bs_sizes bs_sizes_of(const struct bs_capacity_command *capacity);
/* Sets the limits of the tables by engine->largest. */
void bs_limits_set(struct bs_engine *engine);

#endif
