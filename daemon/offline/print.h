/* SPDX-License-Identifier: Apache-2.0 */
/* The lines that the log verbs print: a name and a value. */
#ifndef OFFLINE_PRINT_H
#define OFFLINE_PRINT_H

#include "lib/engine.h"

#define DIGEST_TEXT_SIZE 33

void print_number(const char *name, uint64_t number);
void print_word(const char *name, const char *word);
void digest_print(struct bs_digest digest, char text[DIGEST_TEXT_SIZE]);

#endif
