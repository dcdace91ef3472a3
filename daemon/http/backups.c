/* SPDX-License-Identifier: Apache-2.0 */
/* Backups: pieces of files are read on the backups' thread, the rest is answered at once. */
#include "daemon/backup/backups.h"

#include <stdlib.h>

#include "daemon/answer/answer.h"
#include "daemon/http/handlers.h"
#include "daemon/http/submit.h"

enum outcome backup_create_begin(struct connection *connection)
{
    backups_begin(connection->server->options.backups, &connection->request);
    return OUTCOME_ANSWER;
}

enum outcome backup_show_begin(struct connection *connection)
{
    backups_show(connection->server->options.backups, connection->path_number,
                 &connection->request);
    return OUTCOME_ANSWER;
}

enum outcome backup_delete_begin(struct connection *connection)
{
    backups_delete(connection->server->options.backups, connection->path_number,
                   &connection->request);
    return OUTCOME_ANSWER;
}

static bool take(struct connection *connection)
{
    return backups_submit(connection->server->options.backups, connection->job);
}

enum outcome backup_file_begin(struct connection *connection)
{
    const struct read_query *query = &connection->query;
    struct backup_read *read = calloc(1, sizeof *read);
    if (read == NULL) {
        answer_problem(&connection->request, BS_OUT_OF_MEMORY, NULL);
        return OUTCOME_ANSWER;
    }
    connection->job = read;
    *read = (struct backup_read){
        .request = &connection->request,
        .id = connection->path_number,
        .name = query_name(query, NAME_PATH),
        .offset = query->number,
        .size = (query->given & QUERY_LIMIT) != 0 ? query->limit : BACKUP_PIECE_MAX,
    };
    return submit(connection, take);
}
