/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/webhooks/signer.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <sys/random.h>

#include <gnutls/abstract.h>
#include <gnutls/crypto.h>

#define HMAC_KEY_SIZE 32
#define HMAC_KEY_SIZE_MIN 24
#define HMAC_SIZE 32
#define SEED_SIZE 32
#define PUBLIC_SIZE 32
#define SIGNATURE_SIZE 64
#define HEAD_SIZE 96 /* of "id.timestamp." */

static void encode(struct buffer *out, const uint8_t *bytes, size_t size)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    for (size_t i = 0; i < size; i += 3) {
        uint32_t group = (uint32_t)bytes[i] << 16;
        group |= i + 1 < size ? (uint32_t)bytes[i + 1] << 8 : 0;
        group |= i + 2 < size ? bytes[i + 2] : 0;
        char text[4] = {digits[group >> 18], digits[group >> 12 & 63],
                        i + 1 < size ? digits[group >> 6 & 63] : '=',
                        i + 2 < size ? digits[group & 63] : '='};
        buffer_append(out, text, sizeof(text));
    }
}

static int digit_of(char c)
{
    if (c >= 'A' && c <= 'Z') {
        return c - 'A';
    }
    if (c >= 'a' && c <= 'z') {
        return c - 'a' + 26;
    }
    if (c >= '0' && c <= '9') {
        return c - '0' + 52;
    }
    return c == '+' ? 62 : c == '/' ? 63 : -1;
}

/* With or without padding; bits after the last byte must be 0. */
static bool decode(const char *text, uint8_t *bytes, size_t capacity, uint32_t *ret_size)
{
    size_t digits = strcspn(text, "=");
    size_t padding = strlen(text) - digits;
    uint32_t group = 0;
    uint32_t bits = 0;
    uint32_t size = 0;
    for (size_t i = 0; i < digits; i++) {
        int digit = digit_of(text[i]);
        if (digit < 0) {
            return false;
        }
        group = group << 6 | (uint32_t)digit;
        bits += 6;
        if (bits >= 8) {
            if (size == capacity) {
                return false;
            }
            bits -= 8;
            bytes[size++] = (uint8_t)(group >> bits);
            group &= (1u << bits) - 1;
        }
    }
    *ret_size = size;
    bool is_padded = padding == 0 || ((digits + padding) % 4 == 0 && padding < 3 &&
                                      strspn(text + digits, "=") == padding);
    return digits % 4 != 1 && group == 0 && is_padded;
}

/* ---- ed25519 ---- */

static int load(const struct signer_key *key, gnutls_privkey_t *ret_private)
{
    gnutls_datum_t seed = {.data = (unsigned char *)(uintptr_t)key->bytes, .size = SEED_SIZE};
    gnutls_datum_t public = {.data = (unsigned char *)(uintptr_t)key->bytes + SEED_SIZE,
                             .size = PUBLIC_SIZE};
    gnutls_privkey_t private;
    if (gnutls_privkey_init(&private) != GNUTLS_E_SUCCESS) {
        return -ENOMEM;
    }
    if (gnutls_privkey_import_ecc_raw(private, GNUTLS_ECC_CURVE_ED25519, &public, NULL, &seed) !=
        GNUTLS_E_SUCCESS) {
        gnutls_privkey_deinit(private);
        return -EINVAL;
    }
    *ret_private = private;
    return 0;
}

/* True if the public key belongs to the seed: it verifies what the seed signs. */
static bool is_pair(const struct signer_key *key)
{
    static unsigned char text[] = "pair";
    gnutls_datum_t data = {.data = text, .size = sizeof(text)};
    gnutls_datum_t signature = {0};
    gnutls_privkey_t private;
    gnutls_pubkey_t public;
    if (load(key, &private) != 0) {
        return false;
    }
    bool good = gnutls_pubkey_init(&public) == GNUTLS_E_SUCCESS;
    if (good) {
        gnutls_datum_t point = {.data = (unsigned char *)(uintptr_t)key->bytes + SEED_SIZE,
                                .size = PUBLIC_SIZE};
        good = gnutls_pubkey_import_ecc_raw(public, GNUTLS_ECC_CURVE_ED25519, &point, NULL) ==
                   GNUTLS_E_SUCCESS &&
               gnutls_privkey_sign_data2(private, GNUTLS_SIGN_EDDSA_ED25519, 0, &data,
                                         &signature) == GNUTLS_E_SUCCESS &&
               gnutls_pubkey_verify_data2(public, GNUTLS_SIGN_EDDSA_ED25519, 0, &data,
                                          &signature) >= 0;
        gnutls_pubkey_deinit(public);
    }
    gnutls_free(signature.data);
    gnutls_privkey_deinit(private);
    return good;
}

