/* SPDX-License-Identifier: Apache-2.0 */
/* Money that may not leave a pool while debts of its accounts are not resolved. */
#ifndef BS_WITHHELD_H
#define BS_WITHHELD_H

#include "lib/book/book.h"
#include "lib/command/outcome.h"

/* Whether `amount` (< 0) may leave a trader's account as a withdrawal. */
struct bs_outcome bs_withdrawal_check(struct bs_engine *engine, uint32_t account, int64_t amount);
/* Whether `amount` (< 0) may leave the pool's fund, in whatever way. */
struct bs_outcome bs_fund_leaving_check(struct bs_engine *engine, uint32_t pool, int64_t amount);
/* Whether the pool may ask its fund for money: an account is under water, a loss or claims are
 * open, or a deficit is unallocated. */
bool bs_fund_is_needed(struct bs_engine *engine, uint32_t pool);

#endif
