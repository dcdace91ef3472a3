/* SPDX-License-Identifier: Apache-2.0 */
/* How a command ends: accepted, or refused with the field at fault. */
#ifndef BS_OUTCOME_H
#define BS_OUTCOME_H

#include "lib/base/status.h"

struct bs_engine;

struct bs_outcome {
    enum bs_status status;
    const char *field; /* or NULL */
};

#define BS_ACCEPTED ((struct bs_outcome){BS_OK, NULL})

static inline struct bs_outcome bs_refuse(enum bs_status status, const char *field)
{
    return (struct bs_outcome){status, field};
}

#endif
