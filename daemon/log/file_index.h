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

/* Files are numbered from 1; the first ones may have been cut. */
struct file_index {
    pthread_mutex_t mutex;
    uint32_t first; /* number of items[0] */
    struct file_start *items;
    uint32_t count;
    uint32_t capacity;
};

BS_MUST_USE int file_index_init(struct file_index *index);
void file_index_fini(struct file_index *index);
/* Adds the next file; -ENOMEM. */
BS_MUST_USE int file_index_add(struct file_index *index, const struct log_position *start);
/* The first file added gets this number; 1 unless it is set. */
void file_index_begin(struct file_index *index, uint32_t first);
/* Numbers of the first and the newest file that are kept. */
uint32_t file_index_first(struct file_index *index);
uint32_t file_index_last(struct file_index *index);
/* Where a file that is kept starts. */
struct file_start file_index_start(struct file_index *index, uint32_t number);
/* Files before this one are no longer kept. */
void file_index_cut(struct file_index *index, uint32_t first);
/*
 * The last file that starts at or before the value, else the first one: everything kept past the
 * value is in it or in later ones.
 */
uint32_t file_index_find(struct file_index *index, enum file_key key, uint64_t value);

#endif
