/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the book keeps of a pool, a market, an account, a provider and a source, as rows. A row makes
 * the member of the struct, and the digest (lib/view/digest.c) covers it:
 *
 *     X(kind, member, when)
 *
 *     kind                     member
 *     U8, U32, U64, I64, BOOL  as it says
 *     WIDE                     bs_i128
 *     DECIMAL                  struct bs_decimal
 *     NAME                     uint32_t, a place in the names
 *     ACCOUNT, MARKET, POOL    uint32_t, a row; the digest has its name
 *     PART(type)               struct type, with a function of its own in the digest
 *
 * `when` is ALWAYS; IF(member), while that member is not 0; or NEW, while it is not 0 itself. The
 * rows are in the order of the digest. A new row goes to the end of its list and is NEW, so that the
 * digest of a log that does not use it stays what it was.
 *
 * Members that a struct has beside its rows follow from them or from other tables, or only make
 * something quick.
 */
#ifndef BS_KEPT_H
#define BS_KEPT_H

#define BS_KEPT_MEMBER(kind, member, when) BS_KEPT_##kind member;
#define BS_KEPT_U8 uint8_t
#define BS_KEPT_U32 uint32_t
#define BS_KEPT_U64 uint64_t
#define BS_KEPT_I64 int64_t
#define BS_KEPT_BOOL bool
#define BS_KEPT_WIDE bs_i128
#define BS_KEPT_DECIMAL struct bs_decimal
#define BS_KEPT_NAME uint32_t
#define BS_KEPT_ACCOUNT uint32_t
#define BS_KEPT_MARKET uint32_t
#define BS_KEPT_POOL uint32_t
#define BS_KEPT_PART(type) struct type

#endif
