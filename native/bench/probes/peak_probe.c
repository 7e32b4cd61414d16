/* SPDX-License-Identifier: Apache-2.0 */
#include "probes/peak_probe.h"

#include "core/core.h"
#include "machine/timer.h"
#include "probes/clock_probe.h"

#include <math.h>
#include <stdio.h>

typedef struct {
    ic_type type;
    const char *isa;
    unsigned needs;       /* IC_CPU_... */
    unsigned lanes, fmas; /* of one loop; a multiply and an add of two registers count as one FMA where there is none */
    void (*run)(uint64_t loops);
} engine;

/* clang-format off */
#define TO_13(M) M(0) M(1) M(2) M(3) M(4) M(5) M(6) M(7) M(8) M(9) M(10) M(11) M(12) M(13)
#define TO_15(M) M(0) M(1) M(2) M(3) M(4) M(5) M(6) M(7) M(8) M(9) M(10) M(11) M(12) M(13) M(14) M(15)
#define TO_23(M) TO_15(M) M(16) M(17) M(18) M(19) M(20) M(21) M(22) M(23)
/* clang-format on */

#if defined(__x86_64__)
#define ZMM(n) "vfmadd231ps %%zmm30, %%zmm31, %%zmm" #n "\n"
#define ZMM_ZERO(n) "vpxord %%zmm" #n ", %%zmm" #n ", %%zmm" #n "\n"
/* With 16 registers there is none left for factors: x = x * x + x, which creeps from -0.5 towards 0 without reaching
 * denormals. */
#define YMM(n) "vfmadd231ps %%ymm" #n ", %%ymm" #n ", %%ymm" #n "\n"
#define YMM_SET(n) "vbroadcastss %1, %%ymm" #n "\n"
#define XMM(n, m) "mulps %%xmm" #n ", %%xmm" #n "\n addps %%xmm" #m ", %%xmm" #m "\n"
#define XMM_ZERO(n) "xorps %%xmm" #n ", %%xmm" #n "\n"
#define XMM_FMA(n) "vfmadd231ps %%xmm14, %%xmm15, %%xmm" #n "\n"
#define LOW_XMM                                                                                                        \
    "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8", "xmm9", "xmm10", "xmm11", "xmm12",         \
        "xmm13", "xmm14", "xmm15"

__attribute__((target("avx512f"))) static void run_avx512(uint64_t loops) {
    const float factor = 0.001f;
    __asm__ volatile(TO_23(ZMM_ZERO) "vbroadcastss %1, %%zmm30\n vbroadcastss %1, %%zmm31\n"
                                     "1:\n" TO_23(ZMM) TO_23(ZMM) "decq %0\n jnz 1b\n vzeroupper"
                     : "+r"(loops)
                     : "m"(factor)
                     : "cc", LOW_XMM, "xmm16", "xmm17", "xmm18", "xmm19", "xmm20", "xmm21", "xmm22", "xmm23", "xmm30",
                       "xmm31");
}

__attribute__((target("avx2,fma"))) static void run_avx2(uint64_t loops) {
    const float start = -0.5f;
    __asm__ volatile(TO_15(YMM_SET) "1:\n" TO_15(YMM) TO_15(YMM) TO_15(YMM) "decq %0\n jnz 1b\n vzeroupper"
                     : "+r"(loops)
                     : "m"(start)
                     : "cc", LOW_XMM);
}

static void run_sse(uint64_t loops) {
#define PAIRS XMM(0, 8) XMM(1, 9) XMM(2, 10) XMM(3, 11) XMM(4, 12) XMM(5, 13) XMM(6, 14) XMM(7, 15)
    __asm__ volatile(TO_15(XMM_ZERO) "1:\n" PAIRS PAIRS PAIRS "decq %0\n jnz 1b" : "+r"(loops) : : "cc", LOW_XMM);
}

__attribute__((target("avx2,fma"))) static void run_fma128(uint64_t loops) {
    const float factor = 0.001f;
    __asm__ volatile(TO_13(XMM_ZERO) "vbroadcastss %1, %%xmm14\n vbroadcastss %1, %%xmm15\n"
                                     "1:\n" TO_13(XMM_FMA) TO_13(XMM_FMA) TO_13(XMM_FMA) "decq %0\n jnz 1b"
                     : "+r"(loops)
                     : "m"(factor)
                     : "cc", LOW_XMM);
}

/* Wider vectors that were idle run slower for the first 200 to 450 us (docs/measuring.md), as long as
 * the core takes to change its clock for them; narrow ones share the same ports and have their rate at once. */
static const engine steady[] = {
    {IC_TYPE_F32, "fma128", IC_CPU_AVX2 | IC_CPU_FMA, 4, 42, run_fma128},
    {IC_TYPE_F32, "sse", 0, 4, 24, run_sse},
};

/* Widest first. */
static const engine engines[] = {
    {IC_TYPE_F32, "avx512", IC_CPU_AVX512F, 16, 48, run_avx512},
    {IC_TYPE_F32, "avx2+fma", IC_CPU_AVX2 | IC_CPU_FMA, 8, 48, run_avx2},
    {IC_TYPE_F32, "sse", 0, 4, 24, run_sse},
};
#elif defined(__aarch64__)
#define V(n) "fmla v" #n ".4s, v30.4s, v31.4s\n"
#define V_ZERO(n) "movi v" #n ".4s, #0\n"

