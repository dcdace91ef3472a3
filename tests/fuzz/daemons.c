/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/fuzz/daemons.h"

#include <ftw.h>
#include <gnutls/x509.h>
#include <signal.h>
#include <stdio.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

#include "daemon/app.h"
#include "daemon/logger/logger.h"
#include "daemon/offline/kept_snapshots.h"
#include "daemon/offline/replay_to.h"

#define CERTIFICATE_DAYS 30
#define DAY_S 86400
#define WAIT_US 1000
#define WAITS_MAX 60000
#define NESTING_MAX 16

const char *__lsan_default_suppressions(void);

/* What libcrypto, below libcurl, keeps for a thread that has ended; the daemon's never ends. */
const char *__lsan_default_suppressions(void)
{
    return "leak:CRYPTO_zalloc\n";
}

static void path_in(const struct fuzz_daemon *daemon, const char *name, char path[128])
{
    int size = snprintf(path, 128, "%s/%s", daemon->directory, name);
    assert(size < 128);
}

/* ---- a certificate ---- */

static void write_pem(const struct fuzz_daemon *daemon, const char *name, gnutls_datum_t *pem)
{
    char path[128];
    path_in(daemon, name, path);
    FILE *file = fopen(path, "wbe");
    assert(file != NULL);
    size_t written = fwrite(pem->data, 1, pem->size, file);
    assert(written == pem->size);
    (void)fclose(file);
    gnutls_free(pem->data);
}

static void write_certificate(const struct fuzz_daemon *daemon)
{
    gnutls_x509_privkey_t key;
    gnutls_x509_crt_t certificate;
    gnutls_datum_t pem;
    int failures = 0;
    failures += gnutls_x509_privkey_init(&key) != 0;
    failures += gnutls_x509_privkey_generate(
                    key, GNUTLS_PK_ECDSA, GNUTLS_CURVE_TO_BITS(GNUTLS_ECC_CURVE_SECP256R1), 0) != 0;
    failures += gnutls_x509_crt_init(&certificate) != 0;
    failures += gnutls_x509_crt_set_version(certificate, 3) != 0;
    failures += gnutls_x509_crt_set_serial(certificate, "\x01", 1) != 0;
    failures += gnutls_x509_crt_set_activation_time(certificate, time(NULL) - DAY_S) != 0;
    failures += gnutls_x509_crt_set_expiration_time(
                    certificate, time(NULL) + (time_t)CERTIFICATE_DAYS * DAY_S) != 0;
    failures += gnutls_x509_crt_set_dn(certificate, "CN=localhost", NULL) != 0;
    failures += gnutls_x509_crt_set_key(certificate, key) != 0;
    failures += gnutls_x509_crt_sign2(certificate, certificate, key, GNUTLS_DIG_SHA256, 0) != 0;
    failures += gnutls_x509_crt_export2(certificate, GNUTLS_X509_FMT_PEM, &pem) != 0;
    assert(failures == 0);
    write_pem(daemon, "certificate", &pem);
    int code = gnutls_x509_privkey_export2(key, GNUTLS_X509_FMT_PEM, &pem);
    assert(code == 0);
    write_pem(daemon, "key", &pem);
    gnutls_x509_crt_deinit(certificate);
    gnutls_x509_privkey_deinit(key);
}

/* ---- start ---- */

static void set(struct fuzz_daemon *daemon, enum setting setting, const char *text)
{
    settings_set(&daemon->settings, setting, text, ORIGIN_FLAG, 0);
}

static void set_path(struct fuzz_daemon *daemon, enum setting setting, const char *name)
{
    char path[128];
    path_in(daemon, name, path);
    set(daemon, setting, path);
}

