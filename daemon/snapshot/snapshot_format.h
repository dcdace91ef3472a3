/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The bytes of a snapshot file: pages of one size, each with its number, the sequence of the
 * snapshot and a CRC32C. Page 0 is the header, then the pages of each section follow in turn.
 * docs/formats.md has every byte.
 */
#ifndef SNAPSHOT_FORMAT_H
#define SNAPSHOT_FORMAT_H

#include "daemon/log/log.h"

#define SNAPSHOT_NAME_SIZE 48
#define SNAPSHOT_PARTIAL ".new" /* after the name, of a file that is being written */
#define SNAPSHOT_VERSION 1
#define SNAPSHOT_PAGE_SIZE 16384
#define SNAPSHOT_PAGE_HEAD 16
#define SNAPSHOT_PAYLOAD (SNAPSHOT_PAGE_SIZE - SNAPSHOT_PAGE_HEAD)
#define SNAPSHOT_CHUNK_PAGES 64 /* read and written at a time */
#define SNAPSHOT_CHUNK_SIZE ((size_t)SNAPSHOT_CHUNK_PAGES * SNAPSHOT_PAGE_SIZE)

enum snapshot_section {
    SNAPSHOT_ENGINE,  /* rows of lib/snapshot */
    SNAPSHOT_ANSWERS, /* first answers, the oldest first */
    SNAPSHOT_CHAINS,  /* the end of each pool's chain of actions */
    SNAPSHOT_SECTIONS_COUNT
};

/* What a snapshot is of. */
struct snapshot_header {
    char identity[LOG_IDENTITY_DIGITS + 1];  /* of the log */
    uint64_t seq;                            /* of the last command executed */
    int64_t time_ms;                         /* of that command */
    uint8_t link[LOG_HASH_SIZE];             /* of the batch chain there: a batch ends with seq */
    uint64_t ordinal;                        /* of the last action up to there */
    uint64_t settlement;                     /* of the last settlement row, over all pools */
    struct bs_digest digest;                 /* of the whole state */
    uint64_t sizes[SNAPSHOT_SECTIONS_COUNT]; /* bytes of each section */
    uint32_t pages_crc;                      /* of the checksums of all pages but the header's */
};

/* "snapshot-00000000000000004210.bss", and what is put after it. */
void snapshot_name(uint64_t seq, const char *suffix, char ret_name[SNAPSHOT_NAME_SIZE]);

/* Pages of the whole file. 0: there cannot be so many. */
uint64_t snapshot_pages_count(const struct snapshot_header *header);

/* Fills in the head of a page whose payload is complete. */
void snapshot_page_seal(uint8_t page[SNAPSHOT_PAGE_SIZE], uint32_t number, uint64_t seq);
/* Whether it is that page of that snapshot, whole. */
BS_MUST_USE bool snapshot_page_check(const uint8_t page[SNAPSHOT_PAGE_SIZE], uint32_t number,
                                     uint64_t seq);
/* The checksum over the checksums of all pages up to this one; `before` is 0 for the first. */
uint32_t snapshot_pages_crc(uint32_t before, const uint8_t page[SNAPSHOT_PAGE_SIZE]);

/* The header's page, sealed. */
void snapshot_header_encode(const struct snapshot_header *header, uint8_t page[SNAPSHOT_PAGE_SIZE]);
/* BS_BAD_RECORD: not a header, or damaged. BS_NEWER_RECORD: of a version this one cannot read. */
BS_MUST_USE enum bs_status snapshot_header_decode(const uint8_t page[SNAPSHOT_PAGE_SIZE],
                                                  struct snapshot_header *ret_header);

#endif
