/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whole daemons in this process, each with a data directory of its own. They are stopped by a
 * signal, which stops all of them; then each log must verify. A directory of a log that does not is
 * left, and named.
 */
#ifndef TESTS_FUZZ_DAEMONS_H
#define TESTS_FUZZ_DAEMONS_H

#include <pthread.h>

#include "daemon/config/arguments.h"
#include "tests/fuzz/fuzz.h"

struct fuzz_daemon {
    char directory[64];
    struct arguments arguments;
    struct settings settings;
    pthread_t thread;
    int exit_status;
    uint16_t port;
};

/* Small capacities, a short settlement interval, snapshots often; with a certificate: TLS. */
void fuzz_daemon_start(struct fuzz_daemon *daemon, bool has_tls);

/* All that run, each of which has executed a command; asserts that they end well and that replaying
 * their logs gives the actions, settlements, digests and snapshots that are stored. */
void fuzz_daemons_stop(struct fuzz_daemon *daemons, uint32_t count);

#endif
