/* SPDX-License-Identifier: Apache-2.0
 * Statuses in words, and the version. */
#include "indirectconv.h"

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
    return 0x000200; /* 0.2.0 */
}
