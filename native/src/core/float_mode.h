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

#elif defined(__arm__)

/* Of FPSCR: rounding, flush to zero, default NaN, half precision, traps. NEON heeds the traps at most. */
#define IC_FPSCR_MODE 0x07c09f00u

static inline uint64_t ic_float_mode(void) {
    uint32_t mode;
    __asm__ volatile("vmrs %0, fpscr" : "=r"(mode));
    return mode & IC_FPSCR_MODE;
}

static inline void ic_set_float_mode(uint64_t mode) {
    __asm__ volatile("vmsr fpscr, %0" : : "r"((uint32_t)mode));
}

#endif

#endif
