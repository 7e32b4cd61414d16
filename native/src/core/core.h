/* SPDX-License-Identifier: Apache-2.0
 * The core that a thread runs on: what it can execute, what it is best at, its caches. */
#ifndef IC_CORE_H
#define IC_CORE_H

#include <stddef.h>
#include <stdint.h>

/* CPU features, as bits. */
enum { IC_CPU_AVX2 = 1, IC_CPU_FMA = 2, IC_CPU_AVX512F = 4, IC_CPU_NEON = 8, IC_CPU_VFPV4 = 16 };

/* What kernels differ by. A core that nobody knows counts as out of order. */
typedef enum { IC_CORE_OUT_OF_ORDER, IC_CORE_A53, IC_CORE_A55 } ic_core_class;

typedef struct {
    unsigned features; /* IC_CPU_... */
    ic_core_class kind;
    size_t l2; /* bytes that one core may fill; a careful guess where the system doesn't tell */
    size_t l3; /* bytes that cores share; 0: none, or the system doesn't tell */
} ic_core;

/* Of the CPU that the caller runs on now. */
ic_core ic_core_here(void);

/* Of an Arm core with this MIDR_EL1, by table. */
ic_core ic_core_of_midr(uint64_t midr);

/* Features alone; in words, comma separated ("avx2,fma,avx512f"), a static string. */
unsigned ic_core_features(void);
const char *ic_cpu_features(void);

#endif
