/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/core/outbox.h"

#include <errno.h>
#include <sys/mman.h>

_Static_assert(OUTBOX_ACTION_BYTES_MAX >= BS_ACTION_RECORD_SIZE_MAX + 2 * (BS_ID_SIZE_MAX + 9),
               "a record and its pool and account, \"backstop:\" included, fit");

static struct outbox_segment *segment_new(void)
{
    /* Mapped, not allocated: most of it is never used. */
    void *memory = mmap(NULL, sizeof(struct outbox_segment), PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    return memory == MAP_FAILED ? NULL : (struct outbox_segment *)memory;
}

static void segment_clear(struct outbox_segment *segment)
{
    segment->next = NULL;
    segment->actions_first = 0;
    segment->actions_count = 0;
    segment->settlements_first = 0;
    segment->settlements_count = 0;
    segment->bytes_used = 0;
}

static void segment_free(struct outbox_segment *segment)
{
    if (segment == NULL) {
        return;
    }
    (void)munmap(segment, sizeof(*segment));
}

void outbox_fini(struct outbox *outbox)
{
    while (outbox->first != NULL) {
        struct outbox_segment *next = outbox->first->next;
        segment_free(outbox->first);
        outbox->first = next;
    }
    while (outbox->spare != NULL) {
        struct outbox_segment *next = outbox->spare->next;
        segment_free(outbox->spare);
        outbox->spare = next;
    }
    *outbox = (struct outbox){0};
}

static void add_segment(struct outbox *outbox)
{
    struct outbox_segment *segment = outbox->spare;
    assert(segment != NULL); /* outbox_reserve made room */
    outbox->spare = segment->next;
    outbox->spares_count--;
    segment->next = NULL;
    if (outbox->first == NULL) {
        outbox->first = segment;
    } else {
        outbox->last->next = segment;
    }
    outbox->last = segment;
    outbox->segments_count++;
}

static struct bs_text copy_text(struct outbox_segment *segment, struct bs_text text)
{
    char *copy = (char *)segment->bytes + segment->bytes_used;
    assert(text.size <= sizeof(segment->bytes) - segment->bytes_used);
    if (text.size > 0) {
        memcpy(copy, text.bytes, text.size);
    }
    segment->bytes_used += text.size;
    return (struct bs_text){copy, text.size};
}

static void add_action(struct outbox *outbox, const struct bs_action *action, uint64_t seq)
{
    if (outbox->last == NULL || outbox->last->actions_count == OUTBOX_SEGMENT_ACTIONS) {
        add_segment(outbox);
    }
    struct outbox_segment *segment = outbox->last;
    uint8_t *record = segment->bytes + segment->bytes_used;
    assert(sizeof(segment->bytes) - segment->bytes_used >= BS_ACTION_RECORD_SIZE_MAX);
    size_t size = bs_action_encode(action, record);
    segment->bytes_used += size;
    segment->actions[segment->actions_count] = (struct log_action_row){
        .ordinal = action->ordinal,
        .id = action->id,
        .settlement = action->settlement,
        .type = action->type,
        .pool = copy_text(segment, action->pool),
        .account = copy_text(segment, action->account),
        .record = record,
        .record_size = (uint32_t)size,
    };
    segment->seqs[segment->actions_count] = seq;
    segment->actions_count++;
}

static void add_settlement(struct outbox *outbox, const struct bs_settlement *settlement,
                           uint64_t ordinal)
{
    if (outbox->last == NULL || outbox->last->settlements_count == OUTBOX_SEGMENT_ACTIONS) {
        add_segment(outbox);
    }
    struct outbox_segment *segment = outbox->last;
    uint8_t *record = segment->bytes + segment->bytes_used;
    assert(sizeof(segment->bytes) - segment->bytes_used >= BS_SETTLEMENT_RECORD_SIZE_MAX);
    size_t size = bs_settlement_encode(settlement, record);
    segment->bytes_used += size;
    segment->settlements[segment->settlements_count] = (struct log_settlement_row){
        .pool = copy_text(segment, settlement->pool),
        .number = settlement->number,
        .record = record,
        .record_size = (uint32_t)size,
    };
    segment->settlement_ordinals[segment->settlements_count] = ordinal;
    segment->settlements_count++;
}

void outbox_collect(struct outbox *outbox, const struct bs_effects *effects, uint64_t seq,
                    uint64_t last_ordinal)
{
    for (uint32_t i = 0; i < effects->actions_count; i++) {
        add_action(outbox, &effects->actions[i], seq);
    }
    if (effects->settled) {
        add_settlement(outbox, &effects->settlement, last_ordinal);
    }
    outbox->is_open = effects->more;
}

void outbox_release(struct outbox *outbox, struct outbox_segment *segment)
{
    segment_clear(segment);
    if (outbox->spares_count < OUTBOX_SPARES_MAX) {
        segment->next = outbox->spare;
        outbox->spare = segment;
        outbox->spares_count++;
    } else {
        segment_free(segment);
    }
}

bool outbox_reserve(struct outbox *outbox)
{
    if (outbox->spare == NULL) {
        struct outbox_segment *segment = segment_new();
        if (segment == NULL) {
            return false;
        }
        outbox_release(outbox, segment);
    }
    return true;
}

bool outbox_is_full(struct outbox *outbox)
{
    return (outbox->segments_count >= outbox->segments_max &&
            outbox->last->actions_count == OUTBOX_SEGMENT_ACTIONS) ||
           !outbox_reserve(outbox);
}

static bool has_rows(const struct outbox_segment *segment)
{
    return segment->actions_first < segment->actions_count ||
           segment->settlements_first < segment->settlements_count;
}

static struct outbox_segment *remove_first(struct outbox *outbox)
{
    struct outbox_segment *segment = outbox->first;
    outbox->first = segment->next;
    if (outbox->first == NULL) {
        outbox->last = NULL;
    }
    outbox->segments_count--;
    segment->next = NULL;
    return segment;
}

void outbox_drop(struct outbox *outbox, uint64_t ordinal)
{
    while (outbox->first != NULL) {
        struct outbox_segment *segment = outbox->first;
        while (segment->actions_first < segment->actions_count &&
               segment->actions[segment->actions_first].ordinal <= ordinal) {
            segment->actions_first++;
        }
        while (segment->settlements_first < segment->settlements_count &&
               segment->settlement_ordinals[segment->settlements_first] <= ordinal) {
            segment->settlements_first++;
        }
        if (has_rows(segment)) {
            break;
        }
        outbox_release(outbox, remove_first(outbox));
    }
}

struct outbox_segment *outbox_take(struct outbox *outbox)
{
    bool is_being_filled = outbox->first == outbox->last && outbox->is_open;
    if (outbox->first == NULL || is_being_filled) {
        return NULL;
    }
    return remove_first(outbox);
}

int outbox_init(struct outbox *outbox)
{
    *outbox = (struct outbox){.segments_max = OUTBOX_SEGMENTS_MAX};
    while (outbox->spares_count < OUTBOX_SPARES_MAX) {
        struct outbox_segment *segment = segment_new();
        if (segment == NULL) {
            outbox_fini(outbox);
            return -ENOMEM;
        }
        outbox_release(outbox, segment);
    }
    return 0;
}
