/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/progress.h"

#include <stdio.h>

#define BAR_SIZE 30

void progress_show(const struct progress *progress, const char *what, long long done,
                   long long total)
{
    char bar[BAR_SIZE + 1];
    if (!progress->is_shown) {
        return;
    }
    long long whole = total > 0 ? total : 1;
    long long filled = done < whole ? done * BAR_SIZE / whole : BAR_SIZE;
    for (int i = 0; i < BAR_SIZE; i++) {
        bar[i] = i < filled ? '#' : '.';
    }
    bar[BAR_SIZE] = '\0';
    (void)fprintf(stderr, "\r%-10s [%s] %3lld %% of %.1f MB ", what, bar,
                  done < whole ? done * 100 / whole : 100, (double)total / 1e6);
    (void)fflush(stderr);
}

void progress_end(const struct progress *progress)
{
    if (progress->is_shown) {
        (void)fprintf(stderr, "\n");
    }
}
