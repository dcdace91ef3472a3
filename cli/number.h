/* SPDX-License-Identifier: Apache-2.0 */
/* Decimals as published, exact: up to 127 bits of digits. */
#ifndef CLI_NUMBER_H
#define CLI_NUMBER_H

#include "lib/money/decimal.h"

/* False when the text is no decimal, or longer than any that a server publishes. */
BS_MUST_USE bool number_parse(const char *text, struct bs_wide *ret_number);
/* number * 10^places; false when it is not whole or does not fit. */
BS_MUST_USE bool number_scaled(struct bs_wide number, int32_t places, bs_i128 *ret_whole);
/* a / b; false when it is not whole or does not fit. */
BS_MUST_USE bool number_ratio(struct bs_wide a, struct bs_wide b, bs_i128 *ret_whole);

#endif
