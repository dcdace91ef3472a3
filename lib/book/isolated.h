/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An isolated position is an account row of its own, with its own collateral, baseline and at most
 * one position. It lives until its owner or its market is deleted.
 */
#ifndef BS_ISOLATED_H
#define BS_ISOLATED_H

#include "lib/book/book.h"

uint32_t bs_isolated_find(const struct bs_engine *engine, uint32_t owner, uint32_t market);
uint32_t bs_isolated_new(struct bs_engine *engine, uint32_t owner, uint32_t market,
                         enum bs_status *ret_status); /* 0 and a status when a table is full */
/* Makes the isolated row one of its market's. */
void bs_isolated_link(struct bs_engine *engine, uint32_t isolated, uint32_t market);
/* The row is flat and without collateral. */
void bs_isolated_delete(struct bs_engine *engine, uint32_t isolated);
/* Deletes the isolated rows of an owner (or of a market), unless one of them still holds something.
 */
BS_MUST_USE bool bs_isolated_drop(struct bs_engine *engine, uint32_t owner);
BS_MUST_USE bool bs_isolated_drop_market(struct bs_engine *engine, uint32_t market);
struct bs_text bs_isolated_market(const struct bs_engine *engine, uint32_t isolated);

#endif
