/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/book/index.h"

static uint32_t steps_of(uint32_t name_size)
{
    return (1 + name_size + BS_NAME_STEP - 1) / BS_NAME_STEP;
}

uint32_t bs_names_add(struct bs_names *names, struct bs_text name)
{
    assert(name.size >= 1);
    assert(name.size <= BS_KEY_SIZE_MAX);
    uint32_t steps = steps_of(name.size);
    uint32_t offset = names->free[steps];
    if (offset != 0) {
        memcpy(&names->free[steps], names->bytes + (size_t)offset * BS_NAME_STEP, sizeof(uint32_t));
    } else {
        if (names->steps_max - names->steps_used < steps + 1) {
            return 0;
        }
        offset = names->steps_used == 0 ? 1 : names->steps_used;
        names->steps_used = offset + steps;
    }
    uint8_t *at = names->bytes + (size_t)offset * BS_NAME_STEP;
    at[0] = (uint8_t)name.size;
    memcpy(at + 1, name.bytes, name.size);
    return offset;
}

void bs_names_remove(struct bs_names *names, uint32_t offset)
{
    assert(offset != 0);
    uint8_t *at = names->bytes + (size_t)offset * BS_NAME_STEP;
    uint32_t steps = steps_of(at[0]);
    memset(at, 0, (size_t)steps * BS_NAME_STEP);
    memcpy(at, &names->free[steps], sizeof(uint32_t));
    names->free[steps] = offset;
}

uint32_t bs_names_free(const struct bs_names *names, uint32_t steps)
{
    uint32_t count = 0;
    assert(steps <= BS_NAME_CLASSES);
    for (uint32_t offset = names->free[steps]; offset != 0; count++) {
        memcpy(&offset, names->bytes + (size_t)offset * BS_NAME_STEP, sizeof offset);
    }
    return count;
}

bool bs_names_add_free(struct bs_names *names, uint32_t steps)
{
    assert(steps >= 1);
    assert(steps <= BS_NAME_CLASSES);
    if (names->steps_max - names->steps_used < steps + 1) {
        return false;
    }
    uint32_t offset = names->steps_used == 0 ? 1 : names->steps_used;
    names->steps_used = offset + steps;
    memcpy(names->bytes + (size_t)offset * BS_NAME_STEP, &names->free[steps], sizeof(uint32_t));
    names->free[steps] = offset;
    return true;
}

static uint64_t mix(uint64_t a, uint64_t b)
{
    bs_u128 product = (bs_u128)a * b;
    return (uint64_t)product ^ (uint64_t)(product >> 64);
}

/* The last `size` (1 to 7) of `whole` bytes, the first of them lowest. Where eight or more lie there,
 * one load does: a copy of a length known only at run time costs more than the hash. */
static uint64_t tail_word(const uint8_t *at, size_t size, size_t whole)
{
    uint64_t word = 0;
    if (whole >= 8) {
        memcpy(&word, at + size - 8, 8);
        return word >> (64 - 8 * size);
    }
    for (size_t i = 0; i < size; i++) {
        word |= (uint64_t)at[i] << (8 * i);
    }
    return word;
}

uint64_t bs_hash(uint64_t seed, const void *bytes, size_t size)
{
    const uint8_t *at = bytes;
    const size_t whole = size;
    uint64_t hash = seed ^ (size * UINT64_C(0x9e3779b97f4a7c15));
    for (; size >= 8; size -= 8, at += 8) {
        uint64_t word;
        memcpy(&word, at, 8);
        hash = mix(hash ^ word, UINT64_C(0xe7037ed1a0b428db));
    }
    if (size > 0) {
        hash = mix(hash ^ tail_word(at, size, whole), UINT64_C(0x8ebc6af09c88c6e3));
    }
    return mix(hash, UINT64_C(0x589965cc75374cc3));
}

