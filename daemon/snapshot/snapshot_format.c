/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/snapshot/snapshot_format.h"

#include <inttypes.h>
#include <stdio.h>

#include "lib/record/header.h"
#include "lib/record/wire.h"

#define MAGIC "BSTOPSNP"
#define MAGIC_SIZE 8

/* Of a page's head. */
#define CRC_AT 0
#define CRC_SIZE 4
#define NUMBER_AT 4
#define SEQ_AT 8

void snapshot_name(uint64_t seq, const char *suffix, char ret_name[SNAPSHOT_NAME_SIZE])
{
    int size = snprintf(ret_name, SNAPSHOT_NAME_SIZE, "snapshot-%020" PRIu64 ".bss%s", seq, suffix);
    assert(size < SNAPSHOT_NAME_SIZE);
}

uint64_t snapshot_pages_count(const struct snapshot_header *header)
{
    uint64_t pages = 1;
    for (uint32_t section = 0; section < SNAPSHOT_SECTIONS_COUNT; section++) {
        uint64_t size = header->sizes[section];
        pages += size / SNAPSHOT_PAYLOAD + (size % SNAPSHOT_PAYLOAD != 0);
        if (pages > UINT32_MAX) {
            return 0;
        }
    }
    return pages;
}

void snapshot_page_seal(uint8_t page[SNAPSHOT_PAGE_SIZE], uint32_t number, uint64_t seq)
{
    bs_wire_put_u32(page + NUMBER_AT, number);
    bs_wire_put_u64(page + SEQ_AT, seq);
    uint32_t crc = bs_crc32c(0, page + NUMBER_AT, SNAPSHOT_PAGE_SIZE - NUMBER_AT);
    bs_wire_put_u32(page + CRC_AT, crc);
}

bool snapshot_page_check(const uint8_t page[SNAPSHOT_PAGE_SIZE], uint32_t number, uint64_t seq)
{
    return bs_wire_u32(page + NUMBER_AT) == number && bs_wire_u64(page + SEQ_AT) == seq &&
           bs_wire_u32(page + CRC_AT) ==
               bs_crc32c(0, page + NUMBER_AT, SNAPSHOT_PAGE_SIZE - NUMBER_AT);
}

uint32_t snapshot_pages_crc(uint32_t before, const uint8_t page[SNAPSHOT_PAGE_SIZE])
{
    return bs_crc32c(before, page + CRC_AT, CRC_SIZE);
}

void snapshot_header_encode(const struct snapshot_header *header, uint8_t page[SNAPSHOT_PAGE_SIZE])
{
    memset(page, 0, SNAPSHOT_PAGE_SIZE);
    struct bs_writer writer = {page + SNAPSHOT_PAGE_HEAD, page + SNAPSHOT_PAGE_SIZE, false};
    bs_write_bytes(&writer, (const uint8_t *)MAGIC, MAGIC_SIZE);
    bs_write_u32(&writer, SNAPSHOT_VERSION);
    bs_write_u32(&writer, SNAPSHOT_PAGE_SIZE);
    bs_write_bytes(&writer, (const uint8_t *)header->identity, LOG_IDENTITY_DIGITS);
    bs_write_u64(&writer, header->seq);
    bs_write_u64(&writer, (uint64_t)header->time_ms);
    bs_write_bytes(&writer, header->link, LOG_HASH_SIZE);
    bs_write_u64(&writer, header->ordinal);
    bs_write_u64(&writer, header->settlement);
    bs_write_u64(&writer, header->digest.words[0]);
    bs_write_u64(&writer, header->digest.words[1]);
    for (uint32_t section = 0; section < SNAPSHOT_SECTIONS_COUNT; section++) {
        bs_write_u64(&writer, header->sizes[section]);
    }
    bs_write_u32(&writer, header->pages_crc);
    assert(!writer.bad);
    snapshot_page_seal(page, 0, header->seq);
}

static void copy(struct bs_reader *reader, void *target, size_t size)
{
    const uint8_t *bytes = bs_read_bytes(reader, size);
    if (bytes != NULL) {
        memcpy(target, bytes, size);
    }
}

enum bs_status snapshot_header_decode(const uint8_t page[SNAPSHOT_PAGE_SIZE],
                                      struct snapshot_header *ret_header)
{
    struct snapshot_header header = {0};
    struct bs_reader reader = {page + SNAPSHOT_PAGE_HEAD, page + SNAPSHOT_PAGE_SIZE, false};
    uint8_t magic[MAGIC_SIZE] = {0};
    copy(&reader, magic, MAGIC_SIZE);
    if (memcmp(magic, MAGIC, MAGIC_SIZE) != 0 ||
        !snapshot_page_check(page, 0, bs_wire_u64(page + SEQ_AT))) {
        return BS_BAD_RECORD;
    }
    uint32_t version = bs_read_u32(&reader);
    if (version != SNAPSHOT_VERSION || bs_read_u32(&reader) != SNAPSHOT_PAGE_SIZE) {
        return version > SNAPSHOT_VERSION ? BS_NEWER_RECORD : BS_BAD_RECORD;
    }
    copy(&reader, header.identity, LOG_IDENTITY_DIGITS);
    header.seq = bs_read_u64(&reader);
    header.time_ms = (int64_t)bs_read_u64(&reader);
    copy(&reader, header.link, LOG_HASH_SIZE);
    header.ordinal = bs_read_u64(&reader);
    header.settlement = bs_read_u64(&reader);
    header.digest.words[0] = bs_read_u64(&reader);
    header.digest.words[1] = bs_read_u64(&reader);
    for (uint32_t section = 0; section < SNAPSHOT_SECTIONS_COUNT; section++) {
        header.sizes[section] = bs_read_u64(&reader);
    }
    header.pages_crc = bs_read_u32(&reader);
    assert(!reader.bad); /* a page has room for all of it */
    if (header.seq != bs_wire_u64(page + SEQ_AT) || snapshot_pages_count(&header) == 0) {
        return BS_BAD_RECORD;
    }
    *ret_header = header;
    return BS_OK;
}
