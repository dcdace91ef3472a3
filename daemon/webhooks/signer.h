/* SPDX-License-Identifier: Apache-2.0 */
/* Secrets and signatures of the Standard Webhooks specification, 1.0.0. */
#ifndef WEBHOOKS_SIGNER_H
#define WEBHOOKS_SIGNER_H

#include "api/buffer.h"

#define SIGNER_KEY_SIZE_MAX 64
#define SIGNER_TEXT_SIZE 112 /* "whsec_" and base64 of the longest key, NUL */

enum signer_kind { SIGNER_HMAC, SIGNER_ED25519 };

/* Of ed25519: the seed, then the public key. */
struct signer_key {
    uint8_t kind; /* enum signer_kind */
    uint32_t size;
    uint8_t bytes[SIGNER_KEY_SIZE_MAX];
};

/* What is signed: "id.timestamp.body". */
struct signer_content {
    const char *id;
    int64_t timestamp_s;
    const char *body;
    size_t body_size;
};

/* A new key of random bytes; 0 or a negative code. */
BS_MUST_USE int signer_key_new(struct signer_key *key, enum signer_kind kind);
/* "whsec_..." of 24 to 64 bytes, or "whsk_..." of a seed and its public key, 32 bytes each. False:
 * not such a text, or no pair. */
BS_MUST_USE bool signer_key_parse(struct signer_key *key, enum signer_kind kind, const char *text);
/* The text that the receiver verifies with: "whsec_...", or the public key "whpk_..." of
 * ed25519. */
void signer_key_print(const struct signer_key *key, char text[SIGNER_TEXT_SIZE]);
/* Appends "v1,..." or "v1a,...". */
BS_MUST_USE int signer_sign(const struct signer_key *key, const struct signer_content *content,
                            struct buffer *out);

#endif
