/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a waterfall does to one account: a trader's question before the event. Its positions and
 * those of its isolated margins, before and after.
 */
#ifndef SIM_EXPOSURE_H
#define SIM_EXPOSURE_H

#include "api/buffer.h"
#include "lib/engine.h"

struct exposure_row;

struct exposure {
    struct exposure_row *rows;
    uint32_t rows_count;
    bool failed;           /* no memory for the rows: writing it makes the buffer fail */
    struct bs_wide equity; /* of all of it, before */
    struct bs_wide taken;  /* lost in closes against mark, and by haircuts */
};

/* From the view before the settlement. */
void exposure_begin(struct exposure *exposure, const struct bs_engine *view, uint32_t account);
void exposure_take(struct exposure *exposure, struct bs_text account,
                   const struct bs_effects *effects);
/* Writes the object, from the view after the settlement. */
void exposure_write(const struct exposure *exposure, const struct bs_engine *view, uint32_t account,
                    struct buffer *out);
void exposure_fini(struct exposure *exposure);

#endif
