/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/command/source.h"

#include "lib/book/book.h"
#include "lib/command/apply.h"
#include "lib/view/views.h"

/* An entry of a ring: 48 bits of hash over the item, 16 bits of its outcome. */
#define CONTENT_SEED UINT64_C(0x452821e638d01377) /* the same on every machine */

_Static_assert(BS_STATUS_COUNT <= 1u << BS_SOURCE_OUTCOME_BITS, "a status fits an entry");

static uint64_t content_of(const struct bs_command *command)
{
    return bs_hash(CONTENT_SEED, command->sent.bytes, command->sent.size) << BS_SOURCE_OUTCOME_BITS;
}

uint64_t *bs_source_entry(const struct bs_engine *engine, const struct bs_source *source,
                          uint64_t seq)
{
    uint64_t size = (uint64_t)engine->source_ring_mask + 1;
    assert(source->ring < BS_SOURCES_MAX);
    return &engine->source_rings[source->ring * size + (seq & engine->source_ring_mask)];
}

uint64_t bs_source_oldest(const struct bs_engine *engine, const struct bs_source *source)
{
    uint64_t window = engine->capacity.source_window;
    uint64_t count = source->next_seq - source->first_seq;
    return count <= window ? source->first_seq : source->next_seq - window;
}

/* The first row whose name is not before this one; there may be none. */
static uint32_t at_or_after(const struct bs_engine *engine, struct bs_text name)
{
    uint32_t from = 0;
    uint32_t to = engine->sources_count;
    while (from < to) {
        uint32_t middle = from + (to - from) / 2;
        if (bs_text_compare(bs_source_name(&engine->sources[middle]), name) < 0) {
            from = middle + 1;
        } else {
            to = middle;
        }
    }
    return from;
}

static uint32_t row_of(const struct bs_engine *engine, struct bs_text name)
{
    uint32_t row = at_or_after(engine, name);
    bool found =
        row < engine->sources_count && bs_text_equal(bs_source_name(&engine->sources[row]), name);
    return found ? row : UINT32_MAX;
}

static void view(const struct bs_engine *engine, uint32_t row, struct bs_source_view *ret_view)
{
    const struct bs_source *source = &engine->sources[row];
    *ret_view = (struct bs_source_view){BS_SOURCE_VIEW(BS_VIEW_VALUE)};
}

bool bs_source_view_get(const struct bs_engine *engine, struct bs_text name,
                        struct bs_source_view *ret_view)
{
    uint32_t row = row_of(engine, name);
    if (row == UINT32_MAX) {
        return false;
    }
    view(engine, row, ret_view);
    return true;
}

bool bs_source_after(const struct bs_engine *engine, struct bs_text name,
                     struct bs_source_view *ret_view)
{
    uint32_t row = at_or_after(engine, name);
    bool is_itself =
        row < engine->sources_count && bs_text_equal(bs_source_name(&engine->sources[row]), name);
    row += is_itself ? 1 : 0;
    if (row == engine->sources_count) {
        return false;
    }
    view(engine, row, ret_view);
    return true;
}

bool bs_source_admit(const struct bs_engine *engine, const struct bs_command *command,
                     struct bs_outcome *ret_outcome)
{
    uint32_t row = row_of(engine, command->source);
    uint64_t seq = command->source_seq;
    if (row == UINT32_MAX) {
        *ret_outcome = bs_refuse(BS_FULL_SOURCES, "source");
        return engine->sources_count < BS_SOURCES_MAX;
    }
    const struct bs_source *source = &engine->sources[row];
    if (seq >= source->next_seq) {
        *ret_outcome = bs_refuse(BS_SEQUENCE_GAP, "source_seq");
        return seq == source->next_seq;
    }
    uint64_t entry = *bs_source_entry(engine, source, seq);
    if (seq < bs_source_oldest(engine, source) ||
        entry >> BS_SOURCE_OUTCOME_BITS << BS_SOURCE_OUTCOME_BITS != content_of(command)) {
        *ret_outcome = bs_refuse(BS_SEQUENCE_REGRESSION, "source_seq");
    } else {
        *ret_outcome =
            bs_refuse((enum bs_status)(entry & ((1u << BS_SOURCE_OUTCOME_BITS) - 1)), NULL);
    }
    return false;
}

/* The lowest ring that no row has. */
static uint32_t free_ring(const struct bs_engine *engine)
{
    uint32_t ring = 0;
    for (uint32_t row = 0; row < engine->sources_count;) {
        bool taken = engine->sources[row].ring == ring;
        ring += taken ? 1 : 0;
        row = taken ? 0 : row + 1;
    }
    assert(ring < BS_SOURCES_MAX);
    return ring;
}

static struct bs_source *add(struct bs_engine *engine, struct bs_text name, uint64_t first_seq)
{
    uint32_t row = at_or_after(engine, name);
    struct bs_source *source = &engine->sources[row];
    uint32_t ring = free_ring(engine);
    assert(engine->sources_count < BS_SOURCES_MAX);
    assert(name.size <= BS_ID_SIZE_MAX);
    memmove(source + 1, source, (engine->sources_count - row) * sizeof *source);
    *source = (struct bs_source){
        .name_size = name.size, .ring = ring, .first_seq = first_seq, .next_seq = first_seq};
    memcpy(source->name, name.bytes, name.size);
    engine->sources_count++;
    return source;
}

void bs_source_note(struct bs_engine *engine, const struct bs_command *command,
                    enum bs_status status)
{
    uint32_t row = row_of(engine, command->source);
    struct bs_source *source = row == UINT32_MAX ? add(engine, command->source, command->source_seq)
                                                 : &engine->sources[row];
    uint64_t content = content_of(command);
    uint64_t link[2] = {source->chain, content | (status == BS_OK ? 1 : 0)};
    assert(command->source_seq == source->next_seq);
    *bs_source_entry(engine, source, source->next_seq) = content | (uint64_t)status;
    source->chain = bs_hash(CONTENT_SEED, link, sizeof link);
    source->next_seq++;
}

void bs_sources_forget(struct bs_engine *engine)
{
    for (uint32_t row = 0; row < engine->sources_count; row++) {
        engine->sources[row].first_seq = bs_source_oldest(engine, &engine->sources[row]);
    }
}

struct bs_outcome bs_delete_source_apply(struct bs_engine *engine, struct bs_text name)
{
    uint32_t row = row_of(engine, name);
    if (row == UINT32_MAX) {
        return bs_refuse(BS_UNKNOWN_SOURCE, "source");
    }
    struct bs_source *source = &engine->sources[row];
    engine->sources_count--;
    memmove(source, source + 1, (engine->sources_count - row) * sizeof *source);
    return BS_ACCEPTED;
}
