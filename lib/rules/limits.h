/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Limits of the adl layer on what deleveraging does to one account: what it loses (against mark)
 * and what of it is closed (value at mark), in one settlement and in one day (UTC), as shares of
 * its equity and of its positions' value at mark before the first close of either.
 */
#ifndef BS_LIMITS_RULE_H
#define BS_LIMITS_RULE_H

#include "lib/money/money.h"
#include "lib/record/command.h"

enum bs_limit_span { BS_LIMIT_SETTLEMENT, BS_LIMIT_DAY, BS_LIMIT_SPANS };

struct bs_limit_base {
    bs_i128 equity, gross; /* gross: sum of |value at mark| */
};

/* What deleveraging did to an account in one settlement or one day. */
struct bs_limit_use {
    uint64_t number; /* of that settlement or day; 0 = none yet */
    struct bs_limit_base base;
    bs_i128 lost, closed;
};

/* What may still be taken of a counterparty; BS_UNLIMITED where nothing limits it. */
struct bs_allowance {
    bs_i128 loss, close; /* quanta, may be below 0 after inverse roundings */
};

#define BS_UNLIMITED ((bs_i128)1 << 100)

/* The use in the span of this number. If `use` is of an earlier one, the span begins at `base`. */
struct bs_limit_use bs_limit_use_now(const struct bs_limit_use *use, uint64_t number,
                                     const struct bs_limit_base *base);
/* What the layer's limits leave of a span after this use. */
struct bs_allowance bs_limits_left(const struct bs_layer *layer, enum bs_limit_span span,
                                   const struct bs_limit_use *use);

#endif
