/* SPDX-License-Identifier: Apache-2.0 */
/*
 * TLS as files: a certificate with its chain, its key, and the CA certificates for clients.
 * libmicrohttpd only moves the bytes; what a session offers and trusts is set here, per session, so
 * that a reload counts for the next connection and drops none.
 *
 * Only the HTTP thread uses it, except tls_load and tls_free before it is passed on.
 */
#ifndef ACCESS_TLS_H
#define ACCESS_TLS_H

#include <gnutls/abstract.h>
#include <gnutls/gnutls.h>

#include "api/buffer.h"

/* 1.2 and 1.3 only, forward secrecy and authenticated encryption only. */
#define TLS_PRIORITIES                                                                             \
    "SECURE128:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2:-RSA:-DHE-RSA:-MAC-ALL:+AEAD:%SERVER_"          \
    "PRECEDENCE"

struct tls {
    gnutls_certificate_credentials_t credentials;
    int64_t expires_s;         /* of the server's certificate, Unix time */
    bool asks_for_certificate; /* of clients */
    uint32_t sessions;         /* that use it; it may be freed when there is none */
    struct tls *next_retired;  /* the server's list of those that were replaced */
};

struct tls_files {
    const char *certificate; /* PEM, the server's first */
    const char *key;
    const char *client_ca; /* "" = client certificates are not looked at */
};

/* NULL: `problems` says why. `warnings`: insecure files. */
struct tls *tls_load(const struct tls_files *files, struct buffer *problems,
                     struct buffer *warnings);
void tls_free(struct tls *tls); /* NULL is fine */

/* For libmicrohttpd, which wants a certificate of its own or a way to ask for one. It is never
 * asked, as every session gets its credentials when its connection begins. */
int tls_no_certificate(gnutls_session_t session, const gnutls_datum_t *authorities,
                       int authorities_count, const gnutls_pk_algorithm_t *algorithms,
                       int algorithms_count, gnutls_pcert_st **ret_certificates,
                       unsigned *ret_count, gnutls_privkey_t *ret_key);

/* Gives a session these credentials in place of what it had (`before` may be NULL). */
void tls_join(struct tls *tls, struct tls *before, gnutls_session_t session);
void tls_leave(struct tls *tls);

enum tls_peer { TLS_PEER_NONE, TLS_PEER_BAD, TLS_PEER_GOOD };

/* Looks at the certificate that the client sent: signed by a client_ca, in time, for clients. */
enum tls_peer tls_check_peer(gnutls_session_t session);
/*
 * After TLS_PEER_GOOD: calls `fn` with each of its names until one is taken (true): the alternative
 * names (DNS, e-mail, URI) in their order or, if it has none at all, the common name. True if one
 * was.
 */
typedef bool (*tls_name_fn)(void *user, const char *name);
bool tls_peer_names(gnutls_session_t session, tls_name_fn fn, void *user);

#endif
