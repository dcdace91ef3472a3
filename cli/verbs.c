/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/verbs.h"

#include <assert.h>
#include <string.h>

#define NAME_SIZE_MAX 16 /* a longer name is like no verb */
#define CHANGES_MAX 2    /* letters that may be wrong, missing or too many */

static const struct verb verbs[] = {
#define X(name, operand, summary, options, repeated, help)                                         \
    {#name, operand, summary, help, verb_##name, options, repeated},
#include "cli/verbs.def"
#undef X
};

const struct verb *verb_at(size_t i)
{
    return i < sizeof(verbs) / sizeof(verbs[0]) ? &verbs[i] : NULL;
}

const struct verb *verb_named(const char *name)
{
    assert(name != NULL);
    for (size_t i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++) {
        if (strcmp(verbs[i].name, name) == 0) {
            return &verbs[i];
        }
    }
    return NULL;
}

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* Letters to change, add or leave out to make one name of the other. */
static size_t distance(const char *a, const char *b)
{
    size_t row[NAME_SIZE_MAX + 1];
    size_t size = strlen(b);
    assert(size <= NAME_SIZE_MAX);
    for (size_t j = 0; j <= size; j++) {
        row[j] = j;
    }
    for (size_t i = 0; a[i] != '\0'; i++) {
        size_t before = row[0];
        row[0] = i + 1;
        for (size_t j = 0; j < size; j++) {
            size_t changed = before + (a[i] != b[j]);
            before = row[j + 1];
            row[j + 1] = least(changed, least(before, row[j]) + 1);
        }
    }
    return row[size];
}

const char *verb_like(const char *name)
{
    const char *like = NULL;
    size_t changes = CHANGES_MAX + 1;
    for (size_t i = 0; strlen(name) <= NAME_SIZE_MAX && i < sizeof(verbs) / sizeof(verbs[0]); i++) {
        size_t needed = distance(verbs[i].name, name);
        if (needed < changes && needed < strlen(name)) {
            changes = needed;
            like = verbs[i].name;
        }
    }
    return like;
}
