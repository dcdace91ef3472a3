/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/sha256.h"

#include <assert.h>
#include <gnutls/crypto.h>

#define HASH_SIZE 32

bool sha256_text(const struct buffer *bytes, char ret_text[SHA256_TEXT_SIZE])
{
    assert(bytes->bytes != NULL);
    static const char digits[] = "0123456789abcdef";
    uint8_t hash[HASH_SIZE];
    if (gnutls_hash_fast(GNUTLS_DIG_SHA256, bytes->bytes, bytes->size, hash) != GNUTLS_E_SUCCESS) {
        return false;
    }
    for (size_t i = 0; i < HASH_SIZE; i++) {
        ret_text[2 * i] = digits[hash[i] >> 4];
        ret_text[2 * i + 1] = digits[hash[i] & 15];
    }
    ret_text[SHA256_TEXT_SIZE - 1] = '\0';
    return true;
}
