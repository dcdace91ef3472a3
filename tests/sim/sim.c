/* SPDX-License-Identifier: Apache-2.0 */
/* The simulator's command line: `./dev sim` runs it. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>

#include "tests/sim/matrix.h"
#include "tests/sim/run.h"

#define TWICE_DEFAULT 8 /* of the seeds are run again and must give the same trace */

static const char usage[] =
    "usage: sim [--seeds N] [--seed S] [--twice N] | --matrix [--quick] [--scenario N]\n";

struct arguments {
    uint64_t first, count, twice;
    bool is_matrix, is_quick;
    unsigned scenario;
};

static bool parse(struct arguments *arguments, int count, char **words)
{
    *arguments = (struct arguments){.first = 1, .count = 100, .twice = TWICE_DEFAULT};
    for (int i = 1; i < count; i++) {
        bool has_value = i + 1 < count;
        uint64_t value = has_value ? strtoull(words[i + 1], NULL, 10) : 0;
        if (strcmp(words[i], "--matrix") == 0) {
            arguments->is_matrix = true;
            continue;
        }
        if (strcmp(words[i], "--quick") == 0) {
            arguments->is_quick = true;
            continue;
        }
        if (strcmp(words[i], "--seeds") == 0 && has_value) {
            arguments->count = value;
        } else if (strcmp(words[i], "--seed") == 0 && has_value) {
            arguments->first = value;
            arguments->count = arguments->count == 100 ? 1 : arguments->count;
        } else if (strcmp(words[i], "--scenario") == 0 && has_value) {
            arguments->scenario = (unsigned)value;
        } else if (strcmp(words[i], "--twice") == 0 && has_value) {
            arguments->twice = value;
        } else {
            return false;
        }
        i++;
    }
    return true;
}

static void print_counts(const struct run_counts *counts)
{
    (void)printf("%" PRIu64 " runs, %" PRIu64 " lives: %" PRIu64 " killed, %" PRIu64
                 " ended by a disk that failed, %" PRIu64 " not begun for the same reason\n",
                 counts->runs, counts->lives, counts->kills, counts->failures, counts->refusals);
    (void)printf("%" PRIu64 " recoveries judged; %" PRIu64 " operations of the disk, %" PRIu64
                 " requests, %" PRIu64 " records, %" PRIu64 " settlements, %" PRIu64
                 " actions, %" PRIu64 " notices\n",
                 counts->judged, counts->operations, counts->requests, counts->records,
                 counts->settlements, counts->actions, counts->notices);
    (void)printf("%" PRIu64 " snapshots; %" PRIu64 " starts from one, %" PRIu64
                 " damaged ones passed over; %" PRIu64 " starts of a log that was cut\n",
                 counts->snapshots, counts->snapshot_starts, counts->passed_over,
                 counts->cut_starts);
    (void)printf("%" PRIu64 " flipped bits, %" PRIu64 " found, the others harmless\n",
                 counts->flips, counts->flips_found);
}

static int run_seeds(const struct arguments *arguments)
{
    struct run_counts counts = {0};
    uint64_t failed = 0;
    for (uint64_t i = 0; i < arguments->count; i++) {
        struct run_counts ignored = {0};
        uint64_t seed = arguments->first + i;
        uint64_t trace;
        uint64_t again = 0;
        bool is_kept = run_seed(seed, &counts, &trace);
        if (is_kept && i < arguments->twice) {
            is_kept = run_seed(seed, &ignored, &again) && trace == again;
            if (trace != again) {
                (void)printf("seed %" PRIu64 " gave the traces %016" PRIx64 " and %016" PRIx64 "\n",
                             seed, trace, again);
            }
        }
        if (arguments->count == 1) {
            (void)printf("seed %" PRIu64 ": trace %016" PRIx64 "\n", seed, trace);
        }
        if (!is_kept) {
            failed++;
            (void)printf("run it again: ./dev sim --seed %" PRIu64 "\n", seed);
            (void)fflush(stdout);
        }
    }
    print_counts(&counts);
    (void)printf("%" PRIu64 " passed, %" PRIu64 " failed\n", arguments->count - failed, failed);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

int main(int count, char **words)
{
    struct arguments arguments;
    if (!parse(&arguments, count, words)) {
        (void)fputs(usage, stderr);
        return 64;
    }
    (void)prctl(PR_SET_THP_DISABLE, 1, 0, 0,
                0); /* small engines: huge pages cost more than they give */
    int status = !arguments.is_matrix                                 ? run_seeds(&arguments)
                 : matrix_run(arguments.is_quick, arguments.scenario) ? EXIT_SUCCESS
                                                                      : EXIT_FAILURE;
    run_root_remove();
    return status;
}
