/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An archived file of the log: a head in a skippable frame of zstd, then one frame of zstd with the
 * bytes of the log file, so that any zstd gives the log file back. docs/formats.md has it byte by
 * byte. Pure.
 */
#ifndef ARCHIVE_FORMAT_H
#define ARCHIVE_FORMAT_H

#include "daemon/backup/file_hash.h"
#include "daemon/log/log_backend.h"

#define ARCHIVE_VERSION 1
#define ARCHIVE_HEAD_SIZE 256
#define ARCHIVE_NAME_SIZE 48

struct archive_head {
    uint32_t number; /* of the log file */
    char identity[LOG_IDENTITY_DIGITS + 1];
    uint64_t size; /* of the log file */
    char sha256[FILE_HASH_TEXT_SIZE];
    struct log_position start, end; /* as the log file says */
    uint64_t frame_size;            /* of the compressed bytes after the head */
    uint32_t frame_crc;             /* crc32c of them */
};

/* The name of an archived file, "log-00000001.db.zst", with a suffix. */
void archive_name(uint32_t number, const char *suffix, char ret_name[ARCHIVE_NAME_SIZE]);
void archive_head_encode(const struct archive_head *head, uint8_t ret_bytes[ARCHIVE_HEAD_SIZE]);
/* 0; -EBADMSG: it is damaged or no head; -EPROTO: of another version. */
BS_MUST_USE int archive_head_decode(const uint8_t bytes[ARCHIVE_HEAD_SIZE],
                                    struct archive_head *ret_head);

#endif
