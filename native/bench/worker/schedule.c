/* SPDX-License-Identifier: Apache-2.0 */
#include "worker/schedule.h"

#include "machine/kernel.h"

#include <stdio.h>
#include <string.h>

const char *schedule_read(fields *f, ic_type type, char name[SCHEDULE_ASKED]) {
    const char *asked = fields_text(f, "schedule");
    const bool has_options = !strncmp(asked, "default+", strlen("default+"));
    const int length = snprintf(name, SCHEDULE_ASKED, "%s%s", has_options ? kernel_default(type) : "",
                                has_options ? asked + strlen("default") : asked);
    if (length >= SCHEDULE_ASKED) {
        fields_fail(f, "schedule=%.80s is too long", asked);
    }
    return strcmp(asked, "default") ? name : NULL;
}

int schedule_kernel(const char *schedule) {
    return (int)strcspn(schedule, "+");
}
