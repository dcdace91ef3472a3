/* SPDX-License-Identifier: Apache-2.0 */
/* The action of an account that takes over lots of another, or gives them back. */
#ifndef BS_TAKING_H
#define BS_TAKING_H

#include "lib/settlement/actions.h"

/* What a provider takes over of a position, before that is carried out. */
struct bs_taking {
    uint32_t account, counterparty, market;
    int sign;                  /* of the position */
    int64_t lots;              /* along it; below 0: gives back */
    bs_i128 value, mark_value; /* of the lots, signed as they are */
};

/* Sizes count along the position's side, so that one of its own on the other side is below 0. */
struct bs_action *bs_applying_taking(struct bs_applying *applying, enum bs_action_type type,
                                     const struct bs_taking *taking);

#endif
