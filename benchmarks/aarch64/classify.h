/* SPDX-License-Identifier: Apache-2.0
 * The class of an arm64 instruction by its encoding (Arm ARM, C4.1). */
#ifndef CLASSIFY_H
#define CLASSIFY_H

#include <stdint.h>

enum { FMA, VECTOR_LOAD, LOAD, STORE, PREFETCH, VECTOR, BRANCH, INTEGER, CLASSES };

static const char *const class_names[CLASSES] = {"fma",      "vector_load", "load",   "store",
                                                 "prefetch", "vector",      "branch", "integer"};

static int is_multiply_add(uint32_t w) {
    return (w & 0xbf80b400u) == 0x0f801000u     /* fmla and fmls by element, f32 and f64 */
           || (w & 0xbf20fc00u) == 0x0e20cc00u  /* fmla and fmls of vectors */
           || (w & 0xff000000u) == 0x1f000000u; /* fmadd and its like */
}

static int load_or_store(uint32_t w) {
    const uint32_t vector = w >> 26 & 1, group = w >> 28 & 3;
    int load;
    if (group == 3) { /* one register: immediate, pre- and post-indexed, register offset, atomic */
        const uint32_t opc = w >> 22 & 3, size = w >> 30;
        if (!vector && size == 3 && opc == 2) {
            return PREFETCH;
        }
        load = vector ? (opc & 1) != 0 : opc != 0;
    } else if (group == 1) { /* literal; there are no stores in armv8-a */
        if (!vector && w >> 30 == 3) {
            return PREFETCH;
        }
        load = 1;
    } else { /* pairs, vector structures, exclusive: bit 22 */
        load = (w >> 22 & 1) != 0;
    }
    return load ? (vector ? VECTOR_LOAD : LOAD) : STORE;
}

static int classify(uint32_t w) {
    const uint32_t group = w >> 25 & 15;
    if (is_multiply_add(w)) {
        return FMA;
    }
    if ((group & 5) == 4) {
        return load_or_store(w);
    }
    if ((group & 7) == 7) {
        return VECTOR;
    }
    return (group & 14) == 10 ? BRANCH : INTEGER;
}

#endif
