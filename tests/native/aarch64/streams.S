/* SPDX-License-Identifier: Apache-2.0
 * A program whose loads and stores are known, for the plugin that simulates caches of 4 KB in 4 ways and 16 KB in 8 ways
 * with lines of 64 bytes: 16 and 32 sets. It takes the name of a stream and runs it twice; the second time counts. */
#include "marks.h"

    .text
    .global _start
_start:
    ldr x1, [sp, 16]                /* argv[1]: one letter */
    ldrb w19, [x1]
    adrp x20, data                  /* data begins a page */
    mov x21, 2
again:
    hint MARK_BEGIN
    cmp w19, 's'
    b.eq sequential
    cmp w19, 'c'
    b.eq cyclic
    cmp w19, 'o'
    b.eq one_set
    cmp w19, 'w'
    b.eq written
    cmp w19, 'u'
    b.eq unaligned
    cmp w19, 'r'
    b.eq recent
    b zeroed
finished:
    hint MARK_END
    subs x21, x21, 1
    b.ne again
    mov x0, 0
    mov x8, 93
    svc 0

/* 4 KB from start to end, by 16 bytes: all of it fits the first cache. */
sequential:
    mov x2, x20
    mov x3, 256
1:  ldr q0, [x2], 16
    subs x3, x3, 1
    b.ne 1b
    b finished

/* 5 KB three times: a line more for each set than the first cache has ways. */
cyclic:
    mov x4, 3
1:  mov x2, x20
    mov x3, 80
2:  ldr x0, [x2], 64
    subs x3, x3, 1
    b.ne 2b
    subs x4, x4, 1
    b.ne 1b
    b finished

/* 9 lines, 2 KB apart, three times: all in one set of either cache, a line more than the second one has ways. */
one_set:
    mov x4, 3
1:  mov x2, x20
    mov x3, 9
2:  ldr w0, [x2]
    add x2, x2, 2048
    subs x3, x3, 1
    b.ne 2b
    subs x4, x4, 1
    b.ne 1b
    b finished

/* 32 KB written, a word of each line: twice the second cache. */
written:
    mov x2, x20
    mov x3, 512
1:  str w3, [x2], 64
    subs x3, x3, 1
    b.ne 1b
    b finished

/* Loads over the ends of 128 lines, twice the first cache: each takes two lines, the second of which the next finds. */
unaligned:
    add x2, x20, 60
    mov x3, 128
1:  ldr x0, [x2], 64
    subs x3, x3, 1
    b.ne 1b
    b finished

/* The first of 5 lines of a set of the first cache, again between each of the others: it is never the oldest one. */
recent:
    mov x4, 3
1:  add x2, x20, 1024
    mov x3, 4
2:  ldr x0, [x20]
    ldr x0, [x2]
    add x2, x2, 1024
    subs x3, x3, 1
    b.ne 2b
    subs x4, x4, 1
    b.ne 1b
    b finished

/* A store that the plugin cannot see. */
zeroed:
    dc zva, x20
    b finished

    .bss
    .p2align 12
data:
    .skip 65536
