/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/config/settings.h"

#define NEAREST_SIZE_MAX 64
#define NEAREST_EDITS_MAX 3 /* further away it is not a typing mistake */

static uint32_t least(uint32_t a, uint32_t b)
{
    return a < b ? a : b;
}

/* Levenshtein: insertions, deletions and replacements from one word to the other. */
static uint32_t distance(const char *a, const char *b)
{
    size_t size_a = strlen(a);
    size_t size_b = strlen(b);
    uint32_t row[NEAREST_SIZE_MAX + 1];
    if (size_a > NEAREST_SIZE_MAX || size_b > NEAREST_SIZE_MAX) {
        return UINT32_MAX;
    }
    for (uint32_t j = 0; j <= size_b; j++) {
        row[j] = j;
    }
    for (uint32_t i = 1; i <= size_a; i++) {
        uint32_t diagonal = row[0];
        row[0] = i;
        for (uint32_t j = 1; j <= size_b; j++) {
            uint32_t replaced = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
            diagonal = row[j];
            row[j] = least(replaced, least(row[j], row[j - 1]) + 1);
        }
    }
    return row[size_b];
}

const char *settings_nearest(const char *written, const char *const *names, uint32_t names_count)
{
    const char *nearest = NULL;
    uint32_t nearest_distance = NEAREST_EDITS_MAX + 1;
    for (uint32_t i = 0; i < names_count; i++) {
        uint32_t edits = distance(written, names[i]);
        if (edits < nearest_distance && edits < strlen(names[i])) {
            nearest_distance = edits;
            nearest = names[i];
        }
    }
    return nearest;
}
