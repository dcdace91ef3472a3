/* SPDX-License-Identifier: Apache-2.0 */
/* What clients ask about webhooks. A change is saved before it is answered, and undone if it cannot
 * be saved. The webhooks thread only. */
#ifndef WEBHOOKS_CONTROLLER_H
#define WEBHOOKS_CONTROLLER_H

#include "daemon/webhooks/registry.h"

/* Does what the job asks and answers it; a test is answered when it ends. */
void controller_answer(struct registry *registry, struct webhooks_job *job);
/* The outcome of a test. */
void controller_answer_test(struct webhooks_job *job, const struct message *message);
/* The endpoint is gone or the daemon stops. */
void controller_answer_lost(struct webhooks_job *job, enum bs_status status);

#endif
