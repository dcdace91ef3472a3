/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The client of the targets that fuzz a server: it sends bytes as they are, over TCP or TLS, and
 * reads whatever comes. It asserts that the server answers or closes, and that its answers are whole.
 */
#ifndef TESTS_FUZZ_HTTP_CLIENT_H
#define TESTS_FUZZ_HTTP_CLIENT_H

#include "api/buffer.h"
#include "tests/fuzz/fuzz.h"

struct fuzz_door {
    uint16_t port;          /* of 127.0.0.1 */
    bool is_tls;            /* any certificate is taken */
    bool is_tls_1_2;        /* and not 1.3 */
    uint32_t silence_ms;    /* after which the input was swallowed, and our side is closed */
    struct bs_text garbage; /* sent first, before any handshake */
    uint32_t damage_at;     /* this byte of what goes over the wire, from 1; 0: none */
    uint8_t damage;         /* its bits that are flipped */
};

/*
 * Sends the input and a last request, which asks the server to close. If that was swallowed by what
 * stood before it, there is silence: then we close our side, and the server must close its own.
 * A request that waits for news may do so for longer than we do.
 */
void fuzz_exchange(const struct fuzz_door *door, struct bs_text input, bool may_wait,
                   struct buffer *answers);

typedef void (*fuzz_answer_fn)(void *user, int status, const char *body);

/*
 * The answers have a known status, are JSON where they say so, and each problem has a code of the
 * table. `fn` may be NULL; it gets those with a body that is JSON.
 */
void fuzz_check_answers(const struct buffer *answers, fuzz_answer_fn fn, void *user);

#endif
