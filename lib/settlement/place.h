/* SPDX-License-Identifier: Apache-2.0 */
/* The counterparty's place in its queue, as its action shows it. */
#ifndef BS_PLACE_H
#define BS_PLACE_H

#include "lib/settlement/actions.h"

/* Adds the place (rank, from 0) of the step's counterparty to its action, and what an outsider needs to
 * recompute it. */
void bs_applying_place(struct bs_applying *applying, struct bs_action *action, uint32_t rank);

#endif
