/* SPDX-License-Identifier: Apache-2.0 */
/* Netting: insolvent accounts on opposite sides close against each other at mark. */
#ifndef BS_NET_H
#define BS_NET_H

#include "lib/settlement/plan.h"

/* Nets all debtors of the plan where their losses are shared, which makes it the same to all. */
void bs_debtors_net(struct bs_plan *plan);

#endif
