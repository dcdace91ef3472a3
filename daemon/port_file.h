/* SPDX-License-Identifier: Apache-2.0 */
/* The file that tells others the port the daemon serves on. */
#ifndef PORT_FILE_H
#define PORT_FILE_H

#include "lib/base/base.h"

/* 0 or -errno. An empty path: nothing is written. A reader that waits for the file never reads half
 * of it. */
BS_MUST_USE int port_file_write(const char *path, uint16_t port);

#endif
