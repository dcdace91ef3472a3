/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/offline/print.h"

#include <inttypes.h>
#include <stdio.h>

void print_number(const char *name, uint64_t number)
{
    (void)printf("%-18s %" PRIu64 "\n", name, number);
}

void print_word(const char *name, const char *word)
{
    (void)printf("%-18s %s\n", name, word);
}

void digest_print(struct bs_digest digest, char text[DIGEST_TEXT_SIZE])
{
    (void)snprintf(text, DIGEST_TEXT_SIZE, "%016" PRIx64 "%016" PRIx64, digest.words[0],
                   digest.words[1]);
}
