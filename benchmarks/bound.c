/* SPDX-License-Identifier: Apache-2.0
 * What a store of a vector costs among multiplications, in multiplications:
 * prints a line of JSON for each instruction set that this CPU has, {"isa":
 * ..., "store": ...}. Everything stays in the nearest cache. */
#include "core/core.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

enum { TRIES = 200, LOOPS = 4000 };

static char output[4096] __attribute__((aligned(4096)));

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

/* clang-format off */
#define TO_11(M) M(0) M(1) M(2) M(3) M(4) M(5) M(6) M(7) M(8) M(9) M(10) M(11)
#define TO_23(M) TO_11(M) M(12) M(13) M(14) M(15) M(16) M(17) M(18) M(19) M(20) M(21) M(22) M(23)
/* clang-format on */
#define ZMM(n) "vfmadd231ps %%zmm30, %%zmm31, %%zmm" #n "\n"
#define ZMM_ZERO(n) "vpxord %%zmm" #n ", %%zmm" #n ", %%zmm" #n "\n"
#define ZMM_STORE(n) "vmovaps %%zmm" #n ", 64*" #n "(%1)\n"
#define YMM(n) "vfmadd231ps %%ymm14, %%ymm15, %%ymm" #n "\n"
#define YMM_ZERO(n) "vxorps %%ymm" #n ", %%ymm" #n ", %%ymm" #n "\n"
#define YMM_STORE(n) "vmovaps %%ymm" #n ", 32*" #n "(%1)\n"
#define LOW                                                                                                            \
    "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8", "xmm9", "xmm10", "xmm11", "xmm12",         \
        "xmm13", "xmm14", "xmm15"
#define HIGH "xmm16", "xmm17", "xmm18", "xmm19", "xmm20", "xmm21", "xmm22", "xmm23", "xmm30", "xmm31"

/* Four steps of a tile, and with its stores. */
#define LOOP(name, isa, zeros, step, stores, ...)                                                                      \
    __attribute__((target(isa))) static void name(void) {                                                              \
        uint64_t loops = LOOPS;                                                                                        \
        __asm__ volatile(zeros "1:\n" step step step step stores "decq %0\n jnz 1b\n vzeroupper"                       \
                         : "+r"(loops)                                                                                 \
                         : "r"(output)                                                                                 \
                         : "cc", "memory", __VA_ARGS__);                                                               \
    }
#define WIDE_ZEROS TO_23(ZMM_ZERO) ZMM_ZERO(30) ZMM_ZERO(31)
#define NARROW_ZEROS TO_11(YMM_ZERO) YMM_ZERO(14) YMM_ZERO(15)
LOOP(wide, "avx512f", WIDE_ZEROS, TO_23(ZMM), "", LOW, HIGH)
LOOP(wide_stores, "avx512f", WIDE_ZEROS, TO_23(ZMM), TO_23(ZMM_STORE), LOW, HIGH)
LOOP(narrow, "avx2,fma", NARROW_ZEROS, TO_11(YMM), "", LOW)
LOOP(narrow_stores, "avx2,fma", NARROW_ZEROS, TO_11(YMM), TO_11(YMM_STORE), LOW)

/* The fastest of many tries, in turn: whatever else runs here only adds. */
static double least(void (*run)(void), double before) {
    const double start = now();
    run();
    const double ns = now() - start;
    return before == 0 || ns < before ? ns : before;
}

static void measure(const char *isa, void (*plain)(void), void (*with_stores)(void)) {
    double without = 0, with = 0;
    for (int i = 0; i < TRIES; i++) {
        without = least(plain, without);
        with = least(with_stores, with);
    }
    printf("{\"isa\": \"%s\", \"store\": %.3f}\n", isa,
           (with / without - 1) * 4); /* as many stores as sums in a step */
}

int main(void) {
    if (strstr(ic_cpu_features(), "avx512f") != NULL) {
        measure("avx512", wide, wide_stores);
    }
    if (strstr(ic_cpu_features(), "avx2") != NULL && strstr(ic_cpu_features(), "fma") != NULL) {
        measure("avx2", narrow, narrow_stores);
    }
    return 0;
}
