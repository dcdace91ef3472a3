/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/log/log_cut.h"

#include <inttypes.h>

#include "daemon/log/begin_note.h"
#include "daemon/log/log_sqlite.h"

/* The number of the last file that is closed: the newest is written, and of those before it some may
 * wait for the checkpointer. */
static uint32_t last_closed(struct log_sqlite *sqlite)
{
    pthread_mutex_lock(&sqlite->base.storing);
    uint32_t last = file_index_last(&sqlite->index);
    uint32_t waiting =
        sqlite->checkpointer == NULL ? 0 : checkpointer_waiting(sqlite->checkpointer);
    pthread_mutex_unlock(&sqlite->base.storing);
    assert(last > waiting);
    return last - 1 - waiting;
}

static struct log_old_file describe(struct log_sqlite *sqlite, uint32_t number)
{
    struct file_start end = file_index_start(&sqlite->index, number + 1);
    return (struct log_old_file){
        .number = number,
        .size = log_place_size(&sqlite->place, number, ""),
        .written_s = log_place_written_s(&sqlite->place, number),
        .last_seq = end.seq,
        .last_ordinal = end.ordinal,
        .last_settlement = end.settlement,
    };
}

uint32_t log_old_files(struct command_log *log, struct log_old_file *ret_files, uint32_t max)
{
    struct log_sqlite *sqlite = log_sqlite_of(log);
    uint32_t last = last_closed(sqlite);
    uint32_t count = 0;
    for (uint32_t number = file_index_first(&sqlite->index); number <= last && count < max;
         number++) {
        ret_files[count++] = describe(sqlite, number);
    }
    return count;
}

/* Where the log begins when files before this one are gone. */
static int make_note(struct log_sqlite *sqlite, uint32_t first, struct begin_note *ret_note,
                     char *error)
{
    struct log_file *file;
    struct begin_note note = {.number = first};
    memcpy(note.identity, sqlite->base.identity, sizeof(note.identity));
    int result = log_file_open_beside(&file, &sqlite->place, first, error);
    if (result == 0) {
        result = log_file_start(file, &note.position, error);
        log_file_abandon(file);
    }
    *ret_note = note;
    return result;
}

static int remove_files(struct log_sqlite *sqlite, uint32_t first, uint32_t before, char *error)
{
    int result = 0;
    for (uint32_t number = first; result == 0 && number < before; number++) {
        result = log_place_remove(&sqlite->place, number, error);
    }
    return result == 0 ? log_place_sync(&sqlite->place, error) : result;
}

/*
 * Whether a file goes, as the next one of a cut that begins at `begin`. Of files that end at the same
 * sequence, because the later ones hold actions only, the sequence allows the first.
 */
static bool may_go(struct log_sqlite *sqlite, uint32_t number, uint32_t begin, uint64_t up_to_seq)
{
    return file_index_start(&sqlite->index, number + 1).seq <= up_to_seq &&
           (number == begin || file_index_start(&sqlite->index, number).seq < up_to_seq);
}

int log_cut(struct command_log *log, uint64_t up_to_seq, uint32_t *ret_count,
            char error[LOG_ERROR_SIZE])
{
    struct log_sqlite *sqlite = log_sqlite_of(log);
    uint32_t begin = file_index_first(&sqlite->index);
    uint32_t last = last_closed(sqlite);
    uint32_t first = begin;
    while (first <= last && may_go(sqlite, first, begin, up_to_seq)) {
        first++;
    }
    *ret_count = first - begin;
    if (first == begin) {
        return 0;
    }
    struct begin_note note;
    int result = make_note(sqlite, first, &note, error);
    if (result == 0) {
        result = begin_note_write(&note, sqlite->place.fd, error);
    }
    if (result != 0) {
        *ret_count = 0;
        return result;
    }
    log_base_begin(log, &note.position);
    file_index_cut(&sqlite->index, first);
    return remove_files(sqlite, begin, first, error);
}
