/* SPDX-License-Identifier: Apache-2.0 */
/* What the kernel reports about this process; 0 where it reports nothing. */
#ifndef METRICS_PROCESS_H
#define METRICS_PROCESS_H

#include "lib/base/base.h"

uint64_t process_resident_bytes(void);
uint64_t process_descriptors(void);
/* Unix time. Read it once: a clock that is set later must not look like a restart. */
uint64_t process_start_s(void);
/* How long ago a wall clock time was; 0 for a time of 0 or in the future. */
uint64_t process_age_ns(int64_t time_ms);

#endif
