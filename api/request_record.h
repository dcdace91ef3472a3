/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A request that is remembered under a key, as the record that goes into the log before the records
 * of its items (docs/records.md), and back: enough to give its answer once more.
 */
#ifndef API_REQUEST_RECORD_H
#define API_REQUEST_RECORD_H

#include "api/json_command.h"

/*
 * Appends the record of the parsed batch; `who` says caller, key and fingerprint, the batch the
 * rest. BS_TOO_MANY_REJECTIONS: what the parser rejected does not fit one record; BS_OUT_OF_MEMORY.
 * Nothing was appended then.
 */
BS_MUST_USE enum bs_status api_request_encode(struct buffer *out,
                                              const struct bs_request_command *who,
                                              const struct api_batch *batch);
/*
 * The batch as it was after parsing, but for its records. False: it names a code that this version
 * does not have, or the batch has failed. The batch is empty before.
 */
BS_MUST_USE bool api_request_restore(struct api_batch *batch,
                                     const struct bs_request_command *request);

#endif
