/* SPDX-License-Identifier: Apache-2.0 */
#include "api/contract.h"

#include "api/contract_bytes.h" /* made from openapi.yaml by embed.py */

static const unsigned char bytes[] = {EMBEDDED_BYTES};

struct api_contract api_contract(void)
{
    return (struct api_contract){(const char *)bytes, sizeof bytes, "\"" EMBEDDED_DIGEST "\""};
}
