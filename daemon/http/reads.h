/* SPDX-License-Identifier: Apache-2.0 */
/* Reads of state, each bounded to a page: single rows run on the core loop, the others on the
 * follower's thread with the second block. */
#ifndef HTTP_READS_H
#define HTTP_READS_H

#include "daemon/answer/request.h"
#include "daemon/http/query.h"

void read_presets(struct request *request, const struct read_query *query,
                  struct bs_engine *engine);
void read_pools(struct request *request, const struct read_query *query, struct bs_engine *engine);
void read_pool(struct request *request, const struct read_query *query, struct bs_engine *engine);
void read_insurance_fund(struct request *request, const struct read_query *query,
                         struct bs_engine *engine);
void read_fund_history(struct request *request, const struct read_query *query,
                       struct bs_engine *engine);
void read_solvency(struct request *request, const struct read_query *query,
                   struct bs_engine *engine);
void read_at_risk(struct request *request, const struct read_query *query,
                  struct bs_engine *engine);
void read_accounts(struct request *request, const struct read_query *query,
                   struct bs_engine *engine);
void read_account(struct request *request, const struct read_query *query,
                  struct bs_engine *engine);
void read_positions(struct request *request, const struct read_query *query,
                    struct bs_engine *engine);
void read_providers(struct request *request, const struct read_query *query,
                    struct bs_engine *engine);
void read_sources(struct request *request, const struct read_query *query,
                  struct bs_engine *engine);
void read_source(struct request *request, const struct read_query *query, struct bs_engine *engine);
void read_markets(struct request *request, const struct read_query *query,
                  struct bs_engine *engine);
void read_market(struct request *request, const struct read_query *query, struct bs_engine *engine);
void read_adl_rank(struct request *request, const struct read_query *query,
                   struct bs_engine *engine);
void read_adl_queue(struct request *request, const struct read_query *query,
                    struct bs_engine *engine);

#endif
