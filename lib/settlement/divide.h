/* SPDX-License-Identifier: Apache-2.0 */
/* The haircut layer: debts become period loss, and the period loss is divided among payers. */
#ifndef BS_DIVIDE_H
#define BS_DIVIDE_H

#include "lib/settlement/plan.h"

/* The debt of a debtor becomes period loss; without a haircut layer, unallocated deficit. */
void bs_debtor_write_off(struct bs_plan *plan, uint32_t debtor_row);
/* Divides the open period loss among the payers. One call divides one market's or the pool's part;
 * call until it returns false. */
bool bs_divide_next(struct bs_plan *plan, struct bs_division *division);

#endif
