/* SPDX-License-Identifier: Apache-2.0 */
#include "conductor/variant.h"

#include "wire/algorithms.h"

#include <stdio.h>
#include <string.h>

bool variant_chosen(const plan_variant *v) {
    return v->program || v->algorithm == IC_ALGORITHM_AUTO || !strcmp(v->schedule, "best");
}

const char *variant_algorithm(const plan_variant *v) {
    return v->program ? v->program : algorithms_name(v->algorithm, v->layout);
}

const char *variant_face(const plan_variant *v) {
    return v->is_best ? "best" : "published";
}

void variant_asked(const plan_variant *v, char name[VARIANT_NAME]) {
    bool is_default = !strcmp(v->schedule, "default");
    snprintf(name, VARIANT_NAME, "%s%s%s", variant_algorithm(v), is_default ? "" : "/", is_default ? "" : v->schedule);
}

void variant_name(const plan_variant *v, const char *algorithm, const char *schedule, char name[VARIANT_NAME]) {
    if (v->program) {
        snprintf(name, VARIANT_NAME, "%s%s%s", v->program, *schedule ? "/" : "", schedule);
    } else if (v->algorithm == IC_ALGORITHM_AUTO) {
        snprintf(name, VARIANT_NAME, "auto/%s_%s", algorithm, schedule);
    } else {
        snprintf(name, VARIANT_NAME, "%s/%s%s", algorithm, schedule,
                 v->is_best && !strchr(schedule, '+') ? "+best" : "");
    }
}

void variant_file(const plan_variant *v, const char *algorithm, const char *schedule, char name[VARIANT_NAME]) {
    variant_name(v, algorithm, schedule, name);
    char *slash = strchr(name, '/');
    if (slash) {
        *slash = '.';
    }
}
