/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What stepping produced and no commit has carried yet: action and settlement rows, first in first
 * out, in segments of which one commit carries one. A row's bytes never move, so the log thread may
 * read a segment that was taken while the core loop fills the next.
 *
 * A settlement row is always in the segment of its last action, so a log has both or neither. So
 * the segment being filled may not be taken in the middle of a settlement.
 *
 * A segment is as large as a commit should be: a large one costs less for each row, but all of it
 * is published at its end, and 2,048 rows take some 20 ms.
 */
#ifndef OUTBOX_H
#define OUTBOX_H

#include "daemon/log/log.h"
#include "lib/engine.h"

#define OUTBOX_SEGMENT_ACTIONS 2048
#define OUTBOX_SEGMENTS_MAX 512
#define OUTBOX_SPARES_MAX 2 /* one is filled while a commit carries the other */
#define OUTBOX_ACTION_BYTES_MAX (BS_ACTION_RECORD_SIZE_MAX + 2 * BS_ID_SIZE_MAX + 64)
#define OUTBOX_SETTLEMENT_BYTES_MAX (BS_SETTLEMENT_RECORD_SIZE_MAX + BS_ID_SIZE_MAX)

struct outbox_segment {
    struct outbox_segment *next;
    uint32_t actions_first; /* rows before it were found in the log by replay */
    uint32_t actions_count;
    uint32_t settlements_first;
    uint32_t settlements_count;
    size_t bytes_used;
    /* The kernel gives memory to what follows only as far as it is used. */
    struct log_action_row actions[OUTBOX_SEGMENT_ACTIONS];
    uint64_t seqs[OUTBOX_SEGMENT_ACTIONS]; /* the command that caused each action */
    struct log_settlement_row settlements[OUTBOX_SEGMENT_ACTIONS];
    uint64_t settlement_ordinals[OUTBOX_SEGMENT_ACTIONS]; /* of each settlement's last action */
    uint8_t bytes[(size_t)OUTBOX_SEGMENT_ACTIONS *
                  (OUTBOX_ACTION_BYTES_MAX + OUTBOX_SETTLEMENT_BYTES_MAX)];
};

struct outbox {
    struct outbox_segment *first, *last;
    struct outbox_segment *spare; /* kept for reuse, linked */
    uint32_t spares_count;
    uint32_t segments_count;
    uint32_t segments_max; /* OUTBOX_SEGMENTS_MAX; at least 2, as one may be open */
    bool is_open;          /* the last segment is in the middle of a settlement */
};

BS_MUST_USE int outbox_init(struct outbox *outbox); /* 0 or -ENOMEM */
void outbox_fini(struct outbox *outbox);
/* Makes room for what one step or one continuation produces. False: no memory. */
BS_MUST_USE bool outbox_reserve(struct outbox *outbox);
/* Adds the actions and the settlement of one step or of one continuation, for which there is room. */
void outbox_collect(struct outbox *outbox, const struct bs_effects *effects, uint64_t seq,
                    uint64_t last_ordinal);
/* Whether a step must wait for a commit. False: there is room for what it produces. Without memory for another segment the outbox is full with those that it has, which are at least
 * OUTBOX_SPARES_MAX. */
BS_MUST_USE bool outbox_is_full(struct outbox *outbox);
/* Drops rows that the log holds already, from the front: actions up to this ordinal. */
void outbox_drop(struct outbox *outbox, uint64_t ordinal);
/* The oldest segment with rows, no longer part of the outbox; NULL when none may be taken. */
struct outbox_segment *outbox_take(struct outbox *outbox);
/* Gives a taken segment back for reuse. */
void outbox_release(struct outbox *outbox, struct outbox_segment *segment);

#endif
