/* SPDX-License-Identifier: Apache-2.0
 * Tiles of 1 to 8 pixels by 8 channels for cores that issue in order. The file of a core defines the macro `half`,
 * which fixes the order of loads and multiplications, and instantiates `tile_functions`.
 *
 * The contract is kernel.h's, with columns = 8. Channels go by blocks of 4, a block by halves of 2 channels: while one
 * half is multiplied, the other one is loaded. The pointers of the next tap are set between the halves of a tap's last
 * block, so that the loads do not run dry from tap to tap where the channels are a multiple of 4.
 *
 * Loads are 64 bits wide because 128-bit ones do not issue beside multiplications on these cores. So a register of A
 * holds 2 channels of two rows, and eight loads fill a half: slots 0 to 3 are A, slots 4 to 7 are B. A slot is a load
 * of the lower 64 bits, one of the upper 64 bits into a general register, and an insertion.
 *
 * Register map
 *   x0 the run           x1 weights          x2 offsets of the next tap    x3 input of the tile    x4 way to padding
 *   x5 blocks left       x6 taps left        x7 upper bits of a slot       x8-x15 rows of A        x16 blocks of a tap
 *   x17 rest of channels (x18 the platform's) x19 tiles left               x20 output              x21 offsets of tile
 *   x22 weights passed over after a tap      x23 output offsets of tile    x24 bytes to the next tap's offsets
 *   x25 bytes from the first tile's bias and weights to this one's
 *   v0-v3 A, half x: rows 0 1, 2 3, 4 5, 6 7          v4-v7 A, half y
 *   v8-v11 B, half x: by channel, then vector         v12-v15 B, half y
 *   v16-v31 sums: by row, then vector */
#include "tile_run.h"

/* Labels that no symbol table has: of Mach-O (macOS) and of ELF files. */
#if defined(__APPLE__)
#define LOCAL L
#else
#define LOCAL .L
#endif

run .req x0
weights .req x1
entry .req x2
input .req x3
to_padding .req x4
blocks .req x5
taps .req x6
high .req x7
scratch .req x7
even0 .req x8
odd0 .req x9
even1 .req x10
odd1 .req x11
even2 .req x12
odd2 .req x13
even3 .req x14
odd3 .req x15
row0 .req x8
row1 .req x9
row2 .req x10
row3 .req x11
row4 .req x12
row5 .req x13
row6 .req x14
row7 .req x15
tap_blocks .req x16
rest .req x17
tiles .req x19
output .req x20
offsets .req x21
weights_gap .req x22
output_offsets .req x23
tap_entries .req x24
panel .req x25

ax0 .req v0
ax1 .req v0
ax2 .req v1
ax3 .req v1
ax4 .req v2
ax5 .req v2
ax6 .req v3
ax7 .req v3
ay0 .req v4
ay1 .req v4
ay2 .req v5
ay3 .req v5
ay4 .req v6
ay5 .req v6
ay6 .req v7
ay7 .req v7

bx00 .req v8
bx01 .req v9
bx10 .req v10
bx11 .req v11
by00 .req v12
by01 .req v13
by10 .req v14
by11 .req v15

slot_x0 .req v0
slot_x1 .req v1
slot_x2 .req v2
slot_x3 .req v3
slot_x4 .req v8
slot_x5 .req v9
slot_x6 .req v10
slot_x7 .req v11
slot_y0 .req v4
slot_y1 .req v5
slot_y2 .req v6
slot_y3 .req v7
slot_y4 .req v12
slot_y5 .req v13
slot_y6 .req v14
slot_y7 .req v15
lower_x0 .req d0
lower_x1 .req d1
lower_x2 .req d2
lower_x3 .req d3
lower_x4 .req d8
lower_x5 .req d9
lower_x6 .req d10
lower_x7 .req d11
lower_y0 .req d4
lower_y1 .req d5
lower_y2 .req d6
lower_y3 .req d7
lower_y4 .req d12
lower_y5 .req d13
lower_y6 .req d14
lower_y7 .req d15

sum00 .req v16
sum01 .req v17
sum10 .req v18
sum11 .req v19
sum20 .req v20
sum21 .req v21
sum30 .req v22
sum31 .req v23
sum40 .req v24
sum41 .req v25
sum50 .req v26
sum51 .req v27
sum60 .req v28
sum61 .req v29
sum70 .req v30
sum71 .req v31

.macro mac_at half, k, v, row
    fmla sum\row\v\().4s, b\half\k\v\().4s, a\half\row\().s[(\row & 1) * 2 + \k]
.endm

