/* SPDX-License-Identifier: Apache-2.0 */
/* The main function of the programs that print a page of docs/ from a table. */
#ifndef API_PAGE_MAIN_H
#define API_PAGE_MAIN_H

#include "api/buffer.h"

struct page {
    const char *program; /* its name */
    const char *table;   /* the file that the page is printed from */
    void (*print)(struct buffer *out);
};

/* Without arguments prints the page; with --check FILE compares it with the file. Returns the exit
 * code: not 0 when the file differs. */
int page_main(const struct page *page, int argc, char **argv);

#endif
