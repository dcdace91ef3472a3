/* SPDX-License-Identifier: Apache-2.0 */
/* The outcomes of a command: the client's business, never a failure of the world. Rows: status.def */
#ifndef BS_STATUS_H
#define BS_STATUS_H

#include "lib/base/base.h"

enum bs_status {

#define X(code, name, http, sentence) BS_##code,
#include "lib/base/status.def"
#undef X
    BS_STATUS_COUNT
};

/* The stable machine-readable name, e.g. "stale_update". */
const char *bs_status_name(enum bs_status status);
/* The status with this name; false if there is none. */
BS_MUST_USE bool bs_status_find(struct bs_text name, enum bs_status *ret_status);
/* One English sentence without a full stop. */
const char *bs_status_sentence(enum bs_status status);
/* The HTTP status of a request that has only this outcome. */
int bs_status_http(enum bs_status status);

#endif
