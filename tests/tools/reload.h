/* SPDX-License-Identifier: Apache-2.0 */
/* Saves an engine as the rows of a snapshot, and loads such rows into another one. */
#ifndef TESTS_RELOAD_H
#define TESTS_RELOAD_H

#include <stdlib.h>

#include "lib/engine.h"
#include "lib/snapshot/snapshot.h"

struct rows {
    uint8_t *bytes; /* the caller frees them */
    size_t size;
};

/* Through a buffer of `piece` bytes, at least BS_SNAPSHOT_ROW_MAX. */
static inline struct rows rows_of(struct bs_engine *engine, size_t piece)
{
    struct bs_snapshot_writer writer;
    struct rows rows = {0};
    size_t used, room = 0;
    bs_snapshot_begin(&writer, engine);
    do {
        if (room - rows.size < piece) {
            room = 2 * room + piece;
            rows.bytes = realloc(rows.bytes, room);
            assert(rows.bytes != NULL);
        }
        used = bs_snapshot_next(&writer, rows.bytes + rows.size, piece);
        rows.size += used;
    } while (used > 0);
    return rows;
}

/* The reader has `piece` bytes more each time. Each piece is in memory of exactly its size, so that
 * a sanitizer sees the first byte read past it. */
static inline enum bs_status rows_load(const struct rows *rows, struct bs_engine *engine,
                                       size_t piece)
{
    struct bs_snapshot_loader loader;
    enum bs_status status = BS_OK;
    bs_snapshot_load_begin(&loader, engine);
    for (size_t at = 0, end = 0; status == BS_OK && end < rows->size;) {
        size_t used;
        end = rows->size - end < piece ? rows->size : end + piece;
        uint8_t *copy = malloc(end - at);
        assert(copy != NULL);
        memcpy(copy, rows->bytes + at, end - at);
        status = bs_snapshot_load(&loader, copy, end - at, &used);
        assert(used <= end - at);
        at += used;
        free(copy);
        if (status == BS_OK && end == rows->size && at != end) {
            return BS_BAD_RECORD; /* cut off in a row */
        }
    }
    return bs_snapshot_load_end(&loader);
}

/* Loads all of `from` into the fresh engine `to`: the state is the same, and so are its rows. */
static inline void reload(struct bs_engine *from, struct bs_engine *to)
{
    struct rows rows = rows_of(from, BS_SNAPSHOT_ROW_MAX);
    enum bs_status status = rows_load(&rows, to, 4 * BS_SNAPSHOT_ROW_MAX);
    assert(status == BS_OK);
    struct bs_digest digest = bs_engine_digest(from), loaded = bs_engine_digest(to);
    assert(memcmp(&digest, &loaded, sizeof digest) == 0);
    struct bs_capacity_command capacity;
    assert(bs_engine_time_ms(to) == bs_engine_time_ms(from));
    assert(bs_engine_capacity(to, &capacity) == bs_engine_capacity(from, &capacity));
    assert(bs_engine_feature_level(to) == bs_engine_feature_level(from));
    struct rows again = rows_of(to, 3 * BS_SNAPSHOT_ROW_MAX);
    assert(again.size == rows.size);
    assert(memcmp(again.bytes, rows.bytes, rows.size) == 0);
    free(again.bytes);
    free(rows.bytes);
}

#endif
