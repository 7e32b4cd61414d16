/* SPDX-License-Identifier: Apache-2.0 */
#include "worker/object_requests.h"

#include "introspect.h"
#include "machine/meminfo.h"
#include "wire/algorithms.h"
#include "wire/lines.h"
#include "worker/dump.h"
#include "worker/heartbeat.h"
#include "worker/placement.h"
#include "worker/pools.h"
#include "worker/reply.h"
#include "worker/sample.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#define CREATE_TIMES 3
#define L2_ASSUMED ((size_t)512 << 10) /* where the system does not tell */
#define READ_SHARE 8                   /* of the worker's memory, for the bandwidth probe */

/* What the plan allows beside the layer's data, and no more than the system can give by now. */
static size_t arena_budget(const worker *w) {
    size_t data = layer_data_bytes(&w->layer), have = w->arena.touched * ARENA_PAGE;
    size_t budget = w->memory > data ? w->memory - data : 0;
    uint64_t free_bytes = meminfo_free();
    return budget > have && budget - have > free_bytes ? have + (size_t)free_bytes : budget;
}

static placement placement_of(worker *w, const object *o, const char *schedule, instance *i) {
    return (placement){.arena = &w->arena,
                       .layer = &w->layer,
                       .data = &w->data,
                       .layout = o->layout,
                       .algorithm = o->algorithm,
                       .schedule = schedule,
                       .tuned = w->table.tuned,
                       .pool = w->pools[o->threads],
                       .budget = arena_budget(w),
                       .llc = w->llc,
                       .room = o->room,
                       .copy = i,
                       .copies = 1};
}

static object *object_of(worker *w, fields *f) {
    uint64_t index = fields_u64(f, "object", 0, PROTOCOL_OBJECTS - 1);
    if (!f->error[0] && !w->has_layer) {
        fields_fail(f, "no layer yet");
    }
    return &w->objects[index];
}

bool object_create(worker *w, fields *f) {
    object *o = object_of(w, f);
    const char *name = fields_text(f, "algorithm"), *asked = fields_text(f, "schedule");
    unsigned threads = fields_has(f, "threads") ? (unsigned)fields_u64(f, "threads", 1, IC_MAX_THREADS) : 1;
    if (!f->error[0] && threads > w->cpu_count) {
        fields_fail(f, "threads=%u, but there are %u CPUs for them", threads, w->cpu_count);
    }
    char resolved[SCHEDULE_ASKED];
    const char *schedule = schedule_read(f, w->layer.desc.type, resolved);
    if (!f->error[0] && !algorithms_read(name, &o->algorithm, &o->layout)) {
        fields_fail(f, "algorithm=%.40s is not known", name);
    }
    fields_end(f);
    if (f->error[0]) {
        return reply_failed(f->error);
    }
    if (!pools_need(w, threads)) {
        return reply_hindered(ic_last_error());
    }
    if (pools_pin(w, threads) != POOLS_HELD && pools_pin(w, threads) != POOLS_HELD) {
        return reply_hindered("threads do not stay on the CPUs that they were given");
    }
    char cpus[256];
    pools_print(w, threads, cpus, sizeof cpus);
    o->threads = threads;
    instance i;
    double create_ns = INFINITY, reshape_ns = INFINITY;
    placement p = placement_of(w, o, schedule, &i);
    ic_algorithm chosen = o->algorithm;
    const char *by = "", *order = NULL, *method = "";
    for (int n = 0; n < CREATE_TIMES; n++) {
        ic_status status = placement_make(&p);
        char text[256];
        if (status == IC_OUT_OF_MEMORY) {
            return reply_skip("too little memory", layer_data_bytes(&w->layer) + placement_need(&p));
        }
        snprintf(text, sizeof text,
                 status == IC_UNKNOWN_KERNEL ? "%s: no kernel or schedule %s in this build" : "%s: %s", name,
                 status == IC_UNKNOWN_KERNEL ? asked : ic_status_string(status));
        if (status == IC_UNSUPPORTED || status == IC_UNSUPPORTED_HARDWARE || status == IC_UNKNOWN_KERNEL) {
            return reply_skip(text, 0);
        }
        if (status != IC_OK) {
            return reply_failed(text);
        }
        create_ns = fmin(create_ns, (double)i.create_ns);
        reshape_ns = fmin(reshape_ns, (double)i.reshape_ns);
        snprintf(o->schedule, sizeof o->schedule, "%s", i.info.kernel);
        chosen = i.info.algorithm;
        if (o->algorithm == IC_ALGORITHM_AUTO) {
            by = ic_conv2d_is_from_table(i.conv) ? " chosen_by=table" : " chosen_by=model";
        }
        order = ic_conv2d_order(i.conv);
        method = ic_conv2d_method(i.conv);
        memcpy(o->bytes, i.bytes, sizeof o->bytes);
        placement_free(&p);
    }
    o->algorithm = chosen; /* what was chosen is what is checked and measured */
    o->room = p.room;
    o->call_ns = 0;
    o->made = true;
    return lines_put(PROTOCOL_FD,
                     "created algorithm=%s threads=%u cpus=%s method=%s kernel=%.*s schedule=%s%s%s%s input_bytes=%zu "
                     "output_bytes=%zu "
                     "weights_bytes=%zu pointer_bytes=%zu matrix_bytes=%zu padding_bytes=%zu object_bytes=%zu "
                     "create_ns=%.17g reshape_ns=%.17g",
                     algorithms_name(chosen, o->layout), threads, cpus, method, schedule_kernel(o->schedule),
                     o->schedule, o->schedule, by, order ? " order=" : "", order ? order : "",
                     w->layer.input_floats * sizeof(float), w->layer.output_floats * sizeof(float),
                     o->bytes[IC_MEMORY_WEIGHTS], o->bytes[IC_MEMORY_POINTERS], o->bytes[IC_MEMORY_MATRIX],
                     o->bytes[IC_MEMORY_PADDING], o->bytes[IC_MEMORY_OBJECT], create_ns, reshape_ns);
}

