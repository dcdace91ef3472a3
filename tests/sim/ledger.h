/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the world outside the daemon knows, over all lives of one run: what clients sent and were
 * answered, what was published, what the receiver of notices got. It is in shared memory, so it
 * outlives a daemon that is killed. The judge compares a recovered daemon with it.
 */
#ifndef SIM_LEDGER_H
#define SIM_LEDGER_H

#include "daemon/log/log.h"
#include "tests/sim/random.h"

#define LEDGER_REQUESTS_MAX 256
#define LEDGER_ITEMS_MAX 32
#define LEDGER_SAMPLES_MAX 4096
#define LEDGER_ACTIONS_MAX 16384
#define LEDGER_PROBLEM_SIZE 1024
#define LEDGER_SEQS_MAX 8192
#define LEDGER_HISTORY_SIZE (1 << 20)

struct ledger_request {
    bool is_sent, is_answered;
    uint32_t records_count;                 /* that of its key included */
    uint32_t records_crc[LEDGER_ITEMS_MAX]; /* over what its sender determines */
    uint64_t last_seq;
    int status;
    uint32_t body_crc;
};

struct ledger_sample {
    uint64_t seq;
    struct bs_digest digest;
};

struct ledger_notice {
    uint32_t body_crc;
    uint32_t deliveries; /* that reached the receiver */
};

/* All that was ever read of the log, also what was cut off it since (history.h). */
struct ledger_history {
    struct log_reader_place place; /* after the last record */
    uint64_t ordinal;              /* of the last action */
    uint32_t action_crcs[LEDGER_ACTIONS_MAX];
    uint32_t ends[LEDGER_SEQS_MAX]; /* of each record, by its sequence */
    uint8_t records[LEDGER_HISTORY_SIZE];
};

struct ledger {
    struct ledger_request requests[LEDGER_REQUESTS_MAX];
    uint32_t answered_count;
    struct ledger_sample samples[LEDGER_SAMPLES_MAX];
    uint32_t samples_count;
    uint64_t published; /* the last ordinal that the core said is durable */
    struct ledger_history history;
    char identity[LOG_IDENTITY_DIGITS + 1]; /* empty: nothing was answered yet */
    bool has_endpoint;
    uint32_t endpoint;      /* how often one was asked for: the number in its URL */
    uint64_t notices_after; /* the endpoint wants all notices after this ordinal */
    struct ledger_notice notices[LEDGER_ACTIONS_MAX];
    uint64_t awaited;     /* the last life ended when notices up to this one had come */
    uint64_t last_notice; /* in order: the highest that reached the receiver */
    /* Of the last life. */
    uint64_t operations;
    uint64_t trace; /* over all that happened, in its order */
    bool disk_failed;
    char error[LOG_ERROR_SIZE];
    /* Counts, for the report. */
    uint64_t records, actions, settlements, deliveries, judged_times;
    uint64_t snapshots, cuts, snapshot_starts, passed_over, cut_starts;
    char problem[LEDGER_PROBLEM_SIZE]; /* empty: none yet */
};

/* A promise was broken: notes the first one and ends the process with LIFE_WRONG. */
_Noreturn void ledger_problem(struct ledger *ledger, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

#define LEDGER_EXPECT(ledger, condition, ...)                                                      \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            ledger_problem(ledger, __VA_ARGS__);                                                   \
        }                                                                                          \
    } while (0)

void ledger_trace(struct ledger *ledger, const void *bytes, size_t size);

#endif
