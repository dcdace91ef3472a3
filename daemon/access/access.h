/* SPDX-License-Identifier: Apache-2.0 */
/* Access control as the settings name it, read from files at the start and at each reload. */
#ifndef ACCESS_ACCESS_H
#define ACCESS_ACCESS_H

#include "daemon/access/keys.h"
#include "daemon/access/tls.h"
#include "daemon/config/settings.h"

struct access {
    struct keys *keys; /* NULL: no keys file is named */
    struct tls *tls;   /* NULL: no certificate is named */
};

/*
 * All or nothing. False: `problems` has a line for each reason, and *ret_access is not set.
 * `warnings` has lines about insecure files, either way.
 */
BS_MUST_USE bool access_load(const struct settings *settings, struct access *ret_access,
                             struct buffer *problems, struct buffer *warnings);
void access_fini(struct access *access); /* what was passed on is set to NULL before */

#endif
