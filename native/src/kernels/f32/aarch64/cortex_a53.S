/* SPDX-License-Identifier: Apache-2.0
 * Cortex-A53: tiles of 1 to 8 pixels by 8 channels; register map in tile_8x8.inc.S.
 *
 * What the core issues together: a multiplication and a load into a general register (or a prefetch); a 64-bit vector
 * load and an insertion; never a vector load and a multiplication, nor a vector load 4 cycles after a multiplication.
 * So a slot is a turn of four cycles, with the insertion of the turn before in its first one:
 *
 *     ldr d, ins | fmla, ldr x | fmla, prfm | fmla
 *
 * That is 3 multiplications in 4 cycles. What the slots leave over is put before the last insertion, which takes the
 * place of a load in the pattern, so that only one cycle is lost from half to half. */
#include "tile_8x8.inc.S"

.macro half now, next
    .set MACS, 0
    .irp slot, 0, 1, 2, 3, 4, 5, 6, 7
    .if (\slot >= 4) || (ROWS > 2 * \slot)
    load_lower \next, \slot
    mac \now
    load_upper \next, \slot
    mac \now
    prefetch \next, \slot
    mac \now
    .if \slot == 7
    macs_until 3, \now
    .endif
    join \next, \slot
    .endif
    .endr
    .ifc \next, y
    subs blocks, blocks, 1
    add weights, weights, BLOCK_BYTES
    .endif
    macs_until 0, \now
.endm

/* Weights four cache lines ahead; rows of A two, the even ones in one half and the odd ones in the other. */
.macro prefetch next, slot
    .if \slot == 4
    prfm pldl1keep, [weights, 256 + start_\next]
    .elseif \slot < 4
    .ifc \next, y
    prfm pldl1keep, [even\slot, 128]
    .elseif ROWS > 2 * \slot + 1
    prfm pldl1keep, [odd\slot, 128]
    .endif
    .endif
.endm

    .text
    .irp rows, 1, 2, 3, 4, 5, 6, 7, 8
    tile_function ic_cortex_a53, \rows
    .endr

#if !defined(__APPLE__)
    .section .note.GNU-stack, "", %progbits
#endif
