/* SPDX-License-Identifier: Apache-2.0
 * A thread's floating-point mode: rounding, what becomes of subnormal numbers, exceptions that trap. Not the flags of
 * exceptions that were met. */
#ifndef IC_FLOAT_MODE_H
#define IC_FLOAT_MODE_H

#include <stdint.h>

#if defined(__x86_64__)

#include <xmmintrin.h>

enum { IC_MXCSR_FLAGS = 0x3f };

static inline uint64_t ic_float_mode(void) {
    return _mm_getcsr() & ~(unsigned)IC_MXCSR_FLAGS;
}

static inline void ic_set_float_mode(uint64_t mode) {
    _mm_setcsr((unsigned)mode);
}

#elif defined(__aarch64__)

static inline uint64_t ic_float_mode(void) {
    uint64_t mode;
    __asm__ volatile("mrs %0, fpcr" : "=r"(mode));
    return mode;
}

static inline void ic_set_float_mode(uint64_t mode) {
    __asm__ volatile("msr fpcr, %0" : : "r"(mode));
}

#endif

#endif
