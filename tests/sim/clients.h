/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The clients of a run. Three of them send requests one after another: the first and the last with
 * an idempotency key, the second with the numbers of a source. A request that was not answered
 * when the daemon died is sent again as it was. The requests of a seed are the same in all lives.
 */
#ifndef SIM_CLIENTS_H
#define SIM_CLIENTS_H

#include "daemon/core/core.h"
#include "tests/sim/ledger.h"

#define CLIENTS_COUNT 3
#define CLIENTS_POOL "p"
#define CLIENTS_CASH_POOL "q" /* holds the accounts that only take transfers of 1 */

struct clients;

/* `count` requests in all, the first one sets everything up. */
struct clients *clients_new(struct ledger *ledger, uint64_t seed, uint32_t count);
void clients_free(struct clients *clients); /* when the core answers nothing any more */
/* Sends what may be sent now. On the core loop. */
void clients_act(struct clients *clients, struct core *core);
/* Whether the first `count` requests are answered. */
bool clients_done(const struct clients *clients, uint32_t count);

/* What the judge asks of a request: the account that it pays 1 to. */
void clients_account(uint32_t request, char ret_name[16]);
bool clients_has_key(uint32_t request);
uint64_t clients_source_seq(uint32_t request); /* of one without a key */

#endif
