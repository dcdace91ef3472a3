/* SPDX-License-Identifier: Apache-2.0 */
/* Reads and writes at a place of a file that go on where a call does only a part. */
#ifndef FILE_BYTES_H
#define FILE_BYTES_H

#include <sys/types.h>

#include "lib/base/base.h"

/* The bytes read, fewer than `size` only at the end of the file; or a negative errno. */
BS_MUST_USE ssize_t file_read_at(int fd, void *bytes, size_t size, uint64_t at);
/* 0 or a negative errno. */
BS_MUST_USE int file_write_at(int fd, const void *bytes, size_t size, uint64_t at);

#endif
