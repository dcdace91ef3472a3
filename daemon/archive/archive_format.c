/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/archive/archive_format.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

#include "lib/record/header.h"
#include "lib/record/wire.h"

#define SKIPPABLE 0x184d2a5bu /* one of the 16 magic numbers that zstd keeps for this */
#define SKIPPED_AT 8
#define MAGIC "BSTOPARC"
#define MAGIC_SIZE 8
#define VERSION_AT (SKIPPED_AT + MAGIC_SIZE)
#define NUMBER_AT 20
#define IDENTITY_AT 24
#define SIZE_AT (IDENTITY_AT + LOG_IDENTITY_DIGITS)
#define SHA256_AT (SIZE_AT + 8)
#define SHA256_SIZE (FILE_HASH_TEXT_SIZE - 1)
#define START_AT (SHA256_AT + SHA256_SIZE)
#define POSITION_SIZE (24 + LOG_HASH_SIZE)
#define END_AT (START_AT + POSITION_SIZE)
#define FRAME_SIZE_AT (END_AT + POSITION_SIZE)
#define FRAME_CRC_AT (FRAME_SIZE_AT + 8)
#define CRC_AT (FRAME_CRC_AT + 4)

_Static_assert(CRC_AT + 4 == ARCHIVE_HEAD_SIZE, "the head has no gap");

static const char hexadecimal[] = "0123456789abcdef";

void archive_name(uint32_t number, const char *suffix, char ret_name[ARCHIVE_NAME_SIZE])
{
    int size = snprintf(ret_name, ARCHIVE_NAME_SIZE, "log-%08" PRIu32 ".db.zst%s", number, suffix);
    assert(size < ARCHIVE_NAME_SIZE);
}

static void put_position(uint8_t *at, const struct log_position *position)
{
    bs_wire_put_u64(at, position->seq);
    bs_wire_put_u64(at + 8, position->ordinal);
    bs_wire_put_u64(at + 16, position->settlement);
    memcpy(at + 24, position->link, LOG_HASH_SIZE);
}

static void take_position(const uint8_t *at, struct log_position *ret_position)
{
    ret_position->seq = bs_wire_u64(at);
    ret_position->ordinal = bs_wire_u64(at + 8);
    ret_position->settlement = bs_wire_u64(at + 16);
    memcpy(ret_position->link, at + 24, LOG_HASH_SIZE);
}

void archive_head_encode(const struct archive_head *head, uint8_t ret_bytes[ARCHIVE_HEAD_SIZE])
{
    assert(head->end.seq >= head->start.seq);
    bs_wire_put_u32(ret_bytes, SKIPPABLE);
    bs_wire_put_u32(ret_bytes + 4, ARCHIVE_HEAD_SIZE - SKIPPED_AT);
    memcpy(ret_bytes + SKIPPED_AT, MAGIC, MAGIC_SIZE);
    bs_wire_put_u32(ret_bytes + VERSION_AT, ARCHIVE_VERSION);
    bs_wire_put_u32(ret_bytes + NUMBER_AT, head->number);
    memcpy(ret_bytes + IDENTITY_AT, head->identity, LOG_IDENTITY_DIGITS);
    bs_wire_put_u64(ret_bytes + SIZE_AT, head->size);
    memcpy(ret_bytes + SHA256_AT, head->sha256, SHA256_SIZE);
    put_position(ret_bytes + START_AT, &head->start);
    put_position(ret_bytes + END_AT, &head->end);
    bs_wire_put_u64(ret_bytes + FRAME_SIZE_AT, head->frame_size);
    bs_wire_put_u32(ret_bytes + FRAME_CRC_AT, head->frame_crc);
    bs_wire_put_u32(ret_bytes + CRC_AT, bs_crc32c(0, ret_bytes, CRC_AT));
}

static bool is_sound(const struct archive_head *head)
{
    return head->number > 0 && head->size > 0 && head->end.seq >= head->start.seq &&
           head->end.ordinal >= head->start.ordinal &&
           head->end.settlement >= head->start.settlement &&
           strspn(head->identity, hexadecimal) == LOG_IDENTITY_DIGITS &&
           strspn(head->sha256, hexadecimal) == SHA256_SIZE;
}

int archive_head_decode(const uint8_t bytes[ARCHIVE_HEAD_SIZE], struct archive_head *ret_head)
{
    struct archive_head head = {0};
    if (bs_wire_u32(bytes) != SKIPPABLE ||
        bs_wire_u32(bytes + 4) != ARCHIVE_HEAD_SIZE - SKIPPED_AT ||
        memcmp(bytes + SKIPPED_AT, MAGIC, MAGIC_SIZE) != 0 ||
        bs_wire_u32(bytes + CRC_AT) != bs_crc32c(0, bytes, CRC_AT)) {
        return -EBADMSG;
    }
    if (bs_wire_u32(bytes + VERSION_AT) != ARCHIVE_VERSION) {
        return -EPROTO;
    }
    head.number = bs_wire_u32(bytes + NUMBER_AT);
    memcpy(head.identity, bytes + IDENTITY_AT, LOG_IDENTITY_DIGITS);
    head.size = bs_wire_u64(bytes + SIZE_AT);
    memcpy(head.sha256, bytes + SHA256_AT, SHA256_SIZE);
    take_position(bytes + START_AT, &head.start);
    take_position(bytes + END_AT, &head.end);
    head.frame_size = bs_wire_u64(bytes + FRAME_SIZE_AT);
    head.frame_crc = bs_wire_u32(bytes + FRAME_CRC_AT);
    if (!is_sound(&head)) {
        return -EBADMSG;
    }
    *ret_head = head;
    return 0;
}
