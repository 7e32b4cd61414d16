/* SPDX-License-Identifier: Apache-2.0 */
#include "conductor/run.h"

#include "machine/meminfo.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MEMORY_LEAST (UINT64_C(1) << 20)
#define MACS_PER_SECOND 1e7

static void *zeroed(size_t count, size_t size) {
    void *memory = calloc(count ? count : 1, size);
    if (!memory) {
        fputs("convbench: out of memory\n", stderr);
        exit(3);
    }
    return memory;
}

void run_begin(run *r, const plan *p, records *out, const char *beside) {
    size_t pairs = (size_t)p->layer_count * p->variant_count;
    memset(r, 0, sizeof *r);
    r->p = p;
    r->patience = 1;
    r->out = out;
    r->caches = caches_read(p->cpu, p->llc_bytes);
    r->workers = zeroed(p->build_count, sizeof *r->workers);
    r->builds = zeroed(p->build_count, sizeof *r->builds);
    r->objects = zeroed(pairs, sizeof *r->objects);
    r->refused = zeroed(pairs, sizeof *r->refused);
    r->calls = zeroed(pairs, sizeof *r->calls);
    for (unsigned i = 0; i < p->known_count; i++) {
        const plan_known *k = &p->knowns[i];
        r->calls[(size_t)k->layer * p->variant_count + k->variant] = k->calls;
        r->refused[(size_t)k->layer * p->variant_count + k->variant] = k->excluded;
    }
    r->failures = zeroed(p->build_count, sizeof *r->failures);
    r->hindered = zeroed(p->build_count, sizeof *r->hindered);
    r->unfit = zeroed(p->build_count, sizeof *r->unfit);
    r->faults = zeroed(p->build_count, sizeof *r->faults);
    size_t room = strlen(beside) + sizeof ".data";
    r->folder = zeroed(room, 1);
    snprintf(r->folder, room, "%s.data", beside);
    /* All builds' workers hold a layer at the same time. */
    uint64_t share = meminfo_free() / p->build_count;
    r->memory = p->memory_bytes < share ? p->memory_bytes : share > MEMORY_LEAST ? share : MEMORY_LEAST;
    for (unsigned i = 0; i < p->build_count; i++) {
        r->workers[i].created = zeroed(p->variant_count, 1);
        snprintf(r->builds[i], sizeof *r->builds, "%s", p->builds[i].name);
    }
}

object_state *run_object(run *r, unsigned layer, unsigned object) {
    return &r->objects[layer * r->p->variant_count + object];
}

identity run_identity(run *r, unsigned layer, unsigned variant) {
    const plan_variant *v = &r->p->variants[variant];
    return object_state_identity(run_object(r, layer, v->object), r->p, r->launch, layer, variant, r->builds[v->build]);
}

double run_slowest_s(const run *r, unsigned layer) {
    return r->p->layers[layer].macs / MACS_PER_SECOND;
}

unsigned run_threads(const run *r, unsigned build) {
    unsigned most = 1;
    for (unsigned i = 0; i < r->p->variant_count; i++) {
        const plan_variant *v = &r->p->variants[i];
        most = v->build == build && v->threads > most ? v->threads : most;
    }
    return most;
}

bool run_tells_threads(const run *r, unsigned build) {
    return r->p->builds[build].foreign || run_threads(r, build) > 1;
}
