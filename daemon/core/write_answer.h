/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The answer of a write, made from the outcomes of its records: live when they are stepped, and
 * again in replay for a request with a key, by the same code.
 */
#ifndef WRITE_ANSWER_H
#define WRITE_ANSWER_H

#include "daemon/answer/request.h"
#include "daemon/core/first_answers.h"

/* Before a write becomes durable: makes room for its answer, so that nothing has to be allocated once it is
 * done. False: no memory. */
BS_MUST_USE bool write_answer_reserve(struct request *request);
/*
 * A request with a key runs once. True: the key is new, and if it may run the request was added to
 * the first answers. False: it must not run; its answer is the first one's, or a refusal, also for want of memory.
 */
BS_MUST_USE bool write_answer_admit(struct first_answers *answers, struct request *request,
                                    bool may_run);
/* Undoes the admission of a request that will not run after all. */
void write_answer_withdraw(struct first_answers *answers, struct request *request);
/*
 * Replay: the request as it was when `record` was written. BS_NEWER_RECORD: as api_request_restore says;
 * BS_OUT_OF_MEMORY. `request` is zeroed, or its last use was answered.
 */
BS_MUST_USE enum bs_status write_answer_restore(struct first_answers *answers,
                                                struct request *request,
                                                const struct bs_request_command *record);

/* One of its records was stepped, with these effects: keeps the outcome in the request. */
void write_answer_collect(struct request *request, const struct bs_engine *engine,
                          const struct bs_effects *effects, const struct bs_command *command);
/* All of its records are stepped, the last one as `last_seq`: makes and remembers the answer. */
void write_answer_finish(struct first_answers *answers, struct request *request);

#endif
