/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/http/action_row.h"

#include "api/json_state.h"

bool action_row_put(struct buffer *out, const char *log, const struct log_action_row *row,
                    const uint8_t hash[LOG_HASH_SIZE])
{
    struct bs_action action;
    if (bs_action_decode(row->record, row->record_size, &action) != BS_OK) {
        return false;
    }
    char hash_text[API_HASH_TEXT_SIZE];
    api_hash_print(hash_text, hash);
    api_action(out, &action, (struct api_origin){.log = log, .hash = hash_text});
    return true;
}
