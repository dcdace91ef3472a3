/* SPDX-License-Identifier: Apache-2.0 */
/* Where each database file of the log starts. Any thread. */
#ifndef FILE_INDEX_H
#define FILE_INDEX_H

#include <pthread.h>

#include "daemon/log/log_backend.h"

struct file_start {
    uint64_t seq; /* what the files before it end with */
    uint64_t ordinal;
    uint64_t settlement;
};

enum file_key { FILE_KEY_SEQ, FILE_KEY_ORDINAL, FILE_KEY_SETTLEMENT };

/* Files are numbered from 1. */
struct file_index {
    pthread_mutex_t mutex;
    struct file_start *items;
    uint32_t count;
    uint32_t capacity;
};

BS_MUST_USE int file_index_init(struct file_index *index);
void file_index_fini(struct file_index *index);
/* Adds the next file; -ENOMEM. */
BS_MUST_USE int file_index_add(struct file_index *index, const struct log_position *start);
uint32_t file_index_count(struct file_index *index);
/*
 * The last file that starts at or before the value: everything past the value is in it or in later
 * ones.
 */
uint32_t file_index_find(struct file_index *index, enum file_key key, uint64_t value);

#endif
