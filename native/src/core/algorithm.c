/* SPDX-License-Identifier: Apache-2.0 */
#include "core/algorithm.h"

#include <string.h>

static const char *const names[] = {[IC_ALGORITHM_INDIRECT] = "indirect", [IC_ALGORITHM_IM2COL] = "im2col",
                                    [IC_ALGORITHM_DIRECT] = "direct",     [IC_ALGORITHM_NAIVE] = "naive",
                                    [IC_ALGORITHM_AUTO] = "auto",         [IC_ALGORITHM_FFT] = "fft",
                                    [IC_ALGORITHM_WINOGRAD] = "winograd"};

enum { ALGORITHMS = sizeof names / sizeof names[0] };

bool ic_is_algorithm(ic_algorithm algorithm) {
    return (size_t)algorithm < ALGORITHMS;
}

const char *ic_algorithm_name(ic_algorithm algorithm) {
    return ic_is_algorithm(algorithm) ? names[algorithm] : "unknown";
}

bool ic_algorithm_from_name(const char *name, ic_algorithm *algorithm) {
    for (size_t i = 0; i < ALGORITHMS; i++) {
        if (strcmp(names[i], name) == 0) {
            *algorithm = (ic_algorithm)i;
            return true;
        }
    }
    return false;
}
