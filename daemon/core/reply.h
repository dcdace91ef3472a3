/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The answer of a write, from the outcomes of its records: made live when they are stepped, and
 * once more in replay for a request that came with a key, from the same code.
 */
#ifndef REPLY_H
#define REPLY_H

#include "daemon/answer/request.h"
#include "daemon/core/answers.h"
#include "daemon/core/machine.h"

/*
 * A request with a key is not to be executed when it was taken before: then *its* answer is that
 * one's, or a refusal. True: it is new and to be taken, and was added to the answers.
 */
BS_MUST_USE bool reply_admit(struct answers *answers, struct request *request);
/* Replay: the request as it was when this record of it was written. False: see
 * api_request_restore. `request` is zeroed or was answered. */
BS_MUST_USE bool reply_restore(struct answers *answers, struct request *request,
                               const struct bs_request_command *record);

/* One of its records was stepped: what came of it goes into the request. */
void reply_collect(struct request *request, const struct machine *machine,
                   const struct bs_command *command);
/* All of them were, the last one as `last_seq`: the answer is made, and remembered. */
void reply_finish(struct answers *answers, struct request *request);

#endif
