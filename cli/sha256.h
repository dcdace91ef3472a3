/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CLI_SHA256_H
#define CLI_SHA256_H

#include "api/buffer.h"

#define SHA256_TEXT_SIZE 65 /* 64 hexadecimal digits and NUL */

/* The SHA-256 of the bytes, in hexadecimal digits. False when the library fails. */
BS_MUST_USE bool sha256_text(const struct buffer *bytes, char ret_text[SHA256_TEXT_SIZE]);

#endif
