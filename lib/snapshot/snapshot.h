/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The whole state of an engine as rows, and an engine from such rows.
 *
 *     bs_snapshot_begin(&writer, engine);
 *     while ((used = bs_snapshot_next(&writer, buffer, sizeof buffer)) > 0) { store(buffer, used); }
 *
 *     bs_snapshot_load_begin(&loader, fresh_engine);
 *     while (more) { status = bs_snapshot_load(&loader, rows, size, &used); keep rows + used; }
 *     status = bs_snapshot_load_end(&loader);
 *
 * Rows say what the state is, not how it lies in memory: names, numbers of pools and markets, money.
 * So they load into an engine with more room and another hash seed. A loaded engine does with every
 * later command what the other does, and its own rows are the same bytes. docs/formats.md has them
 * byte by byte.
 *
 * A row of an older build loads for ever: a field that it does not have is 0. What this build does
 * not know is BS_NEWER_RECORD, and what cannot be is BS_BAD_RECORD. No bytes do harm, but a status
 * other than BS_OK leaves half a state in the engine: its memory must be given up.
 */
#ifndef BS_SNAPSHOT_H
#define BS_SNAPSHOT_H

#include "lib/base/limits.h"
#include "lib/base/status.h"
#include "lib/record/command.h"

struct bs_engine;

#define BS_SNAPSHOT_VERSION 1u
#define BS_SNAPSHOT_ROW_MAX ((size_t)4096) /* bytes */

struct bs_snapshot_writer {
    struct bs_engine *engine;
    uint32_t section;
    uint32_t at, part; /* places in the section, and in what stands there */
    uint32_t row;      /* of the table: what `part` is of; 0 = none */
    uint64_t number;
};

/* The engine is not in the middle of a settlement. It may not be stepped until the end is reached. */
void bs_snapshot_begin(struct bs_snapshot_writer *writer, struct bs_engine *engine);
/* Writes whole rows and returns their bytes; 0 = the end. `size` is at least BS_SNAPSHOT_ROW_MAX. */
size_t bs_snapshot_next(struct bs_snapshot_writer *writer, uint8_t *buffer, size_t size);

/* The capacities that an engine for these rows needs, so that it can be made: room for the largest.
 * The first BS_SNAPSHOT_ROW_MAX bytes of the rows have them. */
BS_MUST_USE enum bs_status bs_snapshot_capacity(const uint8_t *rows, size_t size,
                                                struct bs_capacity_command *ret_in_force,
                                                struct bs_capacity_command *ret_largest);

#define BS_SNAPSHOT_OUTCOMES_MAX 512u
#define BS_SNAPSHOT_AHEAD 32u /* accounts whose place in the index is on its way to the cache */

struct bs_snapshot_loader {
    struct bs_engine *engine;
    enum bs_status status; /* BS_OK until something is wrong */
    uint64_t seen;         /* bits of the kinds of rows that came */
    uint8_t stage;
    uint32_t accounts, positions;                  /* how many are to come */
    uint32_t pool, market, account, owner, source; /* the last of each; 0 = none */
    uint64_t number;                               /* of the next change, item or id */
    uint64_t close;                                /* of the next close */
    uint32_t added;                                /* accounts that are in the index */
    uint32_t ahead[BS_SNAPSHOT_AHEAD];             /* the last accounts, by number */
    uint32_t outcomes_count;
    uint16_t outcomes[BS_SNAPSHOT_OUTCOMES_MAX]; /* what the numbers in the rows stand for */
};

/* The engine is as bs_engine_init made it. */
void bs_snapshot_load_begin(struct bs_snapshot_loader *loader, struct bs_engine *engine);
/*
 * Takes the whole rows at the front of `rows` and says how many bytes they have; the rest of a row
 * that is not whole comes again, with what follows it. BS_OUT_OF_RANGE: the engine has less room
 * than bs_snapshot_capacity asks for.
 */
BS_MUST_USE enum bs_status bs_snapshot_load(struct bs_snapshot_loader *loader, const uint8_t *rows,
                                            size_t size, size_t *ret_used);
/* Whether that was all of it. The caller compares the digest with the one it has stored. */
BS_MUST_USE enum bs_status bs_snapshot_load_end(struct bs_snapshot_loader *loader);

#endif
