/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/access/tls.h"

#include <errno.h>
#include <gnutls/x509.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>

#define NAME_SIZE_MAX 256
#define NAMES_MAX 64
#define EXPIRY_WARNING_S ((int64_t)14 * 24 * 3600)

/*
 * A user who can read the key can impersonate the server; one who can write to it can stop the
 * server.
 */
static bool check_key_file(const char *path, struct buffer *problems, struct buffer *warnings)
{
    struct stat status;
    if (stat(path, &status) != 0) {
        buffer_printf(problems, "%s: %s\n", path, strerror(errno));
        return false;
    }
    if ((status.st_mode & S_IWOTH) != 0) {
        buffer_printf(problems, "%s: everybody may write to this private key: chmod o-rw\n", path);
        return false;
    }
    if ((status.st_mode & S_IROTH) != 0) {
        buffer_printf(warnings, "%s: everybody may read this private key: chmod o-r\n", path);
    }
    return true;
}

/* A file that does not even open has an errno, which says more than the library does. */
static bool check_readable(const char *path, struct buffer *problems)
{
    FILE *file = fopen(path, "re");
    if (file == NULL) {
        buffer_printf(problems, "%s: %s\n", path, strerror(errno));
        return false;
    }
    (void)fclose(file);
    return true;
}

static void look_at_expiry(struct tls *tls, const char *path, struct buffer *warnings)
{
    gnutls_x509_crt_t *chain = NULL;
    unsigned count = 0;
    if (gnutls_certificate_get_x509_crt(tls->credentials, 0, &chain, &count) != 0 || count == 0) {
        return;
    }
    tls->expires_s = (int64_t)gnutls_x509_crt_get_expiration_time(chain[0]);
    int64_t left_s = tls->expires_s - (int64_t)time(NULL);
    if (left_s <= 0) {
        buffer_printf(warnings, "%s: the certificate has expired\n", path);
    } else if (left_s < EXPIRY_WARNING_S) {
        buffer_printf(warnings, "%s: the certificate expires in %" PRId64 " hours\n", path,
                      left_s / 3600);
    }
    for (unsigned i = 0; i < count; i++) {
        gnutls_x509_crt_deinit(chain[i]);
    }
    gnutls_free(chain);
}

static bool load(struct tls *tls, const struct tls_files *files, struct buffer *problems,
                 struct buffer *warnings)
{
    bool readable = check_readable(files->certificate, problems);
    if (!check_key_file(files->key, problems, warnings) || !check_readable(files->key, problems) ||
        !readable) {
        return false;
    }
    int code = gnutls_certificate_set_x509_key_file(tls->credentials, files->certificate,
                                                    files->key, GNUTLS_X509_FMT_PEM);
    if (code < 0) {
        buffer_printf(problems, "%s, %s: %s\n", files->certificate, files->key,
                      gnutls_strerror(code));
        return false;
    }
    look_at_expiry(tls, files->certificate, warnings);
    if (files->client_ca[0] == '\0') {
        return true;
    }
    if (!check_readable(files->client_ca, problems)) {
        return false;
    }
    code = gnutls_certificate_set_x509_trust_file(tls->credentials, files->client_ca,
                                                  GNUTLS_X509_FMT_PEM);
    tls->asks_for_certificate = code > 0;
    if (code <= 0) {
        buffer_printf(problems, "%s: %s\n", files->client_ca,
                      code == 0 ? "has no certificate" : gnutls_strerror(code));
    }
    return code > 0;
}

struct tls *tls_load(const struct tls_files *files, struct buffer *problems,
                     struct buffer *warnings)
{
    struct tls *tls = calloc(1, sizeof(*tls));
    if (tls == NULL || gnutls_certificate_allocate_credentials(&tls->credentials) < 0) {
        buffer_text(problems, "out of memory for the certificate\n");
        free(tls);
        return NULL;
    }
    if (!load(tls, files, problems, warnings)) {
        tls_free(tls);
        return NULL;
    }
    return tls;
}

