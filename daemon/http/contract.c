/* SPDX-License-Identifier: Apache-2.0 */
/* GET /openapi.yaml: a constant of the program, answered without the core. */
#include "api/contract.h"

#include "daemon/answer/answer.h"
#include "daemon/http/handlers.h"

enum outcome contract_begin(struct connection *connection)
{
    const struct api_contract contract = api_contract();
    struct request *request = &connection->request;
    const char *known = MHD_lookup_connection_value(connection->mhd, MHD_HEADER_KIND,
                                                    MHD_HTTP_HEADER_IF_NONE_MATCH);
    /* Lists of validators and weak ones are compared as RFC 9110 (13.1.2) says: by what is quoted.
     */
    connection->etag = contract.etag;
    bool is_known = known != NULL && strstr(known, contract.etag) != NULL;
    answer_body(request, is_known ? MHD_HTTP_NOT_MODIFIED : MHD_HTTP_OK, "application/yaml");
    if (!is_known) {
        buffer_append(&request->body, contract.bytes, contract.size);
    }
    return OUTCOME_ANSWER;
}
