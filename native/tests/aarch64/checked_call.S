/* SPDX-License-Identifier: Apache-2.0
 * uint64_t checked_call(ic_micro_kernel kernel, const ic_tile_run *run)
 *
 * Calls the kernel with garbage in every register that it may not rely on, and returns what it did to those that it
 * must keep: bits 0-9 x19-x28, bit 10 x29, bit 11 x18, bits 12-19 d8-d15, bits 20-23 the stack above its frame. 0 is
 * well. The words on the stack depend on their address, so a stack pointer that comes back elsewhere shows too. */
#define FRAME 208
#define CANARIES 0
#define SAVED_X 32
#define SAVED_D 128
#define SAVED_ALL 192

/* A pattern for register number \n. */
.macro pattern to, n
    mov \to, 0x5a00 + \n
    movk \to, 0xc0de, lsl 16
    movk \to, 0x0ddb, lsl 32
    movk \to, 0x7ff1, lsl 48
.endm

.macro canary to, at
    pattern \to, \at
    mov x17, sp
    eor \to, \to, x17
.endm

/* Bit \bit of x0 unless x9 is \found. */
.macro note found, bit
    cmp x9, \found
    cset x10, ne
    orr x0, x0, x10, lsl #(\bit)
.endm

    .text
    .p2align 2
    .global checked_call
    .type checked_call, %function
checked_call:
    sub sp, sp, FRAME
    stp x19, x20, [sp, SAVED_X]
    stp x21, x22, [sp, SAVED_X + 16]
    stp x23, x24, [sp, SAVED_X + 32]
    stp x25, x26, [sp, SAVED_X + 48]
    stp x27, x28, [sp, SAVED_X + 64]
    stp x29, x30, [sp, SAVED_X + 80]
    stp d8, d9, [sp, SAVED_D]
    stp d10, d11, [sp, SAVED_D + 16]
    stp d12, d13, [sp, SAVED_D + 32]
    stp d14, d15, [sp, SAVED_D + 48]
    str x18, [sp, SAVED_ALL]
    .irp n, 0, 1, 2, 3
    canary x9, \n
    str x9, [sp, CANARIES + 8 * \n]
    .endr

    mov x30, x0
    mov x0, x1
    .irp n, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17
    pattern x\n, 64 + \n
    .endr
    .irp n, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29
    pattern x\n, \n
    .endr
    .irp n, 8, 9, 10, 11, 12, 13, 14, 15
    pattern x9, \n
    fmov d\n, x9
    .endr
    pattern x9, 73
    .irp n, 0, 1, 2, 3, 4, 5, 6, 7, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31
    movi v\n\().16b, 255
    .endr
    blr x30

    mov x0, 0
    .irp n, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29
    pattern x9, \n
    note x\n, (\n - 19)
    .endr
    pattern x9, 18
    note x18, 11
    .irp n, 8, 9, 10, 11, 12, 13, 14, 15
    pattern x9, \n
    fmov x11, d\n
    note x11, (\n + 4)
    .endr
    .irp n, 0, 1, 2, 3
    canary x9, \n
    ldr x11, [sp, CANARIES + 8 * \n]
    note x11, (\n + 20)
    .endr

    ldr x18, [sp, SAVED_ALL]
    ldp d14, d15, [sp, SAVED_D + 48]
    ldp d12, d13, [sp, SAVED_D + 32]
    ldp d10, d11, [sp, SAVED_D + 16]
    ldp d8, d9, [sp, SAVED_D]
    ldp x29, x30, [sp, SAVED_X + 80]
    ldp x27, x28, [sp, SAVED_X + 64]
    ldp x25, x26, [sp, SAVED_X + 48]
    ldp x23, x24, [sp, SAVED_X + 32]
    ldp x21, x22, [sp, SAVED_X + 16]
    ldp x19, x20, [sp, SAVED_X]
    add sp, sp, FRAME
    ret
    .size checked_call, . - checked_call

    .section .note.GNU-stack, "", %progbits
