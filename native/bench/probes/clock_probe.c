/* SPDX-License-Identifier: Apache-2.0 */
#include "probes/clock_probe.h"

#include "machine/timer.h"

#include <math.h>
#include <stdio.h>

/* 256 instructions a loop hide the loop's own two. The adds take registers, since recent cores fold adds of immediates
 * at rename. Second chain: on x86 a 32-bit multiply, 3 cycles on every core of the last fifteen years. On Arm no
 * longer latency is the same on all cores (multiplies 2 to 4, floating point 2 to 4, shifted operands 1 or 2), so it is
 * an exclusive or, 1 cycle on all of them as the add is. That shows an interrupted chain, a clock that moved between
 * the two, and emulation; a core that ran both at another latency would be shown by max_khz alone. */
#if defined(__x86_64__)
#define SECOND_CYCLES 3
static void adds(uint64_t loops) {
    uint64_t x = 1, y = 3;
    __asm__ volatile("1:\n .rept 256\n addq %2, %1\n .endr\n decq %0\n jnz 1b" : "+r"(loops), "+r"(x) : "r"(y) : "cc");
}
static void second(uint64_t loops) {
    uint32_t x = 1, y = 3;
    __asm__ volatile("1:\n .rept 256\n imull %2, %1\n .endr\n decq %0\n jnz 1b" : "+r"(loops), "+r"(x) : "r"(y) : "cc");
}
#elif defined(__aarch64__)
#define SECOND_CYCLES 1
static void adds(uint64_t loops) {
    uint64_t x = 1, y = 3;
    __asm__ volatile("1:\n .rept 256\n add %1, %1, %2\n .endr\n subs %0, %0, #1\n b.ne 1b"
                     : "+r"(loops), "+r"(x)
                     : "r"(y)
                     : "cc");
}
static void second(uint64_t loops) {
    uint64_t x = 1, y = 3;
    __asm__ volatile("1:\n .rept 256\n eor %1, %1, %2\n .endr\n subs %0, %0, #1\n b.ne 1b"
                     : "+r"(loops), "+r"(x)
                     : "r"(y)
                     : "cc");
}
#elif defined(__arm__)
#define SECOND_CYCLES 1
/* Apart from code with constants beside it: a compiler takes the chain for shorter than it is. */
#define CHAIN __attribute__((noinline))
static CHAIN void adds(uint64_t loops) {
    uint32_t left = (uint32_t)loops, x = 1, y = 3;
    __asm__ volatile("1:\n .rept 256\n add %1, %1, %2\n .endr\n subs %0, %0, #1\n bne 1b"
                     : "+r"(left), "+r"(x)
                     : "r"(y)
                     : "cc");
}
static CHAIN void second(uint64_t loops) {
    uint32_t left = (uint32_t)loops, x = 1, y = 3;
    __asm__ volatile("1:\n .rept 256\n eor %1, %1, %2\n .endr\n subs %0, %0, #1\n bne 1b"
                     : "+r"(left), "+r"(x)
                     : "r"(y)
                     : "cc");
}
#else
#error "no clock probe for this architecture"
#endif

/* The fastest of three: an interruption only ever slows a chain down. */
static double chain_mhz(void (*chain)(uint64_t), uint64_t loops, double cycles) {
    double best = 0;
    for (int i = 0; i < 3; i++) {
        uint64_t start = timer_ns();
        chain(loops);
        uint64_t ns = timer_ns() - start;
        double mhz = ns ? 256e3 * (double)loops * cycles / (double)ns : 0;
        best = mhz > best ? mhz : best;
    }
    return best;
}

static clock_reading probe(uint64_t loops) {
    clock_reading reading;
    reading.mhz = chain_mhz(adds, loops, 1);
    reading.second_mhz = chain_mhz(second, loops * 3 / 8 / SECOND_CYCLES, SECOND_CYCLES);
    return reading;
}

clock_reading clock_probe(void) {
    return probe(1600); /* 3 x 0.17 ms at 2.4 GHz */
}

clock_reading clock_probe_short(void) {
    return probe(400); /* the tick of a phone's timer is a thousandth of a chain */
}

bool clock_believable(clock_reading r, uint64_t max_khz, char *reason, size_t room) {
    double limit = 1.1 * (double)max_khz / 1e3;
    reason[0] = 0;
    if (!(r.mhz > 0 && r.second_mhz > 0)) {
        snprintf(reason, room, "the timer did not advance during the probe");
    } else if (max_khz && r.mhz > limit) {
        snprintf(reason, room, "%.0f MHz is over 1.1 times the %.0f MHz that the system names", r.mhz,
                 (double)max_khz / 1e3);
    } else if (fabs(r.mhz / r.second_mhz - 1) > 0.05) {
        snprintf(reason, room, "two chains disagree by over 5 %%: %.0f and %.0f MHz", r.mhz, r.second_mhz);
    }
    return !reason[0];
}
