/* SPDX-License-Identifier: Apache-2.0 */
#include "core/error.h"

#include <stdarg.h>
#include <stdio.h>

static _Thread_local char text[256];

ic_status ic_fail(ic_status status, const char *format, ...) {
    va_list values;
    va_start(values, format);
    vsnprintf(text, sizeof text, format, values);
    va_end(values);
    return status;
}

ic_status ic_fail_memory(const char *what, size_t bytes) {
    return ic_fail(IC_OUT_OF_MEMORY, "the allocator has no %zu bytes for %s", bytes, what);
}

const char *ic_last_error(void) {
    return text;
}