static void make_settings(struct fuzz_daemon *daemon, bool has_tls)
{
    settings_init(&daemon->settings);
    set_path(daemon, SETTING_STORAGE_DATA, "data");
    set_path(daemon, SETTING_HTTP_PORT_FILE, "port");
    if (has_tls) {
        set_path(daemon, SETTING_TLS_CERTIFICATE, "certificate");
        set_path(daemon, SETTING_TLS_KEY, "key");
    }
    set(daemon, SETTING_HTTP_LISTEN, "127.0.0.1:0");
    set(daemon, SETTING_HTTP_BODY_SIZE_MAX, "65536");
    set(daemon, SETTING_STORAGE_RESERVE_SIZE, "0");
    set(daemon, SETTING_STORAGE_FREE_MIN, "0");
    set(daemon, SETTING_STORAGE_FILE_SIZE_MAX, "1048576");
    set(daemon, SETTING_CORE_SETTLE_INTERVAL_MS, "5");
    set(daemon, SETTING_CAPACITY_ACCOUNTS_MAX, "50");
    set(daemon, SETTING_CAPACITY_POSITIONS_MAX, "200");
    set(daemon, SETTING_CAPACITY_MARKETS_MAX, "8");
    set(daemon, SETTING_CAPACITY_POOLS_MAX, "4");
    set(daemon, SETTING_CAPACITY_DEDUPE_WINDOW, "1024");
    set(daemon, SETTING_CAPACITY_TRANSFER_WINDOW, "1024");
    set(daemon, SETTING_SNAPSHOT_EVERY_COMMANDS, "500");
    set(daemon, SETTING_SIMULATION_CHECK_INTERVAL_S, "1");
    settings_check(&daemon->settings);
    assert(daemon->settings.problems_count == 0);
}

static void *run(void *user)
{
    struct fuzz_daemon *daemon = user;
    daemon->exit_status = app_run(&daemon->arguments, &daemon->settings);
    return NULL;
}

static uint16_t read_port(const char *path)
{
    unsigned port = 0;
    FILE *file = fopen(path, "re");
    if (file != NULL) {
        int fields = fscanf(file, "%u", &port); /* NOLINT(cert-err34-c): 0 is looked at */
        assert(fields == 1);
        (void)fclose(file);
    }
    return (uint16_t)port;
}

void fuzz_daemon_start(struct fuzz_daemon *daemon, bool has_tls)
{
    *daemon = (struct fuzz_daemon){.directory = "/dev/shm/backstop-fuzz-XXXXXX"};
    char *made = mkdtemp(daemon->directory);
    assert(made != NULL);
    if (has_tls) {
        write_certificate(daemon);
    }
    make_settings(daemon, has_tls);
    logger_set_level(LOGGER_ERROR);
    int code = pthread_create(&daemon->thread, NULL, run, daemon);
    assert(code == 0);
    for (uint32_t i = 0; daemon->port == 0 && i < WAITS_MAX; i++) {
        (void)usleep(WAIT_US);
        daemon->port = read_port(settings_text(&daemon->settings, SETTING_HTTP_PORT_FILE));
    }
    assert(daemon->port != 0);
}

/* ---- stop ---- */

static void verify(struct fuzz_daemon *daemon)
{
    char error[LOG_ERROR_SIZE] = "";
    struct replay_to replay;
    struct kept_snapshots kept = {0};
    struct log_moment moment = {.until = {.kind = UNTIL_END}};
    (void)snprintf(moment.directory, sizeof moment.directory, "%s",
                   settings_text(&daemon->settings, SETTING_STORAGE_DATA));
    int code = replay_to_run(&replay, &daemon->settings, &moment, &kept, error);
    if (code < 0) {
        (void)fprintf(stderr, "%s: %s\n", moment.directory, error);
    }
    assert(code == 0);
    assert(replay.result.records_count > 0);
    assert(replay.result.digest_compared);
    assert(replay.result.actions_compared == bs_engine_actions(replay.executor.engine));
    replay_to_fini(&replay);
    kept_snapshots_fini(&kept);
}

static int remove_one(const char *path, const struct stat *status, int kind, struct FTW *place)
{
    (void)status;
    (void)kind;
    (void)place;
    return remove(path);
}

void fuzz_daemons_stop(struct fuzz_daemon *daemons, uint32_t count)
{
    int code = kill(getpid(), SIGTERM);
    assert(code == 0);
    for (uint32_t i = 0; i < count; i++) {
        (void)pthread_join(daemons[i].thread, NULL);
        assert(daemons[i].exit_status == EX_OK);
    }
    for (uint32_t i = 0; i < count; i++) {
        verify(&daemons[i]);
        settings_fini(&daemons[i].settings);
        (void)nftw(daemons[i].directory, remove_one, NESTING_MAX, FTW_DEPTH | FTW_PHYS);
    }
}
