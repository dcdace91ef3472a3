/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/snapshot/snapshot_load.h"

#include <errno.h>
#include <inttypes.h>

#include "daemon/snapshot/snapshot_entries.h"
#include "daemon/snapshot/snapshot_reader.h"
#include "lib/snapshot/snapshot.h"

struct load {
    const struct snapshot_target *target;
    struct snapshot_reader reader;
    struct bs_snapshot_loader loader;
    struct bs_engine *engine;      /* NULL: not made yet */
    struct buffer pending;         /* of the section: read, and not taken yet */
    enum snapshot_section section; /* of those bytes */
    char *error;
};

static int refuse(const struct load *load, enum bs_status status)
{
    static const char *const names[] = {
        [SNAPSHOT_ENGINE] = "engine", [SNAPSHOT_ANSWERS] = "answers", [SNAPSHOT_CHAINS] = "chains"};
    if (status == BS_OUT_OF_MEMORY) {
        return log_error(load->error, -ENOMEM, "out of memory for section %s of %s",
                         names[load->section], load->reader.name);
    }
    return log_error(load->error, -EBADMSG, "%s: section %s %s", load->reader.name,
                     names[load->section],
                     status == BS_NEWER_RECORD ? "is of a newer version of backstopd"
                                               : "does not hold what it should");
}

/* The first row says for what the engine is made. */
static int make_engine(struct load *load)
{
    const struct snapshot_target *target = load->target;
    struct bs_capacity_command in_force;
    struct bs_capacity_command largest;
    enum bs_status status = bs_snapshot_capacity((const uint8_t *)load->pending.bytes,
                                                 load->pending.size, &in_force, &largest);
    if (status != BS_OK) {
        return refuse(load, status);
    }
    int code = -EINVAL;
    load->engine = target->make(target->user, &in_force, &largest, &code, load->error);
    if (load->engine == NULL) {
        return code;
    }
    bs_snapshot_load_begin(&load->loader, load->engine);
    return 0;
}

static enum bs_status take(struct load *load, size_t *ret_used)
{
    const uint8_t *bytes = (const uint8_t *)load->pending.bytes;
    size_t size = load->pending.size;
    *ret_used = size;
    switch (load->section) {
    case SNAPSHOT_ENGINE:
        return bs_snapshot_load(&load->loader, bytes, size, ret_used);
    case SNAPSHOT_ANSWERS:
        return load->target->answers == NULL
                   ? BS_OK
                   : snapshot_take_answers(load->target->answers, bytes, size, ret_used);
    case SNAPSHOT_CHAINS:
        return load->target->chains == NULL
                   ? BS_OK
                   : snapshot_take_chains(load->target->chains, bytes, size, ret_used);
    case SNAPSHOT_SECTIONS_COUNT:
        break;
    }
    return BS_BAD_RECORD;
}

/* Takes what is whole of the bytes; the rest stays, for what follows. */
static int take_pending(struct load *load)
{
    size_t used;
    int code = load->engine == NULL ? make_engine(load) : 0;
    if (code != 0) {
        return code;
    }
    enum bs_status status = take(load, &used);
    if (status != BS_OK) {
        return refuse(load, status);
    }
    load->pending.size -= used;
    memmove(load->pending.bytes, load->pending.bytes + used, load->pending.size);
    return 0;
}

static int read_sections(struct load *load)
{
    enum snapshot_section section;
    const uint8_t *bytes;
    size_t size;
    int code;
    while ((code = snapshot_reader_next(&load->reader, &section, &bytes, &size, load->error)) ==
           1) {
        if (section != load->section && load->pending.size > 0) {
            return refuse(load, BS_BAD_RECORD);
        }
        load->section = section;
        buffer_append(&load->pending, bytes, size);
        if (load->pending.failed) {
            return refuse(load, BS_OUT_OF_MEMORY);
        }
        code = take_pending(load);
        if (code != 0) {
            return code;
        }
    }
    return code == 0 && load->pending.size > 0 ? refuse(load, BS_BAD_RECORD) : code;
}

/* The engine against the header. */
static int check(struct load *load)
{
    const struct snapshot_header *header = &load->reader.header;
    struct bs_engine *engine = load->engine;
    load->section = SNAPSHOT_ENGINE;
    enum bs_status status = engine == NULL ? BS_BAD_RECORD : bs_snapshot_load_end(&load->loader);
    if (status != BS_OK) {
        return refuse(load, status);
    }
    struct bs_digest digest = bs_engine_digest(engine);
    if (bs_engine_seq(engine) != header->seq || bs_engine_time_ms(engine) != header->time_ms ||
        bs_engine_actions(engine) != header->ordinal ||
        memcmp(digest.words, header->digest.words, sizeof(digest.words)) != 0) {
        return log_error(load->error, -EBADMSG,
                         "%s gives a state with the digest %016" PRIx64 "%016" PRIx64
                         " at seq %" PRIu64 " and action %" PRIu64 ", not the one its header names",
                         load->reader.name, digest.words[0], digest.words[1], bs_engine_seq(engine),
                         bs_engine_actions(engine));
    }
    return 0;
}

int snapshot_load(int directory, uint64_t seq, const struct snapshot_target *target,
                  struct snapshot_header *ret_header, char error[LOG_ERROR_SIZE])
{
    struct load load = {.target = target, .error = error};
    if (target->answers != NULL) {
        first_answers_clear(target->answers);
    }
    int code = snapshot_reader_open(&load.reader, directory, seq, error);
    if (code != 0) {
        return code;
    }
    code = read_sections(&load);
    if (code == 0) {
        code = check(&load);
    }
    if (code == 0) {
        *ret_header = load.reader.header;
    }
    snapshot_reader_close(&load.reader);
    buffer_fini(&load.pending);
    return code;
}