void tls_free(struct tls *tls)
{
    if (tls != NULL) {
        assert(tls->sessions == 0);
        gnutls_certificate_free_credentials(tls->credentials);
        free(tls);
    }
}

int tls_no_certificate(gnutls_session_t session, const gnutls_datum_t *authorities,
                       int authorities_count, const gnutls_pk_algorithm_t *algorithms,
                       int algorithms_count, gnutls_pcert_st **ret_certificates,
                       unsigned *ret_count, gnutls_privkey_t *ret_key)
{
    (void)session;
    (void)authorities;
    (void)authorities_count;
    (void)algorithms;
    (void)algorithms_count;
    (void)ret_certificates;
    (void)ret_count;
    (void)ret_key;
    return -1;
}

void tls_join(struct tls *tls, struct tls *before, gnutls_session_t session)
{
    /* Of a kind that is there already the library only replaces the pointer: it cannot fail. */
    int code = gnutls_credentials_set(session, GNUTLS_CRD_CERTIFICATE, tls->credentials);
    assert(code == 0);
    gnutls_certificate_server_set_request(session, tls->asks_for_certificate ? GNUTLS_CERT_REQUEST
                                                                             : GNUTLS_CERT_IGNORE);
    tls->sessions++;
    tls_leave(before);
}

void tls_leave(struct tls *tls)
{
    if (tls != NULL) {
        assert(tls->sessions > 0);
        tls->sessions--;
    }
}

enum tls_peer tls_check_peer(gnutls_session_t session)
{
    static char purpose[] = GNUTLS_KP_TLS_WWW_CLIENT;
    gnutls_typed_vdata_st data = {.type = GNUTLS_DT_KEY_PURPOSE_OID, .data = (void *)purpose};
    unsigned status = 0;
    unsigned count = 0;
    if (gnutls_certificate_get_peers(session, &count) == NULL || count == 0) {
        return TLS_PEER_NONE;
    }
    int code = gnutls_certificate_verify_peers(session, &data, 1, &status);
    return code == 0 && status == 0 ? TLS_PEER_GOOD : TLS_PEER_BAD;
}

static bool is_name(int type)
{
    return type == GNUTLS_SAN_DNSNAME || type == GNUTLS_SAN_RFC822NAME || type == GNUTLS_SAN_URI;
}

static bool try_names(gnutls_x509_crt_t certificate, tls_name_fn fn, void *user)
{
    char name[NAME_SIZE_MAX];
    bool has_alternatives = false;
    for (unsigned i = 0; i < NAMES_MAX; i++) {
        size_t size = sizeof(name) - 1;
        int type = gnutls_x509_crt_get_subject_alt_name(certificate, i, name, &size, NULL);
        if (type == GNUTLS_E_REQUESTED_DATA_NOT_AVAILABLE) {
            break;
        }
        has_alternatives = true;
        if (type < 0 || !is_name(type)) {
            continue; /* too long, or of a kind that no line names */
        }
        name[size] = '\0';
        if (strlen(name) == size && fn(user, name)) {
            return true;
        }
    }
    size_t size = sizeof(name) - 1;
    if (has_alternatives || gnutls_x509_crt_get_dn_by_oid(certificate, GNUTLS_OID_X520_COMMON_NAME,
                                                          0, 0, name, &size) != 0) {
        return false;
    }
    name[size] = '\0';
    return strlen(name) == size && fn(user, name);
}

bool tls_peer_names(gnutls_session_t session, tls_name_fn fn, void *user)
{
    unsigned count = 0;
    const gnutls_datum_t *chain = gnutls_certificate_get_peers(session, &count);
    gnutls_x509_crt_t certificate;
    if (chain == NULL || count == 0 || gnutls_x509_crt_init(&certificate) != 0) {
        return false;
    }
    bool taken = gnutls_x509_crt_import(certificate, &chain[0], GNUTLS_X509_FMT_DER) == 0 &&
                 try_names(certificate, fn, user);
    gnutls_x509_crt_deinit(certificate);
    return taken;
}
