/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Producers that number their items. Each has its next number and, for the last numbers, a hash of
 * the item and its outcome, so an item that comes twice takes effect once.
 */
#ifndef BS_COMMAND_SOURCE_H
#define BS_COMMAND_SOURCE_H

#include "lib/base/limits.h"
#include "lib/book/kept.h"
#include "lib/command/outcome.h"
#include "lib/record/command.h"

#define BS_SOURCE_OUTCOME_BITS 16

#define BS_SOURCE_KEPT(X)                                                                          \
    X(U64, next_seq, ALWAYS)                                                                       \
    X(U64, chain, ALWAYS) /* a hash over all that it sent */

struct bs_source { /* rows are in the order of names */
    char name[BS_ID_SIZE_MAX];
    uint32_t name_size;
    uint32_t ring;      /* which of the rings is its */
    uint64_t first_seq; /* what is before it is forgotten */
    BS_SOURCE_KEPT(BS_KEPT_MEMBER)
};

static inline struct bs_text bs_source_name(const struct bs_source *source)
{
    return (struct bs_text){source->name, source->name_size};
}

/* The first number that is still remembered. */
uint64_t bs_source_oldest(const struct bs_engine *engine, const struct bs_source *source);
/* Where hash and outcome of an item are: the lowest BS_SOURCE_OUTCOME_BITS are the outcome. */
uint64_t *bs_source_entry(const struct bs_engine *engine, const struct bs_source *source,
                          uint64_t seq);

/*
 * The command has a source. True: its number is the next one. False: it must not be executed, and
 * *ret_outcome is its answer.
 */
BS_MUST_USE bool bs_source_admit(const struct bs_engine *engine, const struct bs_command *command,
                                 struct bs_outcome *ret_outcome);
/* It was admitted and executed. */
void bs_source_note(struct bs_engine *engine, const struct bs_command *command,
                    enum bs_status status);
/* The window is about to change: what it has forgotten stays forgotten. */
void bs_sources_forget(struct bs_engine *engine);

#endif
