/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Objects read by tables: one row says what a field is called, what it holds and where it goes in
 * the struct that is filled. Everything a client can get wrong in an object is found here.
 */
#ifndef API_FIELDS_H
#define API_FIELDS_H

#include "api/json_token.h"
#include "lib/base/base.h"
#include "lib/base/status.h"

enum field_kind {
    FIELD_TYPE,      /* a string: the one that `names` gives for `first`; not stored */
    FIELD_NAME,      /* struct bs_text, 1..64 clean bytes */
    FIELD_TEXT,      /* struct bs_text, 1..`max` clean bytes */
    FIELD_DECIMAL,   /* struct bs_decimal; a string or an integer */
    FIELD_U32,       /* uint32_t, at most `max` */
    FIELD_U64,       /* uint64_t */
    FIELD_I64,       /* int64_t */
    FIELD_BOOL,      /* bool */
    FIELD_ENUM,      /* uint8_t, by `names`, of which "" is none */
    FIELD_TIME,      /* int64_t, ms */
    FIELD_PERIOD,    /* uint64_t, ms */
    FIELD_LIST,      /* const struct json_token *, an array */
    FIELD_WATERFALL, /* const struct json_token *, an array of layers or the name of a preset */
    FIELD_OBJECT,    /* const struct json_token *, an object */
};

struct field {
    const char *name;
    uint8_t name_size;
    uint8_t kind; /* enum field_kind */
    bool required;
    uint8_t first;
    uint16_t offset; /* of the value in the target; FIELD_NOWHERE = checked, but not stored */
    uint16_t flag;   /* offset of a bool that says the field was there; 0 = none */
    uint32_t max;
    const char *(*names)(uint8_t value);
    const char *const *unsupported; /* FIELD_ENUM: values not offered, ended by NULL */
};

#define FIELD_NOWHERE UINT16_MAX
/* The begin of every row. */
#define FIELD(text, of_kind, at)                                                                   \
    .name = (text), .name_size = sizeof(text) - 1, .kind = (of_kind), .offset = (uint16_t)(at)

struct field_table {
    const struct field *fields;
    uint32_t count; /* at most 32 */
};

#define FIELD_PATH_SIZE 96

/* What is wrong with an item: the first fault in the order of its text, then what is missing. */
struct fault {
    enum bs_status status;
    char field[FIELD_PATH_SIZE]; /* "positions[3].size"; empty: the item itself */
};

/* Reads an object into `target`, whose fields the caller has set to their defaults. Bit n of *seen
 * stands for row n; before: it need not be there although required; after: it was there. */
BS_MUST_USE bool fields_read(const struct field_table *table, const struct json_token *object,
                             void *target, uint32_t *seen, struct fault *fault);
/* The first member of this name, or NULL. */
const struct json_token *fields_find(const struct json_token *object, const char *name);
/* Whether a string token is this text. */
bool token_is(const struct json_token *token, const char *text);
/* Sets the fault and returns false. */
bool fault_set(struct fault *fault, enum bs_status status, const char *field);
/* Puts "list[index]." before the field of a fault, or "list[index]" when it has none. */
void fault_inside(struct fault *fault, const char *list, uint32_t index);

#endif
