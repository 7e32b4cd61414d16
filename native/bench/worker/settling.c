/* SPDX-License-Identifier: Apache-2.0 */
#include "worker/settling.h"

#include <math.h>
#include <stdbool.h>

#define LEAST_CALLS 2
#define STEADY 0.01

settling_state settling_after(settling *s, double mhz, uint64_t elapsed_ns, uint64_t cap_ns) {
    bool steady = s->mhz > 0 && fabs(mhz / s->mhz - 1) <= STEADY;
    s->mhz = mhz > 0 ? mhz : 0;
    s->calls++;
    if (s->calls < LEAST_CALLS) {
        return SETTLING_ON;
    }
    return steady ? SETTLING_STEADY : elapsed_ns >= cap_ns ? SETTLING_CAPPED : SETTLING_ON;
}
