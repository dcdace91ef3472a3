/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/base/status.h"

#include "lib/base/base.h"

struct status_row {
    const char *name;
    int http;
    const char *sentence;
};

static const struct status_row rows[BS_STATUS_COUNT] = {
#define X(code, stable, status, text) {#stable, status, text},
#include "lib/base/status.def"
#undef X
};

const char *bs_status_name(enum bs_status status)
{
    assert((unsigned)status < BS_STATUS_COUNT);
    return rows[status].name;
}

const char *bs_status_sentence(enum bs_status status)
{
    assert((unsigned)status < BS_STATUS_COUNT);
    return rows[status].sentence;
}

int bs_status_http(enum bs_status status)
{
    assert((unsigned)status < BS_STATUS_COUNT);
    return rows[status].http;
}
