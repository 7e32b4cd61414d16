/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/algorithms.h"

#include "core/algorithm.h"

#include <string.h>

static const struct {
    const char *name;
    ic_algorithm algorithm;
    ic_layout layout;
} others[] = {{"im2col-nchw", IC_ALGORITHM_IM2COL, IC_LAYOUT_NCHW}};

enum { OTHERS = sizeof others / sizeof others[0] };

bool algorithms_read(const char *name, ic_algorithm *algorithm, ic_layout *layout) {
    for (size_t i = 0; i < OTHERS; i++) {
        if (!strcmp(others[i].name, name)) {
            *algorithm = others[i].algorithm;
            *layout = others[i].layout;
            return true;
        }
    }
    if (!ic_algorithm_from_name(name, algorithm)) {
        return false;
    }
    *layout = IC_LAYOUT_NHWC;
    return true;
}

const char *algorithms_name(ic_algorithm algorithm, ic_layout layout) {
    for (size_t i = 0; i < OTHERS; i++) {
        if (others[i].algorithm == algorithm && others[i].layout == layout) {
            return others[i].name;
        }
    }
    return ic_algorithm_name(algorithm);
}
