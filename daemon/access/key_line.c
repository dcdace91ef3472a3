/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/access/key_line.h"

static const char *const role_names[] = {"feed", "ops", "read"};

#define ROLES_COUNT (sizeof(role_names) / sizeof(role_names[0]))

static bool is_blank(char byte)
{
    return byte == ' ' || byte == '\t' || byte == '\r';
}

/* Takes the next word off the text; empty when there is none. */
static struct bs_text take_word(struct bs_text *text)
{
    while (text->size > 0 && is_blank(text->bytes[0])) {
        text->bytes++;
        text->size--;
    }
    struct bs_text word = {text->bytes, 0};
    while (word.size < text->size && !is_blank(text->bytes[word.size])) {
        word.size++;
    }
    text->bytes += word.size;
    text->size -= word.size;
    return word;
}

/* Takes a prefix off the word; false when it does not begin with it. */
static bool take_prefix(struct bs_text *word, const char *prefix)
{
    uint32_t size = (uint32_t)strlen(prefix);
    if (word->size < size || memcmp(word->bytes, prefix, size) != 0) {
        return false;
    }
    word->bytes += size;
    word->size -= size;
    return true;
}

bool key_name_valid(struct bs_text name)
{
    for (uint32_t i = 0; i < name.size; i++) {
        char byte = name.bytes[i];
        bool letter = (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z');
        bool digit = byte >= '0' && byte <= '9';
        if (!letter && !digit && byte != '.' && byte != '_' && byte != '-') {
            return false;
        }
    }
    return name.size >= 1 && name.size <= KEY_NAME_SIZE_MAX;
}

static uint8_t role_of(struct bs_text word)
{
    for (uint32_t i = 0; i < ROLES_COUNT; i++) {
        if (word.size == strlen(role_names[i]) &&
            memcmp(word.bytes, role_names[i], word.size) == 0) {
            return (uint8_t)(1u << i);
        }
    }
    return 0;
}

bool key_roles_parse(struct bs_text text, uint8_t *ret_roles)
{
    uint8_t roles = 0;
    uint32_t start = 0;
    for (uint32_t i = 0; i <= text.size; i++) {
        if (i < text.size && text.bytes[i] != ',') {
            continue;
        }
        uint8_t role = role_of((struct bs_text){text.bytes + start, i - start});
        if (role == 0 || (roles & role) != 0) {
            return false;
        }
        roles |= role;
        start = i + 1;
    }
    *ret_roles = (uint8_t)((roles & ROLE_OPS) != 0 ? roles | ROLE_READ : roles);
    return true;
}

void key_roles_print(struct buffer *out, uint8_t roles)
{
    const char *comma = "";
    for (uint32_t i = 0; i < ROLES_COUNT; i++) {
        if ((roles & (1u << i)) != 0) {
            buffer_printf(out, "%s%s", comma, role_names[i]);
            comma = ",";
        }
    }
}

static int digit_of(char byte)
{
    if (byte >= '0' && byte <= '9') {
        return byte - '0';
    }
    return byte >= 'a' && byte <= 'f' ? byte - 'a' + 10 : -1;
}

static bool read_hash(struct bs_text digits, uint8_t hash[KEY_HASH_SIZE])
{
    if (digits.size != 2 * (uint32_t)KEY_HASH_SIZE) {
        return false;
    }
    for (uint32_t i = 0; i < KEY_HASH_SIZE; i++) {
        int high = digit_of(digits.bytes[2 * i]);
        int low = digit_of(digits.bytes[2 * i + 1]);
        if (high < 0 || low < 0) {
            return false;
        }
        hash[i] = (uint8_t)(high << 4 | low);
    }
    return true;
}

static bool has_control(struct bs_text word)
{
    for (uint32_t i = 0; i < word.size; i++) {
        unsigned char byte = (unsigned char)word.bytes[i];
        if (byte < 0x20 || byte == 0x7f) {
            return true;
        }
    }
    return false;
}

static const char *read_credential(struct key_line *line, struct bs_text word)
{
    if (take_prefix(&word, "sha256:")) {
        return read_hash(word, line->hash) ? NULL : "sha256: takes 64 digits of 0-9 and a-f";
    }
    if (!take_prefix(&word, "cert:")) {
        return "the third word is neither sha256:... nor cert:...";
    }
    if (word.size == 0 || word.size > KEY_SUBJECT_SIZE_MAX) {
        return "cert: takes a name of 1 to 255 bytes";
    }
    if (has_control(word)) {
        return "cert: the name has a control character";
    }
    line->is_certificate = true;
    memcpy(line->subject, word.bytes, word.size);
    line->subject[word.size] = '\0';
    return NULL;
}

static bool read_rate(struct bs_text digits, uint32_t *rate)
{
    uint64_t number = 0;
    for (uint32_t i = 0; i < digits.size && number <= KEY_RATE_MAX; i++) {
        if (digits.bytes[i] < '0' || digits.bytes[i] > '9') {
            return false;
        }
        number = number * 10 + (uint64_t)(digits.bytes[i] - '0');
    }
    if (*rate != 0 || number == 0 || number > KEY_RATE_MAX) {
        return false;
    }
    *rate = (uint32_t)number;
    return true;
}

static bool read_limit(struct key_line *line, struct bs_text word)
{
    if (take_prefix(&word, "requests=")) {
        return read_rate(word, &line->requests_per_s);
    }
    return take_prefix(&word, "items=") && read_rate(word, &line->items_per_s);
}

const char *key_line_parse(struct key_line *line, struct bs_text text)
{
    assert(line != NULL);
    *line = (struct key_line){0};
    struct bs_text name = take_word(&text);
    if (name.size == 0 || name.bytes[0] == '#') {
        return NULL;
    }
    if (!key_name_valid(name)) {
        return "a name has 1 to 64 of a-z, A-Z, 0-9, '.', '_' and '-'";
    }
    if (!key_roles_parse(take_word(&text), &line->roles)) {
        return "the second word is not a list of feed, ops and read such as feed,read";
    }
    const char *problem = read_credential(line, take_word(&text));
    if (problem != NULL) {
        return problem;
    }
    for (struct bs_text word = take_word(&text); word.size > 0; word = take_word(&text)) {
        if (!read_limit(line, word)) {
            return "after the credential stand requests=N and items=N, each once, N from 1 to "
                   "1000000000";
        }
    }
    memcpy(line->name, name.bytes, name.size);
    return NULL;
}

void key_line_print(struct buffer *out, const struct key_line *line)
{
    assert(line->name[0] != '\0');
    assert(line->roles != 0);
    buffer_printf(out, "%s ", line->name);
    key_roles_print(out, line->roles);
    if (line->is_certificate) {
        buffer_printf(out, " cert:%s", line->subject);
    } else {
        buffer_text(out, " sha256:");
        for (uint32_t i = 0; i < KEY_HASH_SIZE; i++) {
            buffer_printf(out, "%02x", line->hash[i]);
        }
    }
    if (line->requests_per_s > 0) {
        buffer_printf(out, " requests=%u", line->requests_per_s);
    }
    if (line->items_per_s > 0) {
        buffer_printf(out, " items=%u", line->items_per_s);
    }
    buffer_text(out, "\n");
}
