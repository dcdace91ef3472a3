/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/record/provider.h"

#include "lib/record/layer.h"

/* Bits of the header's `present`. */
#define PROVIDER_HAS_MAX_SIZE 1u
#define PROVIDER_HAS_QUOTA_PERIOD 2u
#define PROVIDER_HAS_QUOTA_PPM 4u
#define PROVIDER_HAS_PRIORITY 8u

uint32_t bs_provider_write(struct bs_writer *writer, const struct bs_provider_command *provider)
{
    bool has_priority = provider->priority != BS_PRIORITY_NONE;
    bs_write_text(writer, provider->account);
    bs_write_text(writer, provider->market);
    bs_write_decimal(writer, provider->max_position);
    bs_write_u32(writer, provider->max_leverage_ppm);
    if (provider->has_max_size) {
        bs_write_decimal(writer, provider->max_size);
    }
    if (provider->has_quota_period) {
        bs_write_u64(writer, provider->quota_period_ms);
    }
    if (provider->has_quota_ppm) {
        bs_write_u32(writer, provider->quota_ppm);
    }
    if (has_priority) {
        bs_write_u32(writer, provider->priority);
    }
    return (provider->has_max_size ? PROVIDER_HAS_MAX_SIZE : 0) |
           (provider->has_quota_period ? PROVIDER_HAS_QUOTA_PERIOD : 0) |
           (provider->has_quota_ppm ? PROVIDER_HAS_QUOTA_PPM : 0) |
           (has_priority ? PROVIDER_HAS_PRIORITY : 0);
}

uint32_t bs_provider_read(struct bs_reader *reader, uint32_t present,
                          struct bs_provider_command *provider)
{
    provider->account = bs_read_name(reader);
    provider->market = bs_read_name(reader);
    provider->max_position = bs_read_decimal(reader);
    provider->max_leverage_ppm = bs_read_u32(reader);
    provider->has_max_size = (present & PROVIDER_HAS_MAX_SIZE) != 0;
    provider->max_size = provider->has_max_size ? bs_read_decimal(reader) : (struct bs_decimal){0};
    provider->has_quota_period = (present & PROVIDER_HAS_QUOTA_PERIOD) != 0;
    provider->quota_period_ms = provider->has_quota_period ? bs_read_u64(reader) : 0;
    provider->has_quota_ppm = (present & PROVIDER_HAS_QUOTA_PPM) != 0;
    provider->quota_ppm = provider->has_quota_ppm ? bs_read_u32(reader) : 0;
    provider->priority = BS_PRIORITY_NONE;
    if ((present & PROVIDER_HAS_PRIORITY) != 0) {
        provider->priority = bs_read_u32(reader);
        reader->bad = reader->bad || provider->priority == BS_PRIORITY_NONE;
    }
    reader->bad = reader->bad || provider->quota_period_ms > PERIOD_MAX_MS ||
                  provider->quota_period_ms % PERIOD_UNIT_MS != 0;
    return PROVIDER_HAS_MAX_SIZE | PROVIDER_HAS_QUOTA_PERIOD | PROVIDER_HAS_QUOTA_PPM |
           PROVIDER_HAS_PRIORITY;
}