bool object_check(worker *w, fields *f) {
    object *o = object_of(w, f);
    const char *by = fields_text(f, "by"), *folder = fields_text_or(f, "dump", ""),
               *as = fields_text_or(f, "as", "output");
    bool every = !strcmp(by, "every"), sum_only = !strcmp(by, "checksum");
    if (!f->error[0] && !o->made) {
        fields_fail(f, "check before create");
    }
    fields_end(f);
    if (f->error[0]) {
        return reply_failed(f->error);
    }
    if (!sum_only && (!w->reference.value || w->reference_every != every)) {
        reference_free(&w->reference);
        if (!reference_make(&w->reference, &w->layer, &w->data, every, heartbeat)) {
            return reply_hindered("no memory for the reference");
        }
        w->reference_every = every;
    }
    instance i;
    char reason[256] = "";
    placement p = placement_of(w, o, o->schedule, &i);
    ic_status status = placement_make(&p);
    if (status == IC_OUT_OF_MEMORY) {
        return reply_skip("too little memory", layer_data_bytes(&w->layer) + placement_need(&p));
    }
    if (status != IC_OK) {
        return reply_failed(ic_status_string(status));
    }
    uint64_t start = timer_ns();
    status = ic_conv2d_run(i.conv, p.input, i.output);
    o->call_ns = (double)(timer_ns() - start);
    heartbeat();
    size_t outputs = sum_only ? w->layer.output_floats : w->reference.count;
    const double bound = ic_conv2d_error_bound(i.conv);
    const float *result = placement_output(&p, &i);
    double error = sum_only ? 0 : reference_compare(&w->reference, bound, ic_conv2d_bound_of(i.conv), result);
    double largest = sum_only ? 0 : reference_compare(&w->reference, 1, IC_BOUND_OF_PRODUCTS, result);
    uint64_t sum = checksum(i.output, w->layer.output_floats);
    bool written =
        !*folder || status != IC_OK || dump_tensors(&w->layer, &w->data, as, result, folder, reason, sizeof reason);
    placement_free(&p);
    if (status != IC_OK || !written) {
        return reply_failed(written ? ic_status_string(status) : reason);
    }
    return lines_put(PROTOCOL_FD,
                     "checked outputs=%zu ok=%d error_over_bound=%.17g max_error=%.17g bound=%.17g checksum=%" PRIu64,
                     outputs, error <= 1, error, largest, bound, sum);
}

