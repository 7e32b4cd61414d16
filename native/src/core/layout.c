/* SPDX-License-Identifier: Apache-2.0 */
#include "core/layout.h"

#include "core/error.h"

#include <stdio.h>
#include <string.h>

static const struct {
    ic_layout layout;
    const char *name;
} layouts[] = {
    {IC_LAYOUT_NHWC, "nhwc"},
    {IC_LAYOUT_NCHW, "nchw"},
};

enum { LAYOUTS = sizeof layouts / sizeof layouts[0] };

const char *ic_layout_name(ic_layout layout) {
    for (size_t i = 0; i < LAYOUTS; i++) {
        if (layouts[i].layout == layout) {
            return layouts[i].name;
        }
    }
    return NULL;
}

bool ic_layout_from_name(const char *name, ic_layout *layout) {
    for (size_t i = 0; i < LAYOUTS; i++) {
        if (strcmp(layouts[i].name, name) == 0) {
            *layout = layouts[i].layout;
            return true;
        }
    }
    return false;
}

ic_status ic_fail_layout(ic_layout layout) {
    char covered[128] = "";
    size_t length = 0;
    for (size_t i = 0; i < LAYOUTS; i++) {
        length += (size_t)snprintf(covered + length, sizeof covered - length, "%s%d (%s)", i == 0 ? "" : ", ",
                                   (int)layouts[i].layout, layouts[i].name);
    }
    return ic_fail(IC_UNSUPPORTED, "desc.layout=%d: there is %s", (int)layout, covered);
}

ic_status ic_fail_unchosen(const char *name, ic_layout layout) {
    return ic_fail(IC_UNSUPPORTED, "%s.layout=%d (%s): auto chooses for nhwc alone", name, (int)layout,
                   ic_layout_name(layout));
}
