/* SPDX-License-Identifier: Apache-2.0 */
/* The receiver of notices, in place of HTTP (daemon/webhooks/transport.h): it takes, refuses, loses
 * or delays each as the seed says, and notes in the ledger what reached it. */
#ifndef SIM_RECEIVER_H
#define SIM_RECEIVER_H

#include "tests/sim/ledger.h"

/* `is_good`: it takes every notice. */
void receiver_begin(struct ledger *ledger, struct random random, bool is_good);

#endif
