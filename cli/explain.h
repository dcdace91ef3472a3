/* SPDX-License-Identifier: Apache-2.0 */
/* Why an action came about, in sentences. */
#ifndef CLI_EXPLAIN_H
#define CLI_EXPLAIN_H

#include "cli/member.h"

/* Prints the sentences about the action; its figures are shown as they were published. `you`: the
 * account that the sentences speak to, or NULL. */
void explain(const json_t *action, const char *asset, const char *you);

#endif
