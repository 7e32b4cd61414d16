/* SPDX-License-Identifier: Apache-2.0 */
#include "worker.h"

#include "affinity.h"
#include "clock_probe.h"
#include "cpu.h"
#include "dump.h"
#include "heartbeat.h"
#include "introspect.h"
#include "kernel.h"
#include "lines.h"
#include "meminfo.h"
#include "peak_probe.h"
#include "reference.h"
#include "reply.h"
#include "sample.h"
#include "table.h"
#include "timer.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#define OBJECTS 4096
#define SCHEDULE 64 /* room for a name, with its end */
#define ASKED 160   /* room for one that was asked for */
#define CREATE_TIMES 3

typedef struct {
    bool made;
    ic_algorithm algorithm;
    char schedule[SCHEDULE]; /* as chosen, like the algorithm */
    size_t bytes[IC_MEMORY_KINDS];
    size_t room;    /* of the arena for one instance */
    double call_ns; /* what its last untimed call took, 0: unknown */
} object;

typedef struct {
    arena arena;
    bool has_layer;
    layer_shape layer;
    layer_data data;
    reference reference;
    bool reference_every;
    int cpu;
    object objects[OBJECTS];
    size_t memory; /* budget of data and arena together */
    uint64_t llc, min_ns, max_khz;
    timer_info timer;
    table table;
} worker;

static bool say_hello(worker *w, fields *f) {
    uint64_t protocol = fields_u64(f, "protocol", PROTOCOL_VERSION, PROTOCOL_VERSION);
    int cpu = w->cpu = (int)fields_u64(f, "cpu", 0, CPU_LIMIT - 1);
    w->memory = (size_t)fields_u64(f, "memory", ARENA_PAGE, SIZE_MAX / 2);
    w->llc = fields_u64(f, "llc", 1, UINT64_C(1) << 40);
    w->min_ns = fields_u64(f, "min_ns", 1, UINT64_MAX);
    w->max_khz = fields_u64(f, "max_khz", 0, UINT64_MAX);
    bool probe = fields_u64(f, "probe", 0, 1), has_table = fields_has(f, "tuned");
    const char *tuned = fields_text_or(f, "tuned", "");
    fields_end(f);
    if (f->error[0] || !protocol) {
        return reply_failed(f->error);
    }
    cpu_set set = {{0}};
    cpu_set_put(&set, cpu, true);
    char text[256];
    if (!affinity_set(&set)) {
        snprintf(text, sizeof text, "cannot run on CPU %d: %s", cpu,
                 errno ? strerror(errno) : "the system gave other CPUs");
        return reply_hindered(text);
    }
    if (!arena_open(&w->arena, w->memory, timer_ns() ^ (uint64_t)getpid() << 40)) {
        snprintf(text, sizeof text, "cannot reserve %zu bytes: %s", w->memory, strerror(errno));
        return reply_hindered(text);
    }
    w->timer = timer_measure();
    if (has_table) {
        table_load(&w->table, tuned); /* on this CPU */
    }
    cpu_set_print(&set, text, sizeof text);
    if (!probe) {
        return lines_put(PROTOCOL_FD, "hello build=%s pid=%d cpus=%s", cpu_build_id(), (int)getpid(), text);
    }
    char why[160];
    peak_result peak = peak_probe(IC_TYPE_F32, w->max_khz);
    clock_reading clock = clock_probe();
    bool available = clock_believable(clock, w->max_khz, why, sizeof why);
    return lines_put(
        PROTOCOL_FD,
        "hello build=%s pid=%d cpus=%s clock_available=%d clock_reason=%s clock_mhz=%.17g peak_isa=%s peak_ok=%d "
        "peak_flop_per_cycle=%.17g peak_fmas_per_cycle=%.17g peak_gflops=%.17g peak_reason=%s%s%s%s%s",
        cpu_build_id(), (int)getpid(), text, available, reply_text(why), clock.mhz, reply_text(peak.isa), peak.ok,
        peak.flop_per_cycle, peak.fmas_per_cycle, peak.gflops, reply_text(peak.reason),
        has_table ? " table_sha256=" : "", w->table.sha256, has_table ? " table_refused=" : "",
        reply_text(w->table.refused));
}

/* What the plan allows beside the layer's data, and no more than the system can give by now. */
static size_t arena_budget(const worker *w) {
    size_t data = layer_data_bytes(&w->layer), have = w->arena.touched * ARENA_PAGE;
    size_t budget = w->memory > data ? w->memory - data : 0;
    uint64_t free_bytes = meminfo_free();
    return budget > have && budget - have > free_bytes ? have + (size_t)free_bytes : budget;
}

static bool take_layer(worker *w, fields *f) {
    layer_shape l;
    layer_parse(f, &l);
    fields_end(f);
    if (f->error[0]) {
        return reply_failed(f->error);
    }
    reference_free(&w->reference);
    layer_data_free(&w->data);
    memset(w->objects, 0, sizeof w->objects);
    w->has_layer = false;
    size_t least = layer_data_bytes(&l) + (l.input_floats + l.weight_floats + l.output_floats) * sizeof(float);
    if (least > w->memory) {
        return reply_skip("the layer's tensors do not fit the memory budget", least);
    }
    if (layer_data_bytes(&l) > meminfo_free()) {
        return reply_skip("the layer's tensors do not fit what the system has free", least);
    }
    if (!layer_data_make(&l, &w->data)) {
        return reply_skip("no memory for the layer's tensors", least);
    }
    w->layer = l;
    w->has_layer = true;
    return lines_put(PROTOCOL_FD, "ok");
}

