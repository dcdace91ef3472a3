/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/log/batch_check.h"

#include <errno.h>
#include <inttypes.h>

#include "daemon/log/log_backend.h"
#include "lib/record/wire.h"

size_t batch_prefix(const uint8_t *records, uint32_t count, size_t size_max, uint32_t *ret_count)
{
    size_t size = 0;
    uint32_t taken = 0;
    while (taken < count) {
        size_t next = size + bs_record_size(records + size);
        if (next > size_max) {
            break;
        }
        size = next;
        taken++;
    }
    *ret_count = taken;
    return size;
}

/* Every record of the batch; *ret_skip is the offset of the first one past check->after. */
static int check_records(const struct batch_check *check, const struct batch_row *row,
                         size_t *ret_skip, char *error)
{
    size_t at = 0;
    for (uint64_t seq = row->first_seq; seq - row->first_seq < row->count; seq++) {
        if (seq == check->after + 1) {
            *ret_skip = at;
        }
        size_t left = row->size - at;
        size_t size = left < BS_RECORD_HEADER_SIZE ? 0 : bs_record_size(row->records + at);
        if (size == 0 || size > left) {
            return log_error(error, -EBADMSG, "%s: record %" PRIu64 " is cut off", row->where, seq);
        }
        if (!bs_record_checksum_ok(row->records + at, size)) {
            return log_error(error, -EBADMSG,
                             "%s: record %" PRIu64 " is damaged: its CRC32C does not match",
                             row->where, seq);
        }
        uint64_t stamped = bs_wire_u64(row->records + at + BS_WIRE_SEQ_AT);
        if (stamped != seq) {
            return log_error(error, -EBADMSG,
                             "%s: record %" PRIu64 " is stamped with sequence %" PRIu64, row->where,
                             seq, stamped);
        }
        at += size;
    }
    if (at != row->size) {
        return log_error(error, -EBADMSG,
                         "%s: the batch at sequence %" PRIu64 " has %zu bytes too many", row->where,
                         row->first_seq, row->size - at);
    }
    return 0;
}

int batch_check_row(struct batch_check *check, const struct batch_row *row, char *error)
{
    if (row->first_seq != check->seq + 1) {
        return log_error(error, -EBADMSG,
                         "%s: records are missing: sequence %" PRIu64 " follows %" PRIu64,
                         row->where, row->first_seq, check->seq);
    }
    size_t skip = 0;
    int result = check_records(check, row, &skip, error);
    if (result != 0) {
        return result;
    }
    uint8_t link[LOG_HASH_SIZE];
    result = chain_link(link, check->link, row->records, row->size);
    if (result != 0) {
        return log_error(error, result, "%s", chain_error_text(result));
    }
    if (memcmp(link, row->link, sizeof(link)) != 0) {
        return log_error(error, -EBADMSG,
                         "%s: the SHA-256 chain is broken at the batch of sequence %" PRIu64,
                         row->where, row->first_seq);
    }
    memcpy(check->link, link, sizeof(link));
    check->seq += row->count;
    if (check->seq > check->after) {
        uint64_t first = check->after >= row->first_seq ? check->after + 1 : row->first_seq;
        uint32_t count = (uint32_t)(check->seq - first + 1);
        check->stopped =
            !check->fn(check->user, first, count, row->records + skip, row->size - skip);
    }
    return 0;
}
