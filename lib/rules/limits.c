/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/rules/limits.h"

#include "lib/money/money.h"

struct bs_limit_use bs_limit_use_now(const struct bs_limit_use *use, uint64_t number,
                                     const struct bs_limit_base *base)
{
    assert(number != 0);
    return use->number == number ? *use : (struct bs_limit_use){.number = number, .base = *base};
}

/* A share of the base, less what was used of it. */
static bs_i128 left_of(const struct bs_layer *layer, int option, bs_i128 base, bs_i128 used)
{
    return layer->has[option] ? bs_muldiv_floor(base, layer->options[option], BS_PPM) - used
                              : BS_UNLIMITED;
}

struct bs_allowance bs_limits_left(const struct bs_layer *layer, enum bs_limit_span span,
                                   const struct bs_limit_use *use)
{
    bool daily = span == BS_LIMIT_DAY;
    int loss = daily ? BS_OPTION_MAX_LOSS_PPM_PER_DAY : BS_OPTION_MAX_LOSS_PPM;
    int close = daily ? BS_OPTION_MAX_CLOSE_PPM_PER_DAY : BS_OPTION_MAX_CLOSE_PPM;
    assert(span < BS_LIMIT_SPANS);
    return (struct bs_allowance){
        .loss = left_of(layer, loss, use->base.equity, use->lost),
        .close = left_of(layer, close, use->base.gross, use->closed),
    };
}