static placement placement_of(worker *w, const object *o, const char *schedule, instance *i) {
    return (placement){.arena = &w->arena,
                       .layer = &w->layer,
                       .data = &w->data,
                       .algorithm = o->algorithm,
                       .schedule = schedule,
                       .tuned = w->table.tuned,
                       .budget = arena_budget(w),
                       .llc = w->llc,
                       .room = o->room,
                       .copy = i,
                       .copies = 1};
}

static object *object_of(worker *w, fields *f) {
    uint64_t index = fields_u64(f, "object", 0, OBJECTS - 1);
    if (!f->error[0] && !w->has_layer) {
        fields_fail(f, "no layer yet");
    }
    return &w->objects[index];
}

/* The library's name of the schedule that is asked for: NULL, the default one; or one with the default kernel's name in
 * the place of `default`. */
static const char *read_schedule(fields *f, ic_type type, char name[ASKED]) {
    const char *asked = fields_text(f, "schedule");
    const bool has_options = !strncmp(asked, "default+", strlen("default+"));
    const int length = snprintf(name, ASKED, "%s%s", has_options ? kernel_default(type) : "",
                                has_options ? asked + strlen("default") : asked);
    if (length >= ASKED) {
        fields_fail(f, "schedule=%.80s is too long", asked);
    }
    return strcmp(asked, "default") ? name : NULL;
}

static bool create(worker *w, fields *f) {
    object *o = object_of(w, f);
    const char *name = fields_text(f, "algorithm"), *asked = fields_text(f, "schedule");
    char resolved[ASKED];
    const char *schedule = read_schedule(f, w->layer.desc.type, resolved);
    if (!f->error[0] && !ic_algorithm_from_name(name, &o->algorithm)) {
        fields_fail(f, "algorithm=%.40s is not known", name);
    }
    fields_end(f);
    if (f->error[0]) {
        return reply_failed(f->error);
    }
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
                     "created algorithm=%s method=%s kernel=%.*s schedule=%s%s%s%s input_bytes=%zu output_bytes=%zu "
                     "weights_bytes=%zu pointer_bytes=%zu matrix_bytes=%zu padding_bytes=%zu object_bytes=%zu "
                     "create_ns=%.17g reshape_ns=%.17g",
                     ic_algorithm_name(chosen), method, (int)strcspn(o->schedule, "+"), o->schedule, o->schedule, by,
                     order ? " order=" : "", order ? order : "", w->layer.input_floats * sizeof(float),
                     w->layer.output_floats * sizeof(float), o->bytes[IC_MEMORY_WEIGHTS], o->bytes[IC_MEMORY_POINTERS],
                     o->bytes[IC_MEMORY_MATRIX], o->bytes[IC_MEMORY_PADDING], o->bytes[IC_MEMORY_OBJECT], create_ns,
                     reshape_ns);
}

static bool check(worker *w, fields *f) {
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
            return reply_failed("no memory for the reference");
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
    double error = sum_only ? 0 : reference_compare(&w->reference, ic_conv2d_error_bound(i.conv), i.output);
    uint64_t sum = checksum(i.output, w->layer.output_floats);
    bool written =
        !*folder || status != IC_OK || dump_tensors(&w->layer, &w->data, as, i.output, folder, reason, sizeof reason);
    placement_free(&p);
    if (status != IC_OK || !written) {
        return reply_failed(written ? ic_status_string(status) : reason);
    }
    return lines_put(PROTOCOL_FD, "checked outputs=%zu ok=%d error_over_bound=%.17g checksum=%" PRIu64, outputs,
                     error <= 1, error, sum);
}

static bool take_sample(worker *w, fields *f) {
    object *o = object_of(w, f);
    const char *cache = fields_text(f, "cache");
    sample_request q = {
        .arena = &w->arena, .layer = &w->layer, .data = &w->data, .memory = arena_budget(w), .llc = w->llc};
    q.calls = fields_u64(f, "calls", 0, UINT64_MAX);
    q.settle_ns = fields_u64(f, "settle_ns", 0, UINT64_MAX);
    q.rotate = !strcmp(cache, "rotate");
    if (!f->error[0] && !o->made) {
        fields_fail(f, "sample before create");
    }
    fields_end(f);
    if (f->error[0]) {
        return reply_failed(f->error);
    }
    q.algorithm = o->algorithm;
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
    size_t bytes;
    sample_status status = sample_take(&q, &r, reason, sizeof reason, &bytes);
    if (status != SAMPLE_TAKEN) {
        return status == SAMPLE_SKIPPED    ? reply_skip(reason, bytes)
               : status == SAMPLE_HINDERED ? reply_hindered(reason)
                                           : reply_failed(reason);
    }
    char text[EVIDENCE_TEXT];
    return lines_put(PROTOCOL_FD, "sampled checksum=%" PRIu64 "%s", r.checksum, evidence_print(&r.evidence, text));
}

int worker_main(void) {
    static worker w;
    static lines in = {.fd = PROTOCOL_FD};
    static char line[PROTOCOL_LINE];
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    signal(SIGINT, SIG_IGN); /* Ctrl-C reaches the whole group; the conductor decides */
    static const struct {
        const char *word;
        bool (*answer)(worker *, fields *);
    } requests[] = {
        {"hello", say_hello}, {"layer", take_layer}, {"create", create}, {"check", check}, {"sample", take_sample}};
    while (lines_get(&in, line, true) > 0) {
        fields f;
        bool sent = false, known = false;
        heartbeat_begin();
        fields_parse(&f, line);
        for (unsigned i = 0; i < sizeof requests / sizeof *requests && !known; i++) {
            if ((known = !strcmp(f.word, requests[i].word))) {
                sent = f.error[0] ? reply_failed(f.error) : requests[i].answer(&w, &f);
            }
        }
        if (!known) {
            sent = reply_failed("unknown request");
        }
        if (!sent) {
            return 1;
        }
    }
    return 0;
}
