/* SPDX-License-Identifier: Apache-2.0
 * A program that executes a known number of instructions of each class between its marks, for the plugin that counts
 * them. */
#include "marks.h"

    .text
    .global _start
_start:
    adr x1, data
    sub x6, sp, 64                  /* what is stored to */
    mov x3, 0
    hint MARK_BEGIN
    mov x2, 1                       /* of a stretch that ends in another mark: not counted */
    hint MARK_BEGIN
    mov x2, 100                     /* integer, once */
again:
    fmla v0.4s, v1.4s, v2.s[3]      /* fma 1 */
    fmla v0.4s, v1.4s, v2.4s        /* fma 2 */
    fmls v0.2d, v1.2d, v2.d[1]      /* fma 3 */
    fmls v0.4s, v1.4s, v2.4s        /* fma 4 */
    fmadd s0, s1, s2, s3            /* fma 5 */
    ldr q0, [x1]                    /* vector load 1 */
    ldr d0, [x1, x3]                /* vector load 2 */
    ldp q0, q1, [x1]                /* vector load 3 */
    ldur s0, [x1, 1]                /* vector load 4 */
    ld1r {v0.4s}, [x1]              /* vector load 5 */
    ld1 {v0.4s-v3.4s}, [x1]         /* vector load 6 */
    ldr d1, data                    /* vector load 7 */
    ldr x4, [x1]                    /* load 1 */
    ldrsw x4, [x1]                  /* load 2 */
    ldp x4, x5, [x1], 0             /* load 3 */
    ldrb w4, [x1, 1]!               /* load 4 */
    ldxr w4, [x6]                   /* load 5 */
    str q0, [x6]                    /* store 1 */
    st1 {v0.s}[1], [x6]             /* store 2 */
    stp x4, x5, [x6]                /* store 3 */
    strb w4, [x6]                   /* store 4 */
    stur d0, [x6, 1]                /* store 5 */
    prfm pldl1keep, [x1, 64]        /* prefetch 1 */
    prfm pldl1keep, [x1, x3]        /* prefetch 2 */
    prfum pldl1keep, [x1, 1]        /* prefetch 3 */
    mov v0.d[1], x4                 /* vector 1 */
    fmax v0.4s, v0.4s, v1.4s        /* vector 2 */
    dup v0.4s, v1.s[0]              /* vector 3 */
    fmul v0.4s, v1.4s, v2.s[0]      /* vector 4 */
    fmov s0, 1.0                    /* vector 5 */
    fadd s0, s1, s2                 /* vector 6 */
    cbz xzr, 1f                     /* branch 1 */
1:
    sub x1, x1, 1                   /* integer 1 */
    csel x4, x4, x5, ne             /* integer 2 */
    madd x4, x4, x5, x5             /* integer 3 */
    and x4, x5, x4, asr 63          /* integer 4 */
    subs x2, x2, 1                  /* integer 5 */
    b.ne again                      /* branch 2 */
    hint MARK_END
    mov x0, 0
    mov x8, 93
    svc 0
    .p2align 4
data:
    .fill 256