/* The next multiplication of a half by channel, vector and row; nothing if all are done. Each half sets MACS to 0. */
.macro mac half
    .irp k, 0, 1
    .irp v, 0, 1
    .irp row, 0, 1, 2, 3, 4, 5, 6, 7
    .if (\row < ROWS) && ((2 * \k + \v) * ROWS + \row == MACS)
    mac_at \half, \k, \v, \row
    .endif
    .endr
    .endr
    .endr
    .set MACS, MACS + 1
.endm

/* Multiplications of a half until `left` are left. */
.macro macs_until left, half
    .if 4 * ROWS - \left > MACS
    .rept 4 * ROWS - \left - MACS
    mac \half
    .endr
    .endif
.endm

/* Where the halves of a block of weights begin; a core's file moves the weights on when half y is loaded. */
    .set start_x, 0
    .set start_y, 64
    .set BLOCK_BYTES, 128

.macro load_lower half, slot
    .if \slot >= 4
    ldr lower_\half\slot, [weights, start_\half + 16 * (\slot - 4)]
    .elseif ROWS > 2 * \slot
    ldr lower_\half\slot, [even\slot], 8
    .endif
.endm

.macro load_upper half, slot
    .if \slot >= 4
    ldr high, [weights, start_\half + 16 * (\slot - 4) + 8]
    .elseif ROWS > 2 * \slot + 1
    ldr high, [odd\slot], 8
    .endif
.endm

.macro join half, slot
    .if (\slot >= 4) || (ROWS > 2 * \slot + 1)
    ins slot_\half\slot\().d[1], high
    .endif
.endm

/* Loads half x of a tap's first block with nothing to multiply meanwhile. */
.macro load_first_half
    .irp slot, 0, 1, 2, 3, 4, 5, 6, 7
    load_lower x, \slot
    load_upper x, \slot
    join x, \slot
    .endr
.endm

/* An operation for each row of the tile; it says \row where it wants the number. */
.macro for_rows operation:vararg
    .irp row, 0, 1, 2, 3, 4, 5, 6, 7
    .if \row < ROWS
    \operation
    .endif
    .endr
.endm

/* Points the rows at the next tap. An entry's sign is the mask that leads to the row of zeros. Overwrites `blocks`. */
.macro next_tap
    .irp pair, 0, 1, 2, 3
    .if ROWS > 2 * \pair + 1
    ldp even\pair, odd\pair, [entry, 16 * \pair]
    .elseif ROWS > 2 * \pair
    ldr even\pair, [entry, 16 * \pair]
    .endif
    .endr
    add entry, entry, tap_entries
    .irp pair, 0, 1, 2, 3
    .if ROWS > 2 * \pair + 1
    point_rows even\pair, odd\pair
    .elseif ROWS > 2 * \pair
    point_rows even\pair
    .endif
    .endr
.endm

.macro point_rows even, odd
    and scratch, to_padding, \even, asr 63
    .ifnb \odd
    and blocks, to_padding, \odd, asr 63
    .endif
    add \even, \even, input
    .ifnb \odd
    add \odd, \odd, input
    .endif
    add \even, \even, scratch
    .ifnb \odd
    add \odd, \odd, blocks
    .endif
.endm

/* One channel past the last block. All of A's registers are free then, and v8 and v9. */
.macro one_channel
    for_rows ldr s\row, [row\row], 4
    ldp q8, q9, [weights], 32
    for_rows fmla_one \row, 0, v8
    for_rows fmla_one \row, 1, v9
.endm

.macro fmla_one row, v, b
    fmla sum\row\v\().4s, \b\().4s, v\row\().s[0]
.endm

.macro set_sums row
    mov sum\row\()0.16b, v0.16b
    mov sum\row\()1.16b, v1.16b
.endm

.macro clamp_row operation, row, bound
    \operation sum\row\()0.4s, sum\row\()0.4s, \bound\().4s
    \operation sum\row\()1.4s, sum\row\()1.4s, \bound\().4s
.endm

.macro move_row operation, row, q0, q1
    .if \row < ROWS
    ldr row\row, [output_offsets, 8 * \row]
    add row\row, row\row, output
    \operation \q0, \q1, [row\row]
    .endif
.endm

/* The sums of all rows to the output (stp), or from there (ldp). */
.macro move_rows operation
    move_row \operation, 0, q16, q17
    move_row \operation, 1, q18, q19
    move_row \operation, 2, q20, q21
    move_row \operation, 3, q22, q23
    move_row \operation, 4, q24, q25
    move_row \operation, 5, q26, q27
    move_row \operation, 6, q28, q29
    move_row \operation, 7, q30, q31
.endm

/* Moves a pointer by a field of the run, in units of 1 << shift bytes. */
.macro advance pointer, field, shift
    ldr scratch, [run, \field]
    add \pointer, \pointer, scratch, lsl \shift
.endm

