/* SPDX-License-Identifier: Apache-2.0 */
/* The thread that notes the end of the log (end_note.h) beside the commits: after the first commit
 * at once, then once a second while there are more. */
#ifndef END_WRITER_H
#define END_WRITER_H

#include "daemon/log/end_note.h"

struct end_writer;

/* The file is the thread's until end_writer_stop. */
BS_MUST_USE int end_writer_start(struct end_writer **ret_writer, struct end_file *file);
/* What is durable now. Takes no time: the thread writes it. */
void end_writer_note(struct end_writer *writer, const struct end_note *note);
/* 0, or the first failure of the thread, which is final. */
BS_MUST_USE int end_writer_failure(struct end_writer *writer, char *error);
/* Writes what is not written yet, and ends the thread. The first failure, as above. NULL is fine. */
BS_MUST_USE int end_writer_stop(struct end_writer *writer, char *error);

#endif
