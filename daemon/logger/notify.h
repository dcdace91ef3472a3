/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The service manager's notification protocol: one datagram of NAME=value lines to $NOTIFY_SOCKET.
 * Without that variable nothing is sent, which is not an error.
 */
#ifndef NOTIFY_H
#define NOTIFY_H

#include "lib/base/base.h"

/* 1 when sent, 0 without a service manager, or -errno. */
int notify_send(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* $WATCHDOG_USEC when it is meant for this process, else 0. */
uint64_t notify_watchdog_us(void);

#endif
