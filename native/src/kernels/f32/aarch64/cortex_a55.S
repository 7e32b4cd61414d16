/* SPDX-License-Identifier: Apache-2.0
 * Cortex-A55: tiles of 1 to 8 pixels by 8 channels; register map in tile_8x8.inc.S.
 *
 * A multiplication issues together with any one of a 64-bit vector load, an insertion, a load into a general register
 * and arithmetic on one. So a slot takes three cycles and each has its multiplication; the insertion comes four cycles
 * after the slot's vector load and two after the load of its upper bits:
 *
 *     fmla, ldr d | fmla, ins of the slot before | fmla, ldr x */
#include "tile_8x8.inc.S"

.macro half now, next
    .set MACS, 0
    .set PENDING, -1
    .irp slot, 0, 1, 2, 3, 4, 5, 6, 7
    .if (\slot >= 4) || (ROWS > 2 * \slot)
    mac \now
    load_lower \next, \slot
    mac \now
    join_pending \next
    mac \now
    load_upper \next, \slot
    .set PENDING, \slot
    .endif
    .endr
    mac \now
    .ifc \next, y
    subs blocks, blocks, 1
    .endif
    mac \now
    join_pending \next
    mac \now
    .ifc \next, y
    add weights, weights, BLOCK_BYTES
    .endif
    macs_until 0, \now
.endm

.macro join_pending half
    .irp slot, 0, 1, 2, 3, 4, 5, 6, 7
    .if \slot == PENDING
    join \half, \slot
    .endif
    .endr
.endm

    .text
    .irp rows, 1, 2, 3, 4, 5, 6, 7, 8
    tile_function ic_cortex_a55, \rows
    .endr

#if !defined(__APPLE__)
    .section .note.GNU-stack, "", %progbits
#endif
