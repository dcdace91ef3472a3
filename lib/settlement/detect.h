/* SPDX-License-Identifier: Apache-2.0 */
/* Detection: which accounts are insolvent at the marks, and so the debtors of the settlement. */
#ifndef BS_DETECT_H
#define BS_DETECT_H

#include "lib/settlement/plan.h"

/* Lists the debtors, smallest deficit first, then by account id: while the pool's trigger is the
 * handover, only accounts handed over. */
void bs_debtors_detect(struct bs_engine *engine, struct bs_plan *plan);
/* Puts them in their order, once the order of ids is up to date. */
void bs_debtors_sort(struct bs_plan *plan);
/* Keeps the legs held now, by which a debt is shared among markets. */
void bs_debtor_record_legs(struct bs_plan *plan, struct bs_debtor *debtor);

#endif
