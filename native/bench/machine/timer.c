/* SPDX-License-Identifier: Apache-2.0 */
#include "machine/timer.h"

timer_info timer_measure(void) {
    const int reads = 5000;
    timer_info timer = {"CLOCK_MONOTONIC", 1e9, 0};
    uint64_t start = timer_ns(), last = start;
    for (int i = 0; i < reads; i++) {
        uint64_t now = timer_ns();
        if (now > last && (double)(now - last) < timer.tick_ns) {
            timer.tick_ns = (double)(now - last);
        }
        last = now;
    }
    timer.cost_ns = (double)(last - start) / (double)reads;
    if (timer.tick_ns == 1e9) {
        timer.tick_ns = 1;
    }
#ifdef __aarch64__
    uint64_t frequency;
    __asm__("mrs %0, cntfrq_el0" : "=r"(frequency));
    frequency &= 0xffffffffu;
    /* CLOCK_MONOTONIC may step more coarsely than the counter behind it. */
    if (frequency && 1e9 / (double)frequency > timer.tick_ns) {
        timer.tick_ns = 1e9 / (double)frequency;
    }
#endif
    return timer;
}