/* void \prefix_tile_\rows(const ic_tile_run *run) */
.macro tile_function prefix, rows
    .set ROWS, \rows
    .p2align 4
#if defined(__APPLE__)
    .globl _\prefix\()_\rows
    .private_extern _\prefix\()_\rows
_\prefix\()_\rows:
#else
    .global \prefix\()_\rows
    .hidden \prefix\()_\rows
    .type \prefix\()_\rows, %function
\prefix\()_\rows:
#endif
    stp d8, d9, [sp, -128]!
    stp d10, d11, [sp, 16]
    stp d12, d13, [sp, 32]
    stp d14, d15, [sp, 48]
    stp x19, x20, [sp, 64]
    stp x21, x22, [sp, 80]
    stp x23, x24, [sp, 96]
    str x25, [sp, 112]
    ldr tiles, [run, RUN_TILES]
    ldr output, [run, RUN_OUTPUT]
    ldr offsets, [run, RUN_OFFSETS]
    ldr output_offsets, [run, RUN_OUTPUT_OFFSETS]
    ldr input, [run, RUN_INPUT]
    ldr weights_gap, [run, RUN_WEIGHTS_GAP]
    lsl weights_gap, weights_gap, 2
    ldr tap_entries, [run, RUN_TAP_ENTRIES]
    lsl tap_entries, tap_entries, 3
    ldr rest, [run, RUN_CHANNELS]
    lsr tap_blocks, rest, 2
    and rest, rest, 3
    mov panel, 0

LOCAL\()tile_\rows:
    ldr to_padding, [run, RUN_PADDING]
    sub to_padding, to_padding, input
    add to_padding, to_padding, 1 /* the entry itself is -1 */
    ldr weights, [run, RUN_WEIGHTS]
    add weights, weights, panel
    ldr taps, [run, RUN_TAPS]
    mov entry, offsets
    ldrb w7, [run, RUN_RESUMES]
    cbnz scratch, LOCAL\()resume_\rows
    ldr scratch, [run, RUN_BIAS]
    add scratch, scratch, panel
    ldp q0, q1, [scratch]
    for_rows set_sums \row
LOCAL\()begun_\rows:
    cbz taps, LOCAL\()store_\rows /* all of them lie in the padding */

LOCAL\()tap_\rows:
    next_tap
    mov blocks, tap_blocks
    cbz blocks, LOCAL\()rest_\rows
    load_first_half
    b LOCAL\()enter_\rows

    .p2align 4
LOCAL\()block_\rows:
    half y, x
LOCAL\()enter_\rows:
    half x, y
    b.ne LOCAL\()block_\rows
    cbnz rest, LOCAL\()drain_\rows
    subs taps, taps, 1
    b.eq LOCAL\()last_\rows
    add weights, weights, weights_gap
    next_tap
    mov blocks, tap_blocks
    b LOCAL\()block_\rows

LOCAL\()last_\rows:
    mov taps, 1
LOCAL\()drain_\rows:
    .set MACS, 0
    macs_until 0, y
LOCAL\()rest_\rows:
    cbz rest, .Ltap_end_\rows
    mov blocks, rest
LOCAL\()channel_\rows:
    one_channel
    subs blocks, blocks, 1
    b.ne LOCAL\()channel_\rows
.Ltap_end_\rows:
    add weights, weights, weights_gap
    subs taps, taps, 1
    b.ne LOCAL\()tap_\rows

LOCAL\()store_\rows:
    add scratch, run, RUN_OUTPUT_MIN
    ld1r {v0.4s}, [scratch]
    add scratch, run, RUN_OUTPUT_MAX
    ld1r {v1.4s}, [scratch]
    for_rows clamp_row fmax, \row, v0
    for_rows clamp_row fmin, \row, v1
    move_rows stp
    advance input, RUN_INPUT_STEP, 0
    advance offsets, RUN_OFFSET_STEP, 3
    advance output, RUN_OUTPUT_STEP, 0
    advance output_offsets, RUN_OUTPUT_OFFSET_STEP, 3
    advance panel, RUN_PANEL_STEP, 2
    subs tiles, tiles, 1
    b.ne LOCAL\()tile_\rows

    ldr x25, [sp, 112]
    ldp x23, x24, [sp, 96]
    ldp x21, x22, [sp, 80]
    ldp x19, x20, [sp, 64]
    ldp d14, d15, [sp, 48]
    ldp d12, d13, [sp, 32]
    ldp d10, d11, [sp, 16]
    ldp d8, d9, [sp], 128
    ret

LOCAL\()resume_\rows:
    move_rows ldp
    b LOCAL\()begun_\rows
#if !defined(__APPLE__)
    .size \prefix\()_\rows, . - \prefix\()_\rows
#endif
.endm
