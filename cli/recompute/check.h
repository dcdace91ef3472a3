/* SPDX-License-Identifier: Apache-2.0 */
/* What is recomputed, how often it was, and what did not fit. */
#ifndef CLI_RECOMPUTE_CHECK_H
#define CLI_RECOMPUTE_CHECK_H

#include <stdbool.h>
#include <stdint.h>

/* X(CODE, what is counted) */
#define RECOMPUTE_CHECKS(X)                                                                        \
    X(ID, "ids without a gap")                                                                     \
    X(HASH, "links of the hash chain")                                                             \
    X(TIME, "times and seqs: one for each settlement, never decreasing")                           \
    X(SIZE, "sizes of a close: before, closed, after")                                             \
    X(PRICE, "prices: value / size to 12 digits")                                                  \
    X(COST, "costs to mark: value at mark against value")                                          \
    X(PROFIT, "profits: value less entry, to 12 digits")                                           \
    X(LEG, "values of legs: at mark + ceil(D*(P+w)/W) - placed before")                            \
    X(WEIGHT, "weights of legs: maintenance margin, adding up to W")                               \
    X(PIECE, "pieces of a close: ceil(V*P/Q)")                                                     \
    X(LOTS, "lots split: by size, or down to one leverage")                                        \
    X(SIDE, "sides closed together, that add up")                                                  \
    X(PAIR, "closes with an equal other side")                                                     \
    X(REVERSAL, "parts of closes taken back: floor(x*(R+r)/Q) - floor(x*R/Q)")                     \
    X(SCORE, "scores from their inputs")                                                           \
    X(ORDER, "places in a queue: tier, score, neighbours")                                         \
    X(HAIRCUT, "haircuts: floor(L*(P+g)/G) - floor(L*P/G)")                                        \
    X(ROUND, "rounds of haircuts that add up to the loss")                                         \
    X(DEFICIT, "deficits and who bore them")                                                       \
    X(LEDGER, "open losses, never below 0")                                                        \
    X(SETTLEMENT, "settlements that add up")                                                       \
    X(NUMBER, "numbers that are missing or malformed")

enum recompute_check {

#define X(code, what) CHECK_##code,
    RECOMPUTE_CHECKS(X)
#undef X
        CHECKS_COUNT
};

/* X(name, what is counted): what cannot be recomputed. */
#define RECOMPUTE_GAPS(X)                                                                          \
    X(unknown, "actions of a type that this program does not know: not recomputed")                \
    X(skipped, "closes in markets that are gone: not recomputed")                                  \
    X(other_waterfalls,                                                                            \
      "closes before the fund, by another waterfall than today's: not recomputed")                 \
    X(other_margins, "legs not weighed by today's maintenance margin: not recomputed")             \
    X(clamped, "closes of a split below their share: what bounded them is not published")          \
    X(later, "closes of a split above their share: what others could not bear")

struct recompute_checks {
    uint64_t counts[CHECKS_COUNT];

    struct {
#define X(name, what) uint64_t name;
        RECOMPUTE_GAPS(X)
#undef X
    } gaps;
    enum recompute_check failed; /* the last check that did not fit */
};

const char *recompute_check_name(enum recompute_check check);
/* Adds the counts of one pool to those of all. */
void recompute_checks_add(struct recompute_checks *sum, const struct recompute_checks *checks);

struct recompute;

/* Counts the check; returns `fits`. */
bool check_fits(struct recompute *recompute, enum recompute_check check, bool fits);

#endif
