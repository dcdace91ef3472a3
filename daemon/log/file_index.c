/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/log/file_index.h"

#include <errno.h>
#include <stdlib.h>

int file_index_init(struct file_index *index)
{
    memset(index, 0, sizeof(*index));
    index->first = 1;
    return -pthread_mutex_init(&index->mutex, NULL);
}

void file_index_fini(struct file_index *index)
{
    free(index->items);
    pthread_mutex_destroy(&index->mutex);
}

static int add(struct file_index *index, const struct log_position *start)
{
    if (index->count == index->capacity) {
        uint32_t capacity = index->capacity == 0 ? 16 : index->capacity * 2;
        struct file_start *items = realloc(index->items, capacity * sizeof(*items));
        if (items == NULL) {
            return -ENOMEM;
        }
        index->items = items;
        index->capacity = capacity;
    }
    index->items[index->count++] = (struct file_start){
        .seq = start->seq, .ordinal = start->ordinal, .settlement = start->settlement};
    return 0;
}

int file_index_add(struct file_index *index, const struct log_position *start)
{
    pthread_mutex_lock(&index->mutex);
    int result = add(index, start);
    pthread_mutex_unlock(&index->mutex);
    return result;
}

void file_index_begin(struct file_index *index, uint32_t first)
{
    assert(index->count == 0);
    assert(first > 0);
    index->first = first;
}

uint32_t file_index_first(struct file_index *index)
{
    pthread_mutex_lock(&index->mutex);
    uint32_t first = index->first;
    pthread_mutex_unlock(&index->mutex);
    return first;
}

uint32_t file_index_last(struct file_index *index)
{
    pthread_mutex_lock(&index->mutex);
    uint32_t last = index->first + index->count - 1;
    pthread_mutex_unlock(&index->mutex);
    return last;
}

struct file_start file_index_start(struct file_index *index, uint32_t number)
{
    pthread_mutex_lock(&index->mutex);
    assert(number >= index->first);
    assert(number - index->first < index->count);
    struct file_start start = index->items[number - index->first];
    pthread_mutex_unlock(&index->mutex);
    return start;
}

void file_index_cut(struct file_index *index, uint32_t first)
{
    pthread_mutex_lock(&index->mutex);
    uint32_t cut = first - index->first;
    assert(first >= index->first);
    assert(cut < index->count); /* the newest stays */
    index->count -= cut;
    index->first = first;
    memmove(index->items, index->items + cut, index->count * sizeof(*index->items));
    pthread_mutex_unlock(&index->mutex);
}

static uint64_t value_of(const struct file_start *start, enum file_key key)
{
    switch (key) {
    case FILE_KEY_SEQ:
        return start->seq;
    case FILE_KEY_ORDINAL:
        return start->ordinal;
    case FILE_KEY_SETTLEMENT:
        return start->settlement;
    }
    abort();
}

uint32_t file_index_find(struct file_index *index, enum file_key key, uint64_t value)
{
    pthread_mutex_lock(&index->mutex);
    uint32_t low = 0;
    uint32_t high = index->count;
    while (high - low > 1) {
        uint32_t middle = low + (high - low) / 2;
        if (value_of(&index->items[middle], key) <= value) {
            low = middle;
        } else {
            high = middle;
        }
    }
    uint32_t number = index->first + low;
    pthread_mutex_unlock(&index->mutex);
    return number;
}