/* A sample whose helpers were free to go to other CPUs is none, as one of the worker's own thread (sample.c): they are
 * pinned, and it is taken again. */
static sample_status take_held(worker *w, const object *o, sample_request *q, sample_result *r, char *reason,
                               size_t room, size_t *bytes) {
    uint64_t moved = 0;
    pools_place place = pools_pin(w, o->threads);
    for (unsigned tries = 0; tries < SAMPLE_PIN_TRIES && place != POOLS_LOST; tries++) {
        moved += place == POOLS_MOVED;
        const sample_status status = sample_take(q, r, reason, room, bytes);
        r->evidence.repinned += moved;
        if (status != SAMPLE_TAKEN || (place = pools_pin(w, o->threads)) == POOLS_HELD) {
            return status;
        }
    }
    if (place == POOLS_LOST) {
        snprintf(reason, room, "the system took the CPU of a thread away");
    } else {
        snprintf(reason, room,
                 "threads were not on their CPUs, %d times: the system keeps changing the CPUs they may use",
                 SAMPLE_PIN_TRIES);
    }
    return SAMPLE_HINDERED;
}

/* Whether the layer's tensors, the same for all its variants, outgrow the L2 cache. */
static bool outgrows_l2(const worker *w) {
    size_t bytes = layer_data_bytes(&w->layer) + w->layer.output_floats * sizeof(float);
    return bytes > (w->l2 ? (size_t)w->l2 : L2_ASSUMED);
}

bool object_sample(worker *w, fields *f) {
    object *o = object_of(w, f);
    const char *cache = fields_text(f, "cache");
    sample_request q = {.arena = &w->arena, .layer = &w->layer, .data = &w->data, .llc = w->llc};
    q.calls = fields_u64(f, "calls", 0, UINT64_MAX);
    q.settle_ns = fields_u64(f, "settle_ns", 0, UINT64_MAX);
    q.rotate = !strcmp(cache, "rotate");
    bool placed = fields_has(f, "placement");
    uint64_t seed = placed ? fields_u64(f, "placement", 0, UINT64_MAX) : 0, drawn = w->arena.random;
    if (!f->error[0] && !o->made) {
        fields_fail(f, "sample before create");
    }
    fields_end(f);
    if (f->error[0]) {
        return reply_failed(f->error);
    }
    q.pool = w->pools[o->threads];
    q.reads = q.rotate || outgrows_l2(w);
    if (q.reads) {
        const uint64_t share = w->memory / READ_SHARE, free_share = meminfo_free() / READ_SHARE;
        pressure_read(&w->pressure, w->llc, (size_t)(share < free_share ? share : free_share));
    }
    q.pressure = &w->pressure;
    q.counters = o->threads <= 1 && w->counters.open ? &w->counters : NULL;
    q.memory = arena_budget(w);
    q.algorithm = o->algorithm;
    q.layout = o->layout;
    q.schedule = o->schedule;
    q.bytes = o->bytes;
    q.room = o->room;
    q.call_ns = o->call_ns;
    q.cpu = w->cpu;
    q.min_ns = w->min_ns;
    q.max_khz = w->max_khz;
    q.tick_ns = w->timer.tick_ns;
    sample_result r;
    char reason[200];
    size_t bytes = 0;
    if (placed) {
        w->arena.random = seed;
    }
    sample_status status = take_held(w, o, &q, &r, reason, sizeof reason, &bytes);
    if (placed) {
        w->arena.random = drawn; /* what this seed gives is for samples of that seed alone */
    }
    if (status != SAMPLE_TAKEN) {
        return status == SAMPLE_SKIPPED    ? reply_skip(reason, bytes)
               : status == SAMPLE_HINDERED ? reply_hindered(reason)
                                           : reply_failed(reason);
    }
    char text[EVIDENCE_TEXT];
    return lines_put(PROTOCOL_FD, "sampled checksum=%" PRIu64 "%s", r.checksum, evidence_print(&r.evidence, text));
}
