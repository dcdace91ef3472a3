/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/record/wide.h"

#define EXPONENT_MIN (-36)

void bs_write_wide(struct bs_writer *writer, struct bs_wide value)
{
    assert(value.exponent <= 0);
    assert(value.exponent >= EXPONENT_MIN);
    bs_u128 bits = (bs_u128)value.mantissa;
    bs_u128 magnitude = value.mantissa < 0 ? ~bits : bits;
    unsigned size = value.mantissa == 0 ? 0 : 1;
    while (size > 0 && size < 16 && magnitude >> (8 * size - 1) != 0) {
        size++;
    }
    bs_write_u8(writer, (uint8_t)(int8_t)value.exponent);
    bs_write_u8(writer, (uint8_t)size);
    for (unsigned i = 0; i < size; i++) {
        bs_write_u8(writer, (uint8_t)(bits >> (8 * i)));
    }
}

struct bs_wide bs_read_wide(struct bs_reader *reader)
{
    uint8_t byte = bs_read_u8(reader);
    int32_t exponent = byte - (byte >= 128 ? 256 : 0);
    unsigned size = bs_read_enum(reader, 17);
    const uint8_t *at = bs_read_bytes(reader, size);
    if (at == NULL || exponent > 0 || exponent < EXPONENT_MIN) {
        reader->bad = true;
        return (struct bs_wide){0};
    }
    bs_u128 bits = size > 0 && at[size - 1] >= 128 ? ~(bs_u128)0 : 0;
    for (unsigned i = size; i > 0; i--) {
        bits = bits << 8 | at[i - 1];
    }
    /* The last byte must be needed for magnitude or sign. */
    uint8_t sign = size > 1 && at[size - 2] >= 128 ? 255 : 0;
    reader->bad = reader->bad || (size > 1 && at[size - 1] == sign) || (size == 1 && at[0] == 0);
    return (struct bs_wide){.mantissa = (bs_i128)bits, .exponent = exponent};
}
