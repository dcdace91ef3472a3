/* SPDX-License-Identifier: Apache-2.0 */
/* Absolute updates say what an account holds: what they change is not a gain, so the baseline moves
 * with the equity. */
#ifndef BS_ABSOLUTE_H
#define BS_ABSOLUTE_H

#include "lib/book/book.h"
#include "lib/command/outcome.h"

/* A wire position in the integers of its market. */
struct bs_absolute {
    uint32_t market;
    int64_t size, entry;
    uint32_t priority;
    bool isolated, has_collateral;
    int64_t collateral;
};

struct bs_outcome bs_absolute_read(const struct bs_engine *engine, uint32_t pool,
                                   const struct bs_position_item *item,
                                   struct bs_absolute *ret_position);
/* Room for the position is reserved. Returns by how much the account's equity has changed. */
bs_i128 bs_absolute_write(struct bs_engine *engine, uint32_t account,
                          const struct bs_absolute *position);
/* The isolated row of a position item, made if need be; 0 and BS_ACCEPTED when there is nothing to
 * do. */
struct bs_outcome bs_absolute_open_isolated(struct bs_engine *engine, uint32_t owner,
                                            const struct bs_absolute *position,
                                            uint32_t *ret_isolated);
void bs_absolute_write_isolated(struct bs_engine *engine, uint32_t isolated,
                                const struct bs_absolute *position);
/* Ends an absolute update: moves the baseline with the equity, so that an update is never a
 * gain. */
void bs_absolute_finish(struct bs_engine *engine, uint32_t account, bs_i128 equity_change);

/* Refuses an update whose sender has not seen the account's newest action, or names one that does
 * not exist yet. */
struct bs_outcome bs_absolute_check_seen(const struct bs_engine *engine, uint32_t pool,
                                         uint64_t seen, uint64_t last_action);

#endif
