/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/base/status.h"

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

bool bs_status_find(struct bs_text name, enum bs_status *ret_status)
{
    for (unsigned status = 0; status < BS_STATUS_COUNT; status++) {
        const char *stable = rows[status].name;
        if (bs_text_equal(name, (struct bs_text){stable, (uint32_t)strlen(stable)})) {
            *ret_status = (enum bs_status)status;
            return true;
        }
    }
    return false;
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
