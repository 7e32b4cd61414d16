/* SPDX-License-Identifier: Apache-2.0 */
#include "fact.h"

#include "core/algorithm.h"

#include <stdio.h>
#include <string.h>

subject fact_subject(fact *known, const plan *p, unsigned launch, unsigned layer, unsigned variant, const char *build) {
    const plan_variant *v = &p->variants[variant];
    if (!known->asked[0]) {
        variant_asked(v, known->asked);
    }
    return (subject){launch,
                     p->layers[layer].name,
                     known->name[0] ? known->name
                     : v->label[0]  ? v->label
                                    : known->asked,
                     known->algorithm[0] ? known->algorithm : ic_algorithm_name(v->algorithm),
                     known->kernel,
                     build,
                     "",
                     variant_face(v)};
}

fact_status fact_note(fact *of_layer, const plan *p, unsigned unit, const char *algorithm, const char *kernel,
                      char *reason, size_t room) {
    const plan_variant *v = &p->variants[unit];
    fact *known = &of_layer[unit];
    if (known->name[0]) {
        if (!variant_chosen(v) || (!strcmp(kernel, known->kernel) && !strcmp(algorithm, known->algorithm))) {
            return FACT_NOTED;
        }
        snprintf(reason, room, "the choice changed from %s_%s to %.15s_%.63s", known->algorithm, known->kernel,
                 algorithm, kernel);
        return FACT_CHANGED;
    }
    char name[VARIANT_NAME];
    variant_name(v, algorithm, kernel, name);
    if (v->label[0]) {
        snprintf(name, sizeof name, "%s", v->label);
    }
    for (unsigned i = 0; i < p->variant_count; i++) {
        if (p->variants[i].unit == i && p->variants[i].build == v->build && !strcmp(of_layer[i].name, name)) {
            snprintf(reason, room, "the same as variant %u of the plan, %.100s; a label tells them apart", i, name);
            return FACT_TWICE;
        }
    }
    snprintf(known->name, sizeof known->name, "%s", name);
    snprintf(known->kernel, sizeof known->kernel, "%s", kernel);
    snprintf(known->algorithm, sizeof known->algorithm, "%s", algorithm);
    return FACT_NOTED;
}
