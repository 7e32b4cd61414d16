/* SPDX-License-Identifier: Apache-2.0 */
#include "crew.h"
#include "introspect.h"

#include <stdio.h>
#include <string.h>

subject crew_subject(crew *c, unsigned layer, unsigned variant) {
    const plan_variant *v = &c->p->variants[variant];
    fact *known = crew_fact(c, layer, v->unit);
    if (!known->asked[0])
        variant_asked(v, known->asked);
    return (subject){c->launch,
                     c->p->layers[layer].name,
                     known->name[0] ? known->name
                     : v->label[0]  ? v->label
                                    : known->asked,
                     known->algorithm[0] ? known->algorithm : ic_algorithm_name(v->algorithm),
                     known->kernel,
                     c->builds[v->build],
                     "",
                     variant_face(v)};
}

bool crew_note(crew *c, unsigned layer, unsigned unit) {
    const plan *p = c->p;
    const plan_variant *v = &p->variants[unit];
    fact *known = crew_fact(c, layer, unit);
    const char *kernel = fields_text(&c->a.reply, "kernel");
    const char *algorithm = fields_text_or(&c->a.reply, "algorithm", ic_algorithm_name(v->algorithm));
    if (known->name[0]) {
        if (!variant_chosen(v) || (!strcmp(kernel, known->kernel) && !strcmp(algorithm, known->algorithm)))
            return true;
        snprintf(c->a.reason, sizeof c->a.reason, "the choice changed from %s_%s to %.15s_%.63s", known->algorithm,
                 known->kernel, algorithm, kernel);
        return false;
    }
    char name[VARIANT_NAME];
    variant_name(v, algorithm, kernel, name);
    if (v->label[0])
        snprintf(name, sizeof name, "%s", v->label);
    for (unsigned i = 0; i < p->variant_count; i++)
        if (p->variants[i].unit == i && p->variants[i].build == v->build &&
            !strcmp(crew_fact(c, layer, i)->name, name)) {
            char reason[200];
            snprintf(reason, sizeof reason, "the same as variant %u of the plan, %.100s; a label tells them apart", i,
                     name);
            subject s = crew_subject(c, layer, unit);
            emit_skip(c->out, &s, reason, 0);
            return false;
        }
    snprintf(known->name, sizeof known->name, "%s", name);
    snprintf(known->kernel, sizeof known->kernel, "%s", kernel);
    snprintf(known->algorithm, sizeof known->algorithm, "%s", algorithm);
    return true;
}
