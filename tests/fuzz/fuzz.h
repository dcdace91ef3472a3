/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A fuzz target is one file, fuzz_<name>.c, with one function, which libFuzzer calls with whatever
 * bytes found something new. It asserts what must hold for every input, crashes being only the
 * least of it. In every other build once.c calls it with the files of corpus/<name>.
 */
#ifndef TESTS_FUZZ_H
#define TESTS_FUZZ_H

#include <stdlib.h>

#include "lib/base/base.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What is left of an input. Past its end everything is 0 or empty. */
struct fuzz_input {
    const uint8_t *at;
    size_t left;
};

static inline uint8_t fuzz_byte(struct fuzz_input *input)
{
    if (input->left == 0) {
        return 0;
    }
    input->left--;
    return *input->at++;
}

static inline uint64_t fuzz_bytes(struct fuzz_input *input, uint32_t count)
{
    uint64_t value = 0;
    for (uint32_t i = 0; i < count; i++) {
        value = value << 8 | fuzz_byte(input);
    }
    return value;
}

static inline struct bs_text fuzz_until(struct fuzz_input *input, char end)
{
    const uint8_t *found = input->left > 0 ? memchr(input->at, end, input->left) : NULL;
    size_t size = found != NULL ? (size_t)(found - input->at) : input->left;
    struct bs_text text = {(const char *)input->at, (uint32_t)size};
    input->at += size + (found != NULL ? 1 : 0);
    input->left -= size + (found != NULL ? 1 : 0);
    return text;
}

static inline bool fuzz_is(struct bs_text text, const char *word)
{
    return text.size == strlen(word) &&
           (text.size == 0 || memcmp(text.bytes, word, text.size) == 0);
}

/* In memory of exactly its size, so that a sanitizer sees the first byte read past it; `padding`
 * bytes more are zero. The caller frees it. */
static inline char *fuzz_copy(const void *bytes, size_t size, size_t padding)
{
    char *copy = calloc(1, size + padding > 0 ? size + padding : 1);
    assert(copy != NULL);
    if (size > 0) {
        memcpy(copy, bytes, size);
    }
    return copy;
}

static inline char *fuzz_string(struct bs_text text)
{
    return fuzz_copy(text.bytes, text.size, 1);
}

#endif
