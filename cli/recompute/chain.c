/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/recompute/chain.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "cli/member.h"
#include "cli/recompute/state.h"

#define FIRST_LINK "0000000000000000000000000000000000000000000000000000000000000000"

/* One line name=value for each member; members of nested objects are named outer.name. */
static void add_lines(struct buffer *out, json_t *object, const char *outer)
{
    const char *name = NULL;
    json_t *value = NULL;
    json_object_foreach(object, name, value)
    {
        if (json_is_object(value)) {
            add_lines(out, value, name);
            continue;
        }
        if (*outer == '\0' && (strcmp(name, "cursor") == 0 || strcmp(name, "hash") == 0)) {
            continue;
        }
        buffer_printf(out, "%s%s%s=", outer, *outer == '\0' ? "" : ".", name);
        if (json_is_integer(value)) {
            buffer_printf(out, "%" JSON_INTEGER_FORMAT "\n", json_integer_value(value));
        } else {
            const char *text = json_is_null(value) ? "null" : json_string_value(value);
            buffer_printf(out, "%s\n", text == NULL ? "" : text);
        }
    }
}

static bool hash_fits(struct recompute *recompute, json_t *action, const char *link)
{
    char hash[SHA256_TEXT_SIZE];
    struct buffer *canonical = &recompute->chain.canonical;
    buffer_clear(canonical);
    buffer_printf(canonical, "%s\n", link);
    add_lines(canonical, action, "");
    return sha256_text(canonical, hash) &&
           check_fits(recompute, CHECK_HASH, member_is(action, "hash", hash));
}

static bool take_link(struct recompute *recompute, json_t *action)
{
    struct chain *chain = &recompute->chain;
    uint64_t id = member_integer(action, "id");
    if (chain->last_id == 0) {
        chain->from_begin = id == 1;
    }
    bool is_known = chain->last_id != 0 || id == 1;
    if (is_known && (!check_fits(recompute, CHECK_ID, id == chain->last_id + 1) ||
                     !hash_fits(recompute, action, id == 1 ? FIRST_LINK : chain->last_hash))) {
        return false;
    }
    chain->last_id = id;
    (void)snprintf(chain->last_hash, sizeof(chain->last_hash), "%s", member_text(action, "hash"));
    return true;
}

/* All times have one length, so their order is that of their texts. Actions of one settlement have
 * one time and one seq; later ones have no lower ones. */
static bool take_time(struct recompute *recompute, const json_t *action)
{
    struct chain *chain = &recompute->chain;
    const char *time = member_text(action, "time");
    uint64_t number = recompute->settlement.number;
    bool is_same = number != 0 && member_integer(action, "settlement") == number;
    int order = strcmp(time, chain->last_time);
    uint64_t seq = member_integer(action, "seq");
    bool fits =
        strlen(time) < sizeof(chain->last_time) && seq > 0 &&
        (is_same ? order == 0 && seq == chain->last_seq : order >= 0 && seq >= chain->last_seq);
    chain->last_seq = seq;
    (void)snprintf(chain->last_time, sizeof(chain->last_time), "%s", time);
    return check_fits(recompute, CHECK_TIME, fits);
}

bool chain_take(struct recompute *recompute, json_t *action)
{
    assert(json_is_object(action));
    return take_link(recompute, action) && take_time(recompute, action);
}

void chain_fini(struct chain *chain)
{
    buffer_fini(&chain->canonical);
}
