/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/snapshot/snapshot_save.h"

#include <errno.h>
#include <stdlib.h>

#include "daemon/snapshot/snapshot_entries.h"

#define SLICE_SIZE ((size_t)1 << 20)

_Static_assert(SLICE_SIZE >= BS_SNAPSHOT_ROW_MAX, "a slice holds a row");

int snapshot_save_begin(struct snapshot_save *save, const struct snapshot_source *source,
                        int directory, char error[LOG_ERROR_SIZE])
{
    struct snapshot_header header = {
        .seq = bs_engine_seq(source->engine),
        .time_ms = bs_engine_time_ms(source->engine),
        .ordinal = bs_engine_actions(source->engine),
        .settlement = source->settlement,
        .digest = bs_engine_digest(source->engine),
    };
    memcpy(header.identity, source->identity, LOG_IDENTITY_DIGITS);
    memcpy(header.link, source->link, LOG_HASH_SIZE);
    *save = (struct snapshot_save){.source = source, .answer = source->answers->oldest};
    save->slice = malloc(SLICE_SIZE);
    if (save->slice == NULL) {
        return log_error(error, -ENOMEM, "out of memory for a snapshot");
    }
    int code = snapshot_writer_open(&save->writer, directory, &header, error);
    if (code != 0) {
        snapshot_save_abandon(save);
        return code;
    }
    bs_snapshot_begin(&save->rows, source->engine);
    return 0;
}

static size_t put_answers(struct snapshot_save *save)
{
    for (; save->answer != NULL && save->entries.size < SLICE_SIZE;
         save->answer = save->answer->newer) {
        snapshot_put_answer(&save->entries, save->answer);
    }
    return save->entries.size;
}

static size_t put_chains(struct snapshot_save *save)
{
    const struct pool_chains *chains = save->source->chains;
    for (uint32_t i = 0; i < chains->count; i++) {
        if (pool_chain_has_actions(&chains->items[i])) {
            snapshot_put_chain(&save->entries, &chains->items[i]);
        }
    }
    return save->entries.size;
}

/* The next bytes of the section; 0: it is complete. */
static size_t next_bytes(struct snapshot_save *save, const void **ret_bytes)
{
    size_t size = 0;
    buffer_clear(&save->entries);
    switch (save->section) {
    case SNAPSHOT_ENGINE:
        *ret_bytes = save->slice;
        return bs_snapshot_next(&save->rows, save->slice, SLICE_SIZE);
    case SNAPSHOT_ANSWERS:
        size = put_answers(save);
        break;
    case SNAPSHOT_CHAINS: /* all at once: a hundred bytes for a pool */
        size = put_chains(save);
        break;
    case SNAPSHOT_SECTIONS_COUNT:
        break;
    }
    *ret_bytes = save->entries.bytes;
    return size;
}

int snapshot_save_next(struct snapshot_save *save, struct snapshot_header *ret_header,
                       char error[LOG_ERROR_SIZE])
{
    const void *bytes;
    size_t size = next_bytes(save, &bytes);
    int code = 0;
    if (save->entries.failed) {
        code = log_error(error, -ENOMEM, "out of memory for a snapshot");
    } else if (size > 0) {
        code = snapshot_writer_add(&save->writer, save->section, bytes, size, error);
    }
    if (code == 0 && (size == 0 || save->section == SNAPSHOT_CHAINS)) {
        save->section++;
    }
    if (code == 0 && save->section < SNAPSHOT_SECTIONS_COUNT) {
        return 1;
    }
    if (code == 0) {
        code = snapshot_writer_finish(&save->writer, ret_header, error);
    }
    snapshot_save_abandon(save);
    return code;
}

void snapshot_save_abandon(struct snapshot_save *save)
{
    snapshot_writer_abandon(&save->writer);
    buffer_fini(&save->entries);
    free(save->slice);
    *save = (struct snapshot_save){0};
}
