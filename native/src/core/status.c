/* SPDX-License-Identifier: Apache-2.0
 * Names of the public enumerations, and the version. */
#include "introspect.h"

#include <string.h>

const char *ic_status_string(ic_status status) {
    switch (status) {
    case IC_OK:
        return "ok";
    case IC_INVALID_ARGUMENT:
        return "invalid argument";
    case IC_UNSUPPORTED:
        return "the algorithm does not cover this convolution";
    case IC_UNSUPPORTED_HARDWARE:
        return "this CPU lacks a feature that the kernel needs";
    case IC_UNKNOWN_KERNEL:
        return "no kernel of that name, or an option that it or the algorithm does not have";
    case IC_OVERFLOW:
        return "a size does not fit size_t";
    case IC_OUT_OF_MEMORY:
        return "out of memory";
    case IC_BAD_STATE:
        return "the object was not reshaped";
    case IC_TUNED_OTHER_CPU:
        return "the tuned table is of another CPU";
    case IC_TUNED_OTHER_VERSION:
        return "the tuned table is of another version";
    case IC_TUNED_DAMAGED:
        return "the tuned table is damaged";
    }
    return "unknown status";
}

uint32_t ic_version(void) {
    return 0x000100; /* 0.1.0 */
}

static const char *const algorithm_names[] = {[IC_ALGORITHM_INDIRECT] = "indirect",
                                              [IC_ALGORITHM_IM2COL] = "im2col",
                                              [IC_ALGORITHM_DIRECT] = "direct",
                                              [IC_ALGORITHM_NAIVE] = "naive",
                                              [IC_ALGORITHM_AUTO] = "auto"};

#define ALGORITHMS (sizeof algorithm_names / sizeof algorithm_names[0])

const char *ic_algorithm_name(ic_algorithm algorithm) {
    return (size_t)algorithm < ALGORITHMS ? algorithm_names[algorithm] : "unknown";
}

bool ic_algorithm_from_name(const char *name, ic_algorithm *algorithm) {
    for (size_t i = 0; i < ALGORITHMS; i++) {
        if (strcmp(algorithm_names[i], name) == 0) {
            *algorithm = (ic_algorithm)i;
            return true;
        }
    }
    return false;
}
