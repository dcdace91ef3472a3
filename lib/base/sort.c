/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/base/sort.h"

struct sorting {
    uint8_t *items;
    size_t size;
    bs_compare_fn compare;
    const void *context;
};

static void sift(const struct sorting *s, uint32_t root, uint32_t count)
{
    uint8_t item[BS_SORT_ITEM_MAX];
    memcpy(item, s->items + root * s->size, s->size);
    for (uint32_t child; (child = 2 * root + 1) < count; root = child) {
        const uint8_t *at = s->items + child * s->size;
        if (child + 1 < count && s->compare(at, at + s->size, s->context) < 0) {
            child++;
            at += s->size;
        }
        if (s->compare(item, at, s->context) >= 0) {
            break;
        }
        memcpy(s->items + root * s->size, at, s->size);
    }
    memcpy(s->items + root * s->size, item, s->size);
}

void bs_sort(void *items, uint32_t count, uint32_t item_size, bs_compare_fn compare,
             const void *context)
{
    assert(item_size > 0);
    assert(item_size <= BS_SORT_ITEM_MAX);
    assert(items != NULL || count == 0);
    struct sorting s = {items, item_size, compare, context};
    for (uint32_t root = count / 2; root-- > 0;) {
        sift(&s, root, count);
    }
    for (uint32_t end = count; end-- > 1;) {
        uint8_t item[BS_SORT_ITEM_MAX];
        memcpy(item, s.items, s.size);
        memcpy(s.items, s.items + end * s.size, s.size);
        memcpy(s.items + end * s.size, item, s.size);
        sift(&s, 0, end);
    }
}
