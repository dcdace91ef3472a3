/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/core/answer_follower.h"

enum bs_status answer_follower_step(struct answer_follower *follower,
                                    const struct bs_engine *engine,
                                    const struct bs_effects *effects,
                                    const struct bs_command *command)
{
    struct request *request = &follower->request;
    if (command->type == BS_COMMAND_REQUEST) {
        enum bs_status status = BS_NEWER_RECORD;
        if (request->records_left == 0) {
            status = write_answer_restore(follower->answers, request, &command->as.request);
        }
        if (status != BS_OK) {
            return status;
        }
    } else if (request->records_left > 0) {
        write_answer_collect(request, engine, effects, command);
        request->records_left--;
    }
    if (request->first_answer != NULL && request->records_left == 0) {
        request->last_seq = command->seq;
        write_answer_finish(follower->answers, request);
    }
    return BS_OK;
}

bool answer_follower_is_within(const struct answer_follower *follower)
{
    return follower->request.records_left > 0;
}

void answer_follower_clear(struct answer_follower *follower)
{
    api_batch_fini(&follower->request.batch);
    buffer_fini(&follower->request.body);
    follower->request = (struct request){0};
}
