/* SPDX-License-Identifier: Apache-2.0 */
/* A bar on standard error that shows how many bytes are done. */
#ifndef CLI_PROGRESS_H
#define CLI_PROGRESS_H

#include <stdbool.h>

struct progress {
    bool is_shown; /* standard error is a terminal */
};

/* Draws the bar over the one before it. */
void progress_show(const struct progress *progress, const char *what, long long done,
                   long long total);
void progress_end(const struct progress *progress); /* goes on below the bar */

#endif
