/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/snapshot/snapshot_entries.h"

#include "lib/record/wire.h"

#define SIZE_SIZE 4    /* of an entry, without itself */
#define STATUS_MIN 100 /* of HTTP */
#define STATUS_MAX 599
#define ENTRY_ANSWER_MAX (4 + BS_FINGERPRINT_SIZE + 1 + UINT8_MAX + 1 + UINT8_MAX)
#define ENTRY_CHAIN_MAX (1 + UINT8_MAX + LOG_HASH_SIZE)

/* Appends the size of an entry, and then the entry: what the writer wrote, and a body. */
static void put_entry(struct buffer *out, const uint8_t *begin, const struct bs_writer *writer,
                      const void *body, uint32_t body_size)
{
    uint8_t size[SIZE_SIZE];
    size_t head_size = (size_t)(writer->at - begin);
    assert(!writer->bad);
    assert(head_size <= UINT32_MAX - body_size);
    bs_wire_put_u32(size, (uint32_t)head_size + body_size);
    buffer_append(out, size, sizeof(size));
    buffer_append(out, begin, head_size);
    buffer_append(out, body, body_size);
}

/* The next whole entry of the bytes, from *at on, which moves past it. False: there is none. */
static bool next_entry(const uint8_t *bytes, size_t size, size_t *at, struct bs_reader *ret_entry)
{
    if (size - *at < SIZE_SIZE) {
        return false;
    }
    size_t entry_size = bs_wire_u32(bytes + *at);
    if (size - *at - SIZE_SIZE < entry_size) {
        return false;
    }
    const uint8_t *begin = bytes + *at + SIZE_SIZE;
    *ret_entry = (struct bs_reader){begin, begin + entry_size, false};
    *at += SIZE_SIZE + entry_size;
    return true;
}

void snapshot_put_answer(struct buffer *out, const struct first_answer *answer)
{
    uint8_t head[ENTRY_ANSWER_MAX];
    struct bs_writer writer = {head, head + sizeof(head), false};
    assert(answer->status > 0);
    bs_write_u32(&writer, (uint32_t)answer->status);
    bs_write_bytes(&writer, answer->fingerprint, BS_FINGERPRINT_SIZE);
    bs_write_text(&writer, (struct bs_text){answer->names, answer->caller_size});
    bs_write_text(&writer, (struct bs_text){answer->names + answer->caller_size, answer->key_size});
    put_entry(out, head, &writer, answer->body, answer->body_size);
}

static enum bs_status take_answer(struct first_answers *answers, struct bs_reader *entry)
{
    struct bs_request_command request = {0};
    struct buffer body = {0};
    uint32_t status = bs_read_u32(entry);
    request.fingerprint = bs_read_bytes(entry, BS_FINGERPRINT_SIZE);
    request.caller = bs_read_text(entry, 0, UINT8_MAX);
    request.key = bs_read_text(entry, 1, UINT8_MAX);
    size_t body_size = (size_t)(entry->end - entry->at);
    if (entry->bad || body_size == 0 || status < STATUS_MIN || status > STATUS_MAX) {
        return BS_BAD_RECORD;
    }
    buffer_append(&body, entry->at, body_size);
    struct first_answer *answer =
        body.failed ? NULL : first_answers_add(answers, &request, body_size);
    if (answer != NULL) {
        first_answers_finish(answers, answer, (int)status, &body);
    }
    buffer_fini(&body);
    return answer != NULL ? BS_OK : BS_OUT_OF_MEMORY;
}

enum bs_status snapshot_take_answers(struct first_answers *answers, const uint8_t *bytes,
                                     size_t size, size_t *ret_used)
{
    size_t at = 0;
    struct bs_reader entry;
    while (next_entry(bytes, size, &at, &entry)) {
        enum bs_status status = take_answer(answers, &entry);
        if (status != BS_OK) {
            return status;
        }
    }
    *ret_used = at;
    return BS_OK;
}

void snapshot_put_chain(struct buffer *out, const struct pool_chain *chain)
{
    uint8_t bytes[ENTRY_CHAIN_MAX];
    struct bs_writer writer = {bytes, bytes + sizeof(bytes), false};
    bs_write_text(&writer, (struct bs_text){chain->name, chain->name_size});
    bs_write_bytes(&writer, chain->hash, LOG_HASH_SIZE);
    put_entry(out, bytes, &writer, NULL, 0);
}

static enum bs_status take_chain(struct pool_chains *chains, struct bs_reader *entry)
{
    struct bs_text pool = bs_read_name(entry);
    const uint8_t *hash = bs_read_bytes(entry, LOG_HASH_SIZE);
    if (entry->bad || entry->at != entry->end) {
        return BS_BAD_RECORD;
    }
    struct pool_chain *chain = pool_chains_get(chains, pool);
    if (chain != NULL) {
        memcpy(chain->hash, hash, LOG_HASH_SIZE);
    }
    return chain != NULL ? BS_OK : BS_OUT_OF_MEMORY;
}

enum bs_status snapshot_take_chains(struct pool_chains *chains, const uint8_t *bytes, size_t size,
                                    size_t *ret_used)
{
    size_t at = 0;
    struct bs_reader entry;
    while (next_entry(bytes, size, &at, &entry)) {
        enum bs_status status = take_chain(chains, &entry);
        if (status != BS_OK) {
            return status;
        }
    }
    *ret_used = at;
    return BS_OK;
}
