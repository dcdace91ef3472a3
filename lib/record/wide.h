/* SPDX-License-Identifier: Apache-2.0 */
/* Wide decimals in records: an exponent, a size, and the mantissa in as few bytes as keep its sign.
 */
#ifndef BS_WIDE_H
#define BS_WIDE_H

#include "lib/record/wire.h"

#define BS_WIDE_SIZE_MAX 18

/* The exponent must be -36..0. */
void bs_write_wide(struct bs_writer *writer, struct bs_wide value);
/* Takes only the one spelling of each value that bs_write_wide gives. */
struct bs_wide bs_read_wide(struct bs_reader *reader);

#endif