uint32_t bs_index_slots(uint32_t count)
{
    uint32_t slots = 16;
    while (slots < 2 * (uint64_t)count) {
        slots *= 2;
    }
    return slots;
}

static struct bs_text name_at(const struct bs_index *index, uint32_t value)
{
    uint32_t offset;
    memcpy(&offset, (const uint8_t *)index->name_of + value * index->name_stride, sizeof offset);
    return bs_names_get(index->names, offset);
}

static uint32_t hash_name(const struct bs_index *index, struct bs_text name)
{
    return (uint32_t)bs_hash(index->seed, name.bytes, name.size);
}

uint32_t bs_index_find(const struct bs_index *index, struct bs_text name)
{
    uint32_t hash = hash_name(index, name);
    for (uint32_t at = hash & index->mask;; at = (at + 1) & index->mask) {
        struct bs_index_slot slot = index->slots[at];
        if (slot.value == 0) {
            return 0;
        }
        if (slot.hash == hash && bs_text_equal(name_at(index, slot.value), name)) {
            return slot.value;
        }
    }
}

const struct bs_index_slot *bs_index_home(const struct bs_index *index, struct bs_text name)
{
    return &index->slots[hash_name(index, name) & index->mask];
}

uint32_t bs_index_guess(const struct bs_index *index, struct bs_text name)
{
    uint32_t hash = hash_name(index, name);
    uint32_t at = hash & index->mask;
    while (index->slots[at].value != 0 && index->slots[at].hash != hash) {
        at = (at + 1) & index->mask;
    }
    return index->slots[at].value;
}

void bs_index_add(struct bs_index *index, uint32_t value)
{
    uint32_t hash = hash_name(index, name_at(index, value));
    uint32_t at = hash & index->mask;
    while (index->slots[at].value != 0) {
        at = (at + 1) & index->mask;
    }
    index->slots[at] = (struct bs_index_slot){hash, value};
}

void bs_index_remove(struct bs_index *index, uint32_t value)
{
    uint32_t hash = hash_name(index, name_at(index, value));
    uint32_t hole = hash & index->mask;
    while (index->slots[hole].value != value) {
        assert(index->slots[hole].value != 0);
        hole = (hole + 1) & index->mask;
    }
    for (uint32_t at = (hole + 1) & index->mask; index->slots[at].value != 0;
         at = (at + 1) & index->mask) {
        uint32_t home = index->slots[at].hash & index->mask;
        if (((at - home) & index->mask) >= ((at - hole) & index->mask)) {
            index->slots[hole] = index->slots[at];
            hole = at;
        }
    }
    index->slots[hole] = (struct bs_index_slot){0, 0};
}

void bs_order_insert(const struct bs_index *index, uint32_t *order, uint32_t *count, uint32_t row)
{
    uint32_t at = (*count)++;
    struct bs_text name = name_at(index, row);
    while (at > 0 && bs_text_compare(name, name_at(index, order[at - 1])) < 0) {
        order[at] = order[at - 1];
        at--;
    }
    order[at] = row;
}

void bs_order_remove(uint32_t *order, uint32_t *count, uint32_t row)
{
    uint32_t at = 0;
    while (order[at] != row) {
        at++;
        assert(at < *count);
    }
    (*count)--;
    memmove(order + at, order + at + 1, (*count - at) * sizeof *order);
}

uint32_t bs_rows_taken(const uint32_t *name_of, uint32_t used)
{
    uint32_t taken = 0;
    for (uint32_t row = 1; row <= used; row++) {
        taken += name_of[row] != 0;
    }
    return taken;
}

uint32_t bs_free_row(const uint32_t *name_of, uint32_t *used, uint32_t max)
{
    uint32_t taken = bs_rows_taken(name_of, *used);
    if (taken >= max) {
        return 0;
    }
    if (taken == *used) {
        return ++*used;
    }
    uint32_t row = 1;
    while (name_of[row] != 0) {
        row++;
    }
    assert(row <= *used);
    return row;
}