static void run_neon(uint64_t loops) {
    const uint32_t factor = 0x3a83126f; /* 0.001f */
    __asm__ volatile(TO_23(V_ZERO) "dup v30.4s, %w1\n mov v31.16b, v30.16b\n"
                                   "1:\n" TO_23(V) TO_23(V) "subs %0, %0, #1\n b.ne 1b"
                     : "+r"(loops)
                     : "r"(factor)
                     : "cc", "v0", "v1", "v2", "v3", "v4", "v5", "v6", "v7", "v8", "v9", "v10", "v11", "v12", "v13",
                       "v14", "v15", "v16", "v17", "v18", "v19", "v20", "v21", "v22", "v23", "v30", "v31");
}

static const engine engines[] = {{IC_TYPE_F32, "neon", IC_CPU_NEON, 4, 48, run_neon}};
#define steady engines
#elif defined(__arm__)
#define Q_ZERO(n) "vmov.i32 q" #n ", #0\n"
#define VFMA(n) "vfma.f32 q" #n ", q14, q15\n"
#define VMLA(n) "vmla.f32 q" #n ", q14, q15\n"
#define Q_LOOP(M)                                                                                                      \
    const uint32_t factor = 0x3a83126f; /* 0.001f */                                                                   \
    uint32_t left = (uint32_t)loops;                                                                                   \
    __asm__ volatile(".fpu neon-vfpv4\n" TO_13(Q_ZERO) "vdup.32 q14, %1\n vmov q15, q14\n"                             \
                                                       "1:\n" TO_13(M) TO_13(M) "subs %0, %0, #1\n bne 1b"             \
                     : "+r"(left)                                                                                      \
                     : "r"(factor)                                                                                     \
                     : "cc", "q0", "q1", "q2", "q3", "q4", "q5", "q6", "q7", "q8", "q9", "q10", "q11", "q12", "q13",   \
                       "q14", "q15")

static void run_vfpv4(uint64_t loops) {
    Q_LOOP(VFMA);
}

static void run_neon(uint64_t loops) {
    Q_LOOP(VMLA);
}

static const engine engines[] = {
    {IC_TYPE_F32, "neon-vfpv4", IC_CPU_NEON | IC_CPU_VFPV4, 4, 28, run_vfpv4},
    {IC_TYPE_F32, "neon", 0, 4, 28, run_neon}, /* which every phone of this ABI has */
};
#define steady engines
#endif

static engine first_of(const engine *found, ic_type type) {
    while (found->type != type || (found->needs & ~ic_core_features())) {
        found++; /* the last one of a type needs nothing that a CPU may lack */
    }
    return *found;
}

static double timed(engine e, uint64_t loops) {
    uint64_t start = timer_ns();
    e.run(loops);
    uint64_t ns = timer_ns() - start;
    return ns ? (double)ns : 1;
}

/* Loops for so long; few to start with, because an emulated FMA costs a hundred times a real one. */
static uint64_t calibrate(engine e, double wanted_ns) {
    uint64_t loops = 16;
    double ns = timed(e, loops);
    while (ns < wanted_ns / 5 && loops < UINT64_C(1) << 30) {
        loops *= 2;
        ns = timed(e, loops);
    }
    loops = (uint64_t)((double)loops * wanted_ns / ns);
    return loops ? loops : 1;
}

/* The fastest of three: an interruption only ever slows one down. */
static double fastest_ns(engine e, uint64_t loops) {
    double best = INFINITY;
    for (int i = 0; i < 3; i++) {
        best = fmin(best, timed(e, loops));
    }
    return best;
}

double peak_gflops_now(void) {
    static uint64_t loops;
    engine e = first_of(steady, IC_TYPE_F32);
    if (!loops) {
        loops = calibrate(e, 12e3);
    }
    return 2.0 * e.lanes * e.fmas * (double)loops / fastest_ns(e, loops);
}

peak_result peak_probe(ic_type type, uint64_t max_khz) {
    engine e = first_of(engines, type);
    peak_result best = {.isa = e.isa};
    double flop = 2.0 * e.lanes * e.fmas, best_gflops = 0;
    char why[sizeof best.reason] = "the clock changed during every try";
    uint64_t loops = calibrate(e, 1e6);
    for (int attempt = 0; attempt < 8; attempt++) {
        clock_reading before = clock_probe();
        double ns = fastest_ns(e, loops);
        clock_reading after = clock_probe();
        double gflops = flop * (double)loops / ns;
        best_gflops = gflops > best_gflops ? gflops : best_gflops;
        if (!clock_believable(before, max_khz, why, sizeof why) || !clock_believable(after, max_khz, why, sizeof why)) {
            continue;
        }
        if (fabs(before.mhz / after.mhz - 1) > 0.02) {
            continue;
        }
        double per_cycle = gflops * 2e3 / (before.mhz + after.mhz);
        if (per_cycle > best.flop_per_cycle) {
            best.flop_per_cycle = per_cycle;
        }
        if (attempt >= 2) { /* three good ones are enough; a bad one above gets further tries */
            break;
        }
    }
    best.gflops = best_gflops;
    best.fmas_per_cycle = best.flop_per_cycle / (2.0 * e.lanes);
    double whole = round(best.fmas_per_cycle);
    if (!(best.flop_per_cycle > 0)) {
        snprintf(best.reason, sizeof best.reason, "%s", why[0] ? why : "the clock changed during every try");
    } else if (whole < 1 || fabs(best.fmas_per_cycle - whole) > 0.05 * whole) {
        snprintf(best.reason, sizeof best.reason, "%.3f vector FMAs per cycle is not within 5 %% of a whole number",
                 best.fmas_per_cycle);
    } else {
        best.ok = true;
    }
    return best;
}
