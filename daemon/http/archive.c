/* SPDX-License-Identifier: Apache-2.0 */
/* The archive of old log files: how it stands, and moving them there at once. */
#include "api/json_writer.h"
#include "daemon/answer/answer.h"
#include "daemon/http/handlers.h"
#include "daemon/retention/retention.h"

static const char *state_of(const struct retention_archive *archive)
{
    return archive->is_moving ? "moving" : archive->archiver.is_failing ? "failing" : "idle";
}

static void answer_state(struct connection *connection, int status)
{
    struct buffer *out = &connection->request.body;
    struct retention_archive archive;
    struct retention *retention = connection->server->options.retention;
    if (retention == NULL || !retention_archive_state(retention, &archive)) {
        answer_problem(&connection->request, BS_ARCHIVE_OFF, NULL);
        return;
    }
    const struct archiver_state *archiver = &archive.archiver;
    buffer_text(out, "{");
    member_text(out, "directory",
                (struct bs_text){archive.directory, (uint32_t)strlen(archive.directory)});
    member_word(out, "state", state_of(&archive));
    member_text(out, "error", (struct bs_text){archiver->error, (uint32_t)strlen(archiver->error)});
    member_integer(out, "archived_seq", archiver->last_seq);
    member_integer(out, "log_begins_after_seq", archive.log_begin);
    member_integer(out, "files", archiver->files);
    member_integer(out, "bytes_in", archiver->bytes_in);
    member_integer(out, "bytes_out", archiver->bytes_out);
    member_integer(out, "bytes_done", archiver->bytes_done);
    member_integer(out, "bytes_total", archiver->bytes_total);
    buffer_text(out, "}");
    answer_json(&connection->request, status);
}

enum outcome archive_move_begin(struct connection *connection)
{
    struct retention *retention = connection->server->options.retention;
    if (retention != NULL && retention_move(retention)) {
        answer_state(connection, 202);
    } else {
        answer_problem(&connection->request, BS_ARCHIVE_OFF, NULL);
    }
    return OUTCOME_ANSWER;
}

enum outcome archive_show_begin(struct connection *connection)
{
    answer_state(connection, 200);
    return OUTCOME_ANSWER;
}
