/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/log/log_archive.h"

#include <errno.h>
#include <inttypes.h>

#include "daemon/archive/archive_db.h"

static bool position_equals(const struct log_position *a, const struct log_position *b)
{
    return a->seq == b->seq && a->ordinal == b->ordinal && a->settlement == b->settlement &&
           memcmp(a->link, b->link, LOG_HASH_SIZE) == 0;
}

/* The first file of those that the archive has without a gap up to the kept ones. */
static int find_first(const struct archive *archive, uint32_t kept, uint32_t *ret_first,
                      char *error)
{
    uint32_t first = kept;
    while (first > 1 && archive_has(archive, first - 1)) {
        first--;
    }
    for (uint32_t number = first; number > 1; number--) {
        if (archive_has(archive, number - 1)) {
            return log_error(error, -EBADMSG,
                             "log-%08" PRIu32 ".db.zst is missing in the archive, which has file "
                             "%" PRIu32 " before it: take it from a copy of the archive",
                             first - 1, number - 1);
        }
    }
    *ret_first = first;
    return 0;
}

static int check_head(const struct archive_head *head, const struct begin_note *begin,
                      const struct log_position *before, bool is_first, char *error)
{
    if (strcmp(head->identity, begin->identity) != 0) {
        return log_error(error, -EBADMSG,
                         "log-%08" PRIu32 ".db.zst of the archive is of the log %s, this is %s",
                         head->number, head->identity, begin->identity);
    }
    return is_first || position_equals(&head->start, before)
               ? 0
               : log_error(error, -EBADMSG,
                           "log-%08" PRIu32 ".db.zst of the archive starts after sequence %" PRIu64
                           " and action %" PRIu64 ", but the one before it ends at %" PRIu64
                           " and %" PRIu64 ", or with another link",
                           head->number, head->start.seq, head->start.ordinal, before->seq,
                           before->ordinal);
}

static int check_end(const struct log_position *end, const struct begin_note *begin, char *error)
{
    return position_equals(end, &begin->position)
               ? 0
               : log_error(error, -EBADMSG,
                           "the archive ends at sequence %" PRIu64 " and action %" PRIu64
                           ", but the log begins after %" PRIu64 " and %" PRIu64
                           ", or with another link",
                           end->seq, end->ordinal, begin->position.seq, begin->position.ordinal);
}

int log_archive_add(struct log_sqlite *sqlite, const struct begin_note *begin,
                    struct begin_note *ret_begin, char *error)
{
    const struct archive *archive = sqlite->place.archive;
    struct archive_head head;
    struct log_position end = begin->position;
    uint32_t first = begin->number;
    *ret_begin = *begin;
    int code = find_first(archive, begin->number, &first, error);
    if (code != 0) {
        return code;
    }
    ret_begin->number = first;
    file_index_begin(&sqlite->index, first);
    for (uint32_t number = first; code == 0 && number < begin->number; number++) {
        code = archive_head(archive, number, &head, error);
        code = code == 0 ? check_head(&head, begin, &end, number == first, error) : code;
        if (code == 0 && number == first) {
            ret_begin->position = head.start;
        }
        if (code == 0 && file_index_add(&sqlite->index, &head.start) != 0) {
            code = log_error(error, -ENOMEM, "out of memory for the list of the log's files");
        }
        end = head.end;
    }
    return code == 0 ? check_end(&end, begin, error) : code;
}