static int generate(struct signer_key *key)
{
    gnutls_privkey_t private;
    gnutls_datum_t seed = {0};
    gnutls_datum_t public = {0};
    if (gnutls_privkey_init(&private) != GNUTLS_E_SUCCESS) {
        return -ENOMEM;
    }
    bool good = gnutls_privkey_generate(private, GNUTLS_PK_EDDSA_ED25519,
                                        GNUTLS_CURVE_TO_BITS(GNUTLS_ECC_CURVE_ED25519),
                                        0) == GNUTLS_E_SUCCESS &&
                gnutls_privkey_export_ecc_raw2(private, NULL, &public, NULL, &seed, 0) ==
                    GNUTLS_E_SUCCESS &&
                seed.size == SEED_SIZE && public.size == PUBLIC_SIZE;
    if (good) {
        memcpy(key->bytes, seed.data, SEED_SIZE);
        memcpy(key->bytes + SEED_SIZE, public.data, PUBLIC_SIZE);
        key->size = SEED_SIZE + PUBLIC_SIZE;
    }
    gnutls_free(seed.data);
    gnutls_free(public.data);
    gnutls_privkey_deinit(private);
    return good ? 0 : -EIO;
}

static int sign_ed25519(const struct signer_key *key, struct buffer *content,
                        uint8_t ret_signature[SIGNATURE_SIZE])
{
    gnutls_datum_t data = {.data = (unsigned char *)content->bytes,
                           .size = (unsigned)content->size};
    gnutls_datum_t signature = {0};
    gnutls_privkey_t private;
    int code = load(key, &private);
    if (code != 0) {
        return code;
    }
    bool good = gnutls_privkey_sign_data2(private, GNUTLS_SIGN_EDDSA_ED25519, 0, &data,
                                          &signature) == GNUTLS_E_SUCCESS &&
                signature.size == SIGNATURE_SIZE;
    if (good) {
        memcpy(ret_signature, signature.data, SIGNATURE_SIZE);
    }
    gnutls_free(signature.data);
    gnutls_privkey_deinit(private);
    return good ? 0 : -EIO;
}

/* ---- both ---- */

int signer_key_new(struct signer_key *key, enum signer_kind kind)
{
    *key = (struct signer_key){.kind = (uint8_t)kind, .size = HMAC_KEY_SIZE};
    if (kind == SIGNER_ED25519) {
        return generate(key);
    }
    return getrandom(key->bytes, HMAC_KEY_SIZE, 0) == HMAC_KEY_SIZE ? 0 : -EIO;
}

bool signer_key_parse(struct signer_key *key, enum signer_kind kind, const char *text)
{
    const char *prefix = kind == SIGNER_ED25519 ? "whsk_" : "whsec_";
    size_t prefix_size = strlen(prefix);
    *key = (struct signer_key){.kind = (uint8_t)kind};
    if (strncmp(text, prefix, prefix_size) != 0 ||
        !decode(text + prefix_size, key->bytes, sizeof(key->bytes), &key->size)) {
        return false;
    }
    if (kind == SIGNER_HMAC) {
        return key->size >= HMAC_KEY_SIZE_MIN;
    }
    return key->size == SEED_SIZE + PUBLIC_SIZE && is_pair(key);
}

void signer_key_print(const struct signer_key *key, char text[SIGNER_TEXT_SIZE])
{
    bool is_public = key->kind == SIGNER_ED25519;
    struct buffer out = {.bytes = text, .capacity = SIGNER_TEXT_SIZE}; /* it has room */
    buffer_text(&out, is_public ? "whpk_" : "whsec_");
    encode(&out, key->bytes + (is_public ? SEED_SIZE : 0), is_public ? PUBLIC_SIZE : key->size);
    assert(!out.failed);
    assert(out.bytes == text);
}

static int sign_hmac(const struct signer_key *key, const char *head,
                     const struct signer_content *content, uint8_t ret_mac[HMAC_SIZE])
{
    gnutls_hmac_hd_t hmac;
    if (gnutls_hmac_init(&hmac, GNUTLS_MAC_SHA256, key->bytes, key->size) != GNUTLS_E_SUCCESS) {
        return -EIO;
    }
    int head_code = gnutls_hmac(hmac, head, strlen(head));
    int body_code = gnutls_hmac(hmac, content->body, content->body_size);
    gnutls_hmac_deinit(hmac, ret_mac);
    return head_code == GNUTLS_E_SUCCESS && body_code == GNUTLS_E_SUCCESS ? 0 : -EIO;
}

int signer_sign(const struct signer_key *key, const struct signer_content *content,
                struct buffer *out)
{
    char head[HEAD_SIZE];
    uint8_t signature[SIGNATURE_SIZE];
    bool is_hmac = key->kind == SIGNER_HMAC;
    int size = snprintf(head, sizeof(head), "%s.%" PRId64 ".", content->id, content->timestamp_s);
    assert(size > 0 && size < HEAD_SIZE);
    int code;
    if (is_hmac) {
        code = sign_hmac(key, head, content, signature);
    } else {
        struct buffer whole = {0};
        buffer_append(&whole, head, (size_t)size);
        buffer_append(&whole, content->body, content->body_size);
        code = whole.failed ? -ENOMEM : sign_ed25519(key, &whole, signature);
        buffer_fini(&whole);
    }
    if (code == 0) {
        buffer_text(out, is_hmac ? "v1," : "v1a,");
        encode(out, signature, is_hmac ? HMAC_SIZE : SIGNATURE_SIZE);
    }
    return code == 0 && out->failed ? -ENOMEM : code;
}
