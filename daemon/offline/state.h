/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Everything a state holds, thing by thing: pools, their funds, markets, accounts with their
 * positions, providers, sources; each kind in the bytewise order of names.
 */
#ifndef OFFLINE_STATE_H
#define OFFLINE_STATE_H

#include "api/buffer.h"
#include "lib/engine.h"

enum state_kind {
    STATE_POOL,
    STATE_INSURANCE_FUND,
    STATE_MARKET,
    STATE_ACCOUNT,
    STATE_PROVIDER,
    STATE_SOURCE,
    STATE_KIND_COUNT
};

struct state_thing {
    uint8_t kind;          /* enum state_kind */
    struct bs_text name;   /* lives until the engine's next step */
    struct bs_text second; /* of a provider, which has two names: its market */
    uint32_t handle;
};

/* The kind as printed: "pool", "insurance_fund", ... */
const char *state_kind_name(uint8_t kind);
/* Moves a thing (zeroed to begin) to the next one; false past the last of all. */
BS_MUST_USE bool state_next(struct bs_engine *engine, struct state_thing *thing);
/* Below, equal or above 0, in the order of state_next. */
int state_compare(const struct state_thing *a, const struct state_thing *b);
/* Ends the program, which has no daemon to keep alive, with a message. */
_Noreturn void state_out_of_memory(void);
/* The thing as an object, as the API shows it. */
void state_json(struct buffer *out, struct bs_engine *engine, const struct state_thing *thing);

#endif
