/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/access/keys.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include <gnutls/crypto.h>
#include <gnutls/gnutls.h>

#define FILE_SIZE_MAX ((size_t)1 << 20)

/* The whole file. False: `problems` says why not. */
static bool read_file(const char *path, struct buffer *text, struct keys *keys,
                      struct buffer *problems)
{
    struct stat status;
    FILE *file = fopen(path, "re");
    if (file == NULL || fstat(fileno(file), &status) != 0) {
        buffer_printf(problems, "%s: %s\n", path, strerror(errno));
        goto err_read;
    }
    if ((status.st_mode & (S_IWGRP | S_IWOTH)) != 0) {
        buffer_printf(problems,
                      "%s: others than its owner may write to it, and could let themselves in: "
                      "chmod go-w\n",
                      path);
        goto err_read;
    }
    keys->others_can_read = (status.st_mode & S_IROTH) != 0;
    if (!buffer_reserve(text, FILE_SIZE_MAX + 1)) {
        buffer_printf(problems, "%s: out of memory\n", path);
        goto err_read;
    }
    text->size = fread(text->bytes, 1, FILE_SIZE_MAX + 1, file);
    if (ferror(file) != 0 || text->size > FILE_SIZE_MAX) {
        buffer_printf(problems, "%s: %s\n", path,
                      ferror(file) != 0 ? "cannot be read" : "is larger than 1 MiB");
        goto err_read;
    }
    (void)fclose(file);
    return true;
err_read:
    if (file != NULL) {
        (void)fclose(file);
    }
    return false;
}

/* Two lines for one name would make the audit log ambiguous; one credential has one meaning. */
static const char *clash(struct keys *keys, const struct key_line *line)
{
    for (uint32_t i = 0; i < keys->count; i++) {
        const struct key_line *other = &keys->items[i].line;
        if (strcmp(other->name, line->name) == 0) {
            return "the name is used twice";
        }
        bool same = line->is_certificate ? strcmp(other->subject, line->subject) == 0
                                         : memcmp(other->hash, line->hash, sizeof(line->hash)) == 0;
        if (other->is_certificate == line->is_certificate && same) {
            return "the credential is used twice";
        }
    }
    return keys->count == KEYS_MAX ? "is one key too many" : NULL;
}

static void add_line(struct keys *keys, const struct key_line *line, int64_t now_ms)
{
    struct access_key *key = &keys->items[keys->count++];
    *key = (struct access_key){.line = *line};
    bucket_init(&key->requests, line->requests_per_s, now_ms);
    bucket_init(&key->items, line->items_per_s, now_ms);
}

static bool read_lines(struct keys *keys, const char *path, const struct buffer *text,
                       int64_t now_ms, struct buffer *problems)
{
    uint32_t number = 0;
    bool good = true;
    for (size_t at = 0; at < text->size;) {
        const char *start = text->bytes + at;
        const char *newline = memchr(start, '\n', text->size - at);
        size_t size = newline != NULL ? (size_t)(newline - start) : text->size - at;
        struct key_line line;
        const char *problem = key_line_parse(&line, (struct bs_text){start, (uint32_t)size});
        number++;
        at += size + 1;
        if (problem == NULL && line.name[0] == '\0') {
            continue;
        }
        problem = problem == NULL ? clash(keys, &line) : problem;
        if (problem == NULL) {
            add_line(keys, &line, now_ms);
        } else {
            buffer_printf(problems, "%s:%u: %s\n", path, number, problem);
            good = false;
        }
    }
    return good;
}

struct keys *keys_load(const char *path, int64_t now_ms, struct buffer *problems)
{
    struct buffer text = {0};
    struct keys *keys = calloc(1, sizeof(*keys));
    struct access_key *items = calloc(KEYS_MAX, sizeof(*items));
    if (keys == NULL || items == NULL) {
        buffer_text(problems, "out of memory for the access keys\n");
        free(items);
        free(keys);
        return NULL;
    }
    keys->items = items;
    bool good =
        read_file(path, &text, keys, problems) && read_lines(keys, path, &text, now_ms, problems);
    buffer_fini(&text);
    if (!good) {
        keys_free(keys);
        return NULL;
    }
    return keys;
}

void keys_free(struct keys *keys)
{
    if (keys != NULL) {
        free(keys->items);
        free(keys);
    }
}

/* 0 when they are equal; which byte differs does not change how long it takes. */
static uint32_t difference(const uint8_t a[KEY_HASH_SIZE], const uint8_t b[KEY_HASH_SIZE])
{
    uint32_t bits = 0;
    for (uint32_t i = 0; i < KEY_HASH_SIZE; i++) {
        bits |= (uint32_t)(a[i] ^ b[i]);
    }
    return bits;
}

/*
 * The index is picked without a branch, and all keys are compared whether or not one was found, so
 * the time reveals neither which key it was nor how close a wrong one came.
 */
struct access_key *keys_find(struct keys *keys, struct bs_text key)
{
    uint8_t hash[KEY_HASH_SIZE];
    if (gnutls_hash_fast(GNUTLS_DIG_SHA256, key.bytes, key.size, hash) != 0) {
        return NULL;
    }
    uint32_t found = 0; /* index + 1 */
    for (uint32_t i = 0; i < keys->count; i++) {
        const struct key_line *line = &keys->items[i].line;
        uint32_t bits = difference(line->hash, hash) | (line->is_certificate ? 1u : 0u);
        uint32_t mask = (uint32_t)((int32_t)(bits - 1) >> 31); /* all ones when equal */
        found |= (i + 1) & mask;
    }
    return found == 0 ? NULL : &keys->items[found - 1];
}

struct access_key *keys_find_subject(struct keys *keys, const char *subject)
{
    for (uint32_t i = 0; i < keys->count; i++) {
        const struct key_line *line = &keys->items[i].line;
        if (line->is_certificate && strcmp(line->subject, subject) == 0) {
            return &keys->items[i];
        }
    }
    return NULL;
}

struct access_key *keys_find_name(struct keys *keys, const char *name)
{
    for (uint32_t i = 0; i < keys->count; i++) {
        if (strcmp(keys->items[i].line.name, name) == 0) {
            return &keys->items[i];
        }
    }
    return NULL;
}

void keys_inherit(struct keys *keys, struct keys *before)
{
    for (uint32_t i = 0; i < keys->count; i++) {
        struct access_key *key = &keys->items[i];
        const struct access_key *old = keys_find_name(before, key->line.name);
        if (old != NULL && old->requests.rate == key->requests.rate) {
            key->requests = old->requests;
        }
        if (old != NULL && old->items.rate == key->items.rate) {
            key->items = old->items;
        }
    }
}
