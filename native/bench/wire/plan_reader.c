/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/plan_reader.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void *plan_grown(void *array, unsigned count, size_t size) {
    void *more = realloc(array, (count + 1) * size);
    if (!more) {
        fputs("convbench: out of memory for the plan\n", stderr);
        exit(3);
    }
    memset((char *)more + count * size, 0, size);
    return more;
}

char *plan_kept(const char *text) {
    size_t n = strlen(text) + 1;
    return memcpy(plan_grown(NULL, 0, n), text, n);
}

void plan_once(plan_reader *r, bool *seen) {
    if (*seen) {
        fields_fail(&r->f, "a second '%s' line", r->f.word);
    }
    *seen = true;
}
