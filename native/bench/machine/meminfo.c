/* SPDX-License-Identifier: Apache-2.0 */
#include "machine/meminfo.h"

#include "machine/sysfile.h"

#include <stdlib.h>
#include <string.h>

#define MARGIN (UINT64_C(64) << 20)

uint64_t meminfo_free(void) {
    char text[4096];
    const char *at = sysfile_text("/proc/meminfo", text, sizeof text) ? strstr(text, "\nMemAvailable:") : NULL;
    if (!at) {
        return UINT64_MAX;
    }
    uint64_t available = strtoull(at + strlen("\nMemAvailable:"), NULL, 10) << 10;
    uint64_t margin = available / 8 + MARGIN;
    return available > margin ? available - margin : 0;
}
