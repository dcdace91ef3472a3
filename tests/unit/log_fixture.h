/* SPDX-License-Identifier: Apache-2.0 */
/* What every test of a log on disk starts with: a directory of its own, an empty batch and a waiting
 * on_durable. One fixture for each program. */
#ifndef TESTS_UNIT_LOG_FIXTURE_H
#define TESTS_UNIT_LOG_FIXTURE_H

#include <check.h>
#include <string.h>

#include "tests/unit/log_support.h"

static char directory[PATH_MAX];
static struct support_durable durable;
static struct support_batch batch;
static char error[LOG_ERROR_SIZE];

static void set_up(void)
{
    support_directory(directory);
    support_durable_init(&durable);
    memset(&batch, 0, sizeof(batch));
    error[0] = '\0';
}

static void tear_down(void)
{
    support_fini(&batch);
    support_remove(directory);
}

/* Appends a batch and waits until it is durable. */
static inline void append(struct command_log *log, uint32_t records, uint32_t actions, bool settle)
{
    support_fill(&batch, log, records, actions, settle);
    ck_assert_msg(support_append(log, &durable, &batch.batch) == 0, "%s", durable.message);
}

#endif
