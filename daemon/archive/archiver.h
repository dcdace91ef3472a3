/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Puts old files of the log into the archive, and proves that they are there before they are cut.
 * For one thread at a time, but for the state, which any thread may ask for.
 *
 * The directory is opened for every run and never made: where a disk is not mounted, nothing must be
 * written to the directory below. One archive holds files of one log.
 */
#ifndef ARCHIVER_H
#define ARCHIVER_H

#include "daemon/log/log_cut.h"

struct archiver;

struct archiver_state {
    bool is_failing;   /* the last run could not finish: then nothing is cut */
    uint64_t last_seq; /* the archive holds the log up to here; 0: not known yet */
    /* Since the start. */
    uint64_t files, failures;
    uint64_t bytes_in, bytes_out; /* of the files, before and after compression */
    uint64_t write_ns;
    /* Of the run that is under way, or of the last one. */
    uint64_t bytes_done, bytes_total;
    char error[LOG_ERROR_SIZE]; /* of the last failure; empty: none since the last full run */
};

struct archiver_options {
    const char *directory; /* both live as long as the archiver */
    struct command_log *log;
    bool (*goes_on)(void *user); /* false: runs end as soon as they can */
    void *user;
};

/* NULL: out of memory. */
struct archiver *archiver_new(const struct archiver_options *options);
void archiver_free(struct archiver *archiver); /* NULL is fine */

/*
 * Stores those of the old files, the oldest first, that are not in the archive yet. Of those up to
 * `up_to_seq`, each is then read back and compared with the file of the log, and `on_safe` is called,
 * which may cut it. A failure ends the run, is logged, and is in the state until a run succeeds.
 */
void archiver_run(struct archiver *archiver, const struct log_old_file *files, uint32_t count,
                  uint64_t up_to_seq, void (*on_safe)(void *user, const struct log_old_file *file));
void archiver_state_get(struct archiver *archiver, struct archiver_state *ret_state);

#endif
