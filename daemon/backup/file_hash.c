/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/backup/file_hash.h"

#include <errno.h>
#include <gnutls/crypto.h>
#include <stdlib.h>
#include <unistd.h>

#define HASH_SIZE 32
#define PIECE_SIZE ((size_t)1 << 20)

bool file_hash_begin(struct file_hash *hash)
{
    gnutls_hash_hd_t handle;
    if (gnutls_hash_init(&handle, GNUTLS_DIG_SHA256) != GNUTLS_E_SUCCESS) {
        return false;
    }
    hash->handle = handle;
    return true;
}

void file_hash_add(struct file_hash *hash, const void *bytes, size_t size)
{
    int result = size == 0 ? 0 : gnutls_hash(hash->handle, bytes, size);
    assert(result == GNUTLS_E_SUCCESS);
}

void file_hash_end(struct file_hash *hash, char ret_text[FILE_HASH_TEXT_SIZE])
{
    static const char digits[] = "0123456789abcdef";
    uint8_t bytes[HASH_SIZE];
    gnutls_hash_deinit(hash->handle, bytes);
    hash->handle = NULL;
    for (size_t i = 0; i < HASH_SIZE; i++) {
        ret_text[2 * i] = digits[bytes[i] >> 4];
        ret_text[2 * i + 1] = digits[bytes[i] & 15];
    }
    ret_text[FILE_HASH_TEXT_SIZE - 1] = '\0';
}

int file_hash_read(int fd, char ret_text[FILE_HASH_TEXT_SIZE], uint64_t *ret_size)
{
    struct file_hash hash;
    uint8_t *piece = malloc(PIECE_SIZE);
    if (piece == NULL || !file_hash_begin(&hash)) {
        free(piece);
        return -ENOMEM;
    }
    ssize_t size;
    *ret_size = 0;
    while ((size = read(fd, piece, PIECE_SIZE)) > 0) {
        file_hash_add(&hash, piece, (size_t)size);
        *ret_size += (uint64_t)size;
    }
    int code = size < 0 ? -errno : 0;
    file_hash_end(&hash, ret_text);
    free(piece);
    return code;
}
