/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One line of the keys file: a client and its roles. The daemon reads the file; backstopctl edits it,
 * and borrows this file to do so.
 *
 *     NAME  ROLES       CREDENTIAL                    LIMITS
 *     feed1 feed,read   sha256:9f86d081...(64 digits) requests=2000 items=500000
 *     desk  ops         cert:desk.venue.example
 *
 * An API key is kept as the SHA-256 of its text, a client certificate by its name. Limits are per
 * second and optional. Blank lines and lines that begin with # are comments.
 */
#ifndef ACCESS_KEY_LINE_H
#define ACCESS_KEY_LINE_H

#include "api/buffer.h"
#include "lib/base/base.h"

/* Bits. ops includes read: a client that may pause a pool may see it. */
#define ROLE_FEED (1u << 0) /* state in */
#define ROLE_OPS (1u << 1)  /* set-up, settlements, simulations, webhooks */
#define ROLE_READ (1u << 2) /* state out */

#define KEY_NAME_SIZE_MAX 64
#define KEY_HASH_SIZE 32
#define KEY_SUBJECT_SIZE_MAX 255
#define KEY_RATE_MAX 1000000000u

struct key_line {
    char name[KEY_NAME_SIZE_MAX + 1]; /* empty: the line is a comment */
    uint8_t roles;                    /* those written, and those that they include */
    bool is_certificate;
    uint8_t hash[KEY_HASH_SIZE];            /* of an API key */
    char subject[KEY_SUBJECT_SIZE_MAX + 1]; /* of a certificate */
    uint32_t requests_per_s;                /* 0 = no limit */
    uint32_t items_per_s;
};

/* Reads a line without its newline. NULL, or what is wrong with it. */
BS_MUST_USE const char *key_line_parse(struct key_line *line, struct bs_text text);
void key_line_print(struct buffer *out, const struct key_line *line); /* with its newline */

BS_MUST_USE bool key_name_valid(struct bs_text name); /* 1 to 64 of a-z A-Z 0-9 . _ - */
/* "feed,read"; false when a word is unknown, repeated or missing. */
BS_MUST_USE bool key_roles_parse(struct bs_text text, uint8_t *ret_roles);
void key_roles_print(struct buffer *out, uint8_t roles);

#endif
