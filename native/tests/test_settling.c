/* SPDX-License-Identifier: Apache-2.0
 * When warm-up ends: by the clock, by the cap, never before two calls. */
#include "worker/settling.h"

#include "check.h"

#include <math.h>
#include <string.h>

enum { CAP = 50, MOST = 8 };

/* After how many calls it ends, each having taken 10; the clock is read as ``mhz`` after them. */
static settling_state ends(const double *mhz, unsigned count, uint64_t cap, unsigned *calls) {
    settling s = {0, 0};
    settling_state state = SETTLING_ON;
    for (unsigned i = 0; i < count && state == SETTLING_ON; i++) {
        state = settling_after(&s, mhz[i], 10 * (i + 1), cap);
    }
    *calls = s.calls;
    return state;
}

static void by_the_clock(const char *kernel) {
    (void)kernel;
    unsigned calls;
    CHECK(ends((double[]){2800, 2801}, 2, CAP, &calls) == SETTLING_STEADY && calls == 2);
    CHECK(ends((double[]){1000, 1900, 2800, 2790}, 4, CAP, &calls) == SETTLING_STEADY && calls == 4);
    CHECK(ends((double[]){1000, 1009.9}, 2, CAP, &calls) == SETTLING_STEADY);
    CHECK(ends((double[]){1000, 1010.1}, 2, CAP, &calls) == SETTLING_ON);
    CHECK(ends((double[]){1000, 990.1}, 2, CAP, &calls) == SETTLING_STEADY);
    CHECK(ends((double[]){1000, 989.9}, 2, CAP, &calls) == SETTLING_ON);
}

static void by_the_cap(const char *kernel) {
    (void)kernel;
    unsigned calls;
    const double rising[MOST] = {1000, 1100, 1200, 1300, 1400, 1500, 1600, 1700};
    CHECK(ends(rising, MOST, CAP, &calls) == SETTLING_CAPPED && calls == 5);
    CHECK(ends(rising, MOST, 0, &calls) == SETTLING_CAPPED && calls == 2); /* two calls in any case */
    CHECK(ends(rising, MOST, 1000, &calls) == SETTLING_ON && calls == MOST);
    const double late[MOST] = {1000, 1100, 1200, 1300, 1301};
    CHECK(ends(late, MOST, CAP, &calls) == SETTLING_STEADY && calls == 5); /* the clock decides, at the cap too */
}

static void without_a_clock(const char *kernel) {
    (void)kernel;
    unsigned calls;
    const double none[MOST] = {0}, odd[MOST] = {NAN, NAN, NAN, NAN, NAN, NAN, NAN, NAN},
                 below[MOST] = {-1, -1, -1, -1, -1, -1, -1, -1}, endless[MOST] = {INFINITY, INFINITY, INFINITY, 5, 5};
    CHECK(ends(none, MOST, CAP, &calls) == SETTLING_CAPPED && calls == 5);
    CHECK(ends(odd, MOST, CAP, &calls) == SETTLING_CAPPED && calls == 5);
    CHECK(ends(below, MOST, CAP, &calls) == SETTLING_CAPPED && calls == 5);
    CHECK(ends(endless, MOST, CAP, &calls) == SETTLING_STEADY && calls == 5);
    CHECK(ends((double[]){2800, 0, 2800, 2800}, 4, CAP, &calls) == SETTLING_STEADY && calls == 4);
}

int main(int argc, char **argv) {
    static const check_case cases[] = {
        {"by_the_clock", by_the_clock}, {"by_the_cap", by_the_cap}, {"without_a_clock", without_a_clock}, {NULL, NULL}};
    return check_main(argc, argv, cases);
}
