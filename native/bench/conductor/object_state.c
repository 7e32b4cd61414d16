/* SPDX-License-Identifier: Apache-2.0 */
#include "conductor/object_state.h"

#include "core/layout.h"
#include "wire/tensor.h"

#include <stdio.h>
#include <string.h>

identity object_state_identity(object_state *known, const plan *p, unsigned launch, unsigned layer, unsigned variant,
                               const char *build) {
    const plan_variant *v = &p->variants[variant];
    const layer_shape *l = &p->layers[layer];
    if (!known->asked[0]) {
        variant_asked(v, known->asked);
    }
    return (identity){
        .launch = launch,
        .layer = l->name,
        .variant = known->name[0] ? known->name
                   : v->label[0]  ? v->label
                                  : known->asked,
        .asked = known->asked,
        .algorithm = known->algorithm[0] ? known->algorithm : variant_algorithm(v),
        .method = known->method,
        .kernel = known->kernel,
        .schedule = known->schedule,
        .face = variant_face(v),
        .element = tensor_type_name(l->desc.type),
        .layout = ic_layout_name(v->layout),
        .threads = v->threads,
        .build = build,
        .cache = "",
    };
}

object_state_noted object_state_note(object_state *of_layer, const plan *p, unsigned object, const choice *made,
                                     char *reason, size_t room) {
    const plan_variant *v = &p->variants[object];
    object_state *known = &of_layer[object];
    if (known->name[0] && v->program) { /* how a program of others computes may differ from process to process */
        snprintf(known->method, sizeof known->method, "%s", made->method);
        snprintf(known->kernel, sizeof known->kernel, "%s", made->kernel);
    }
    if (known->name[0]) {
        if (!variant_chosen(v) ||
            (!strcmp(made->schedule, known->schedule) && !strcmp(made->algorithm, known->algorithm))) {
            return OBJECT_NOTED;
        }
        snprintf(reason, room, "the choice changed from %s_%s to %.31s_%.63s", known->algorithm, known->schedule,
                 made->algorithm, made->schedule);
        return OBJECT_CHANGED;
    }
    char name[VARIANT_NAME];
    variant_name(v, made->algorithm, made->schedule, name);
    if (v->label[0]) {
        snprintf(name, sizeof name, "%s", v->label);
    }
    for (unsigned i = 0; i < p->variant_count; i++) {
        if (p->variants[i].object == i && p->variants[i].build == v->build && p->variants[i].threads == v->threads &&
            !strcmp(of_layer[i].name, name)) {
            snprintf(reason, room, "the same as variant %u of the plan, %.100s; a label tells them apart", i, name);
            return OBJECT_TWICE;
        }
    }
    snprintf(known->name, sizeof known->name, "%s", name);
    snprintf(known->algorithm, sizeof known->algorithm, "%s", made->algorithm);
    snprintf(known->method, sizeof known->method, "%s", made->method);
    snprintf(known->kernel, sizeof known->kernel, "%s", made->kernel);
    snprintf(known->schedule, sizeof known->schedule, "%s", made->schedule);
    return OBJECT_NOTED;
}
