/* SPDX-License-Identifier: Apache-2.0 */
/* api/openapi.yaml, as it was when the program was built. */
#ifndef API_CONTRACT_H
#define API_CONTRACT_H

#include <stddef.h>

struct api_contract {
    const char *bytes; /* UTF-8, never written; no NUL belongs to it */
    size_t size;
    const char *etag; /* quoted, as the header has it: another text has another one */
};

struct api_contract api_contract(void);

#endif
