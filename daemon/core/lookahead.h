/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Walks a batch of records ahead of the step and has the engine ask for the memory they will need.
 * A command of a large book waits for memory several times; done ahead, the waits overlap.
 */
#ifndef LOOKAHEAD_H
#define LOOKAHEAD_H

#include "lib/engine.h"

#define LOOKAHEAD_STAGES 3
#define LOOKAHEAD_DISTANCE 6 /* records from one stage to the next, and to the step */

struct lookahead {
    const uint8_t *records;
    size_t size;
    size_t offsets[LOOKAHEAD_STAGES]; /* where each stage has come to */
    size_t stepped;                   /* bytes whose records were handed out */
};

/* The records stay where they are until the last of them is stepped. */
void lookahead_begin(struct lookahead *lookahead, const struct bs_engine *engine,
                     const uint8_t *records, size_t size);
/* The record that is stepped next; NULL after the last one. */
const uint8_t *lookahead_next(struct lookahead *lookahead, const struct bs_engine *engine);

#endif
