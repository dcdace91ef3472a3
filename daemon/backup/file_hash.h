/* SPDX-License-Identifier: Apache-2.0 */
/* SHA-256 of the bytes of a file, piece by piece. */
#ifndef FILE_HASH_H
#define FILE_HASH_H

#include "lib/base/base.h"

#define FILE_HASH_TEXT_SIZE 65 /* 64 hexadecimal digits and NUL */

struct file_hash {
    void *handle;
};

/* False when the library fails. After true, file_hash_end must follow. */
BS_MUST_USE bool file_hash_begin(struct file_hash *hash);
void file_hash_add(struct file_hash *hash, const void *bytes, size_t size);
void file_hash_end(struct file_hash *hash, char ret_text[FILE_HASH_TEXT_SIZE]);

/* From the descriptor's place to its end. 0 or a negative errno; *ret_size: bytes read. */
BS_MUST_USE int file_hash_read(int fd, char ret_text[FILE_HASH_TEXT_SIZE], uint64_t *ret_size);

#endif
