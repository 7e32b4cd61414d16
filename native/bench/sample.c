/* SPDX-License-Identifier: Apache-2.0 */
#include "sample.h"

#include "clock_probe.h"
#include "introspect.h"
#include "median.h"
#include "timer.h"

#include <math.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#define MAX_CALLS 65536 /* of one rotate sample */
#define MIN_CALLS 3
#define COPY_CALLS 9
#define COPY_WINDOW_NS 5e6
#define PLACE_TRIES 8
#define MAX_TRIES 3

typedef struct {
    const sample_request *q;
    instance *copy;
    unsigned copies, made, next;
    float *input;
    ic_status status; /* the first failure of run() */
} bench;

static double times[MAX_CALLS];

/* Brings the input into the cache, untimed: `rotate` finds it where the layer before would have left it. */
static void touch(const bench *b) {
    static volatile float sink;
    float sum = 0;
    for (size_t i = 0; i < b->q->layer->input_floats; i += ARENA_LINE / sizeof(float))
        sum += b->input[i];
    sink = sum;
    (void)sink;
}

static instance *turn(bench *b) {
    instance *i = &b->copy[b->next];
    b->next = b->next + 1 == b->copies ? 0 : b->next + 1;
    return i;
}

static void run(bench *b, const instance *i) {
    ic_status status = ic_conv2d_run(i->conv, b->input, i->output);
    if (status != IC_OK)
        b->status = status;
}

static void untimed(bench *b) {
    if (b->q->rotate)
        touch(b);
    run(b, turn(b));
}

static size_t pages(size_t bytes) {
    return bytes ? (bytes + 2 * ARENA_PAGE - ARENA_LINE - 1) / ARENA_PAGE * ARENA_PAGE : 0; /* with the worst offset */
}

static size_t instance_pages(const sample_request *q) {
    size_t total = pages(q->layer->output_floats * sizeof(float));
    for (int kind = 0; kind < IC_MEMORY_KINDS; kind++)
        total += pages(q->bytes[kind]);
    return total;
}

size_t sample_arena_bytes(size_t need, uint64_t llc, size_t memory) {
    size_t bytes = 2 * (need > llc ? need : (size_t)llc) + ((size_t)32 << 20);
    return bytes < memory ? bytes : memory;
}

static void unplace(bench *b) {
    while (b->made)
        instance_free(&b->copy[--b->made], b->q->layer);
    if (b->input)
        arena_give(b->q->arena, b->input, b->q->layer->input_floats * sizeof(float));
    b->input = NULL;
}

static ic_status place_once(bench *b) {
    const sample_request *q = b->q;
    size_t bytes = q->layer->input_floats * sizeof(float);
    b->input = arena_take(q->arena, bytes, ARENA_LINE);
    if (!b->input)
        return IC_OUT_OF_MEMORY;
    memcpy(b->input, q->data->input, bytes);
    while (b->made < b->copies) {
        ic_status status = instance_make(&b->copy[b->made], q->arena, q->layer, q->data, q->algorithm, q->kernel);
        if (status != IC_OK) {
            unplace(b);
            return status;
        }
        b->made++;
    }
    return IC_OK;
}

static ic_status place(bench *b) {
    ic_status status = IC_OUT_OF_MEMORY;
    for (int i = 0; i < PLACE_TRIES && status == IC_OUT_OF_MEMORY; i++)
        status = place_once(b);
    return status;
}

static void settle(bench *b, sample_result *r) {
    uint64_t start = timer_ns();
    double last = 0;
    for (unsigned calls = 1;; calls++) {
        untimed(b);
        double now = clock_probe().mhz;
        bool steady = last > 0 && fabs(now / last - 1) <= 0.01;
        last = now;
        if (calls >= 2 && steady)
            break;
        if (calls >= 2 && timer_ns() - start >= b->q->settle_ns) {
            r->settle_capped = true;
            break;
        }
    }
    r->settle_ns = (double)(timer_ns() - start);
}

/* Calls that fill the window, from batches that are long enough to be timed; the fastest of three, since an
 * interruption would make the window too short. */
static uint64_t calls_for(bench *b, double window) {
    double enough = fmin(window / 16, 1e6), best = INFINITY;
    uint64_t batch = 1;
    for (int good = 0; good < 3;) {
        uint64_t start = timer_ns();
        for (uint64_t i = 0; i < batch; i++)
            untimed(b);
        double ns = (double)(timer_ns() - start);
        if (ns >= enough || batch >= UINT64_C(1) << 32) {
            best = fmin(best, fmax(ns, 1) / (double)batch);
            good += ns >= window ? 3 : 1;
        } else {
            batch *= 2;
        }
    }
    double calls = ceil(1.03 * window / best);
    return calls < 1 ? 1 : (uint64_t)calls;
}

static void window_hot(bench *b, sample_result *r) {
    const instance *i = b->copy;
    uint64_t calls = r->calls, start = timer_ns();
    for (uint64_t n = 0; n < calls; n++)
        run(b, i);
    uint64_t end = timer_ns();
    r->t_ns = start;
    r->ns = (double)(end - start) / (double)calls;
}

static void window_rotate(bench *b, sample_result *r, double window) {
    double sum = 0;
    size_t calls = 0;
    r->t_ns = timer_ns();
    while (calls < MAX_CALLS && (calls < MIN_CALLS || sum < window)) {
        const instance *i = turn(b);
        touch(b);
        uint64_t start = timer_ns();
        run(b, i);
        uint64_t end = timer_ns();
        times[calls] = (double)(end - start);
        sum += times[calls++];
    }
    r->calls = calls;
    r->ns = median(times, calls);
}

/* The copy into the im2col matrix alone, timed as the whole was. */
static void copy_window(bench *b, sample_result *r) {
    r->copy_ns = -1;
    if (!b->q->bytes[IC_MEMORY_MATRIX] || ic_conv2d_copy_only(turn(b)->conv, b->input) != IC_OK)
        return;
    if (!b->q->rotate) {
        double window = fmin((double)b->q->min_ns, COPY_WINDOW_NS), ns = 0;
        uint64_t calls = 0, start = timer_ns();
        /* A window filled by one convolution would be far too short for one copy. */
        for (uint64_t more = r->calls; calls < r->calls || ns < window; more = calls) {
            for (uint64_t n = 0; n < more; n++)
                ic_conv2d_copy_only(b->copy->conv, b->input);
            calls += more;
            ns = (double)(timer_ns() - start);
        }
        r->copy_ns = ns / (double)calls;
        return;
    }
    size_t calls = r->calls < COPY_CALLS ? r->calls : COPY_CALLS;
    for (size_t n = 0; n < calls; n++) {
        const instance *i = turn(b);
        touch(b);
        uint64_t start = timer_ns();
        ic_conv2d_copy_only(i->conv, b->input);
        times[n] = (double)(timer_ns() - start);
    }
    r->copy_ns = median(times, calls);
}

static double believed(const sample_request *q) {
    char reason[160];
    clock_reading reading = clock_probe();
    return clock_believable(reading, q->max_khz, reason, sizeof reason) ? reading.mhz : -1;
}

static void usage(long *switches, long *faults) {
    struct rusage u;
    *switches = *faults = 0;
    if (getrusage(RUSAGE_THREAD, &u))
        return;
    *switches = u.ru_nivcsw;
    *faults = u.ru_minflt + u.ru_majflt;
}

static void measure(bench *b, sample_result *r) {
    const sample_request *q = b->q;
    double window = fmax((double)q->min_ns, SAMPLE_TICKS * q->tick_ns);
    long switches, faults;
    settle(b, r);
    r->calls = q->calls;
    if (!r->calls && !q->rotate)
        r->calls = calls_for(b, window);
    for (int tries = 1;; tries++) {
        usage(&switches, &faults);
        r->cpu_before = sched_getcpu();
        r->mhz_before = believed(q);
        if (q->rotate) {
            window_rotate(b, r, window);
        } else {
            untimed(b);
            window_hot(b, r);
        }
        r->mhz_after = believed(q);
        r->cpu_after = sched_getcpu();
        usage(&r->nivcsw, &r->faults);
        r->nivcsw -= switches;
        r->faults -= faults;
        double took = r->ns * (double)r->calls;
        if (q->rotate || took >= window || tries == MAX_TRIES)
            break;
        /* The calls were chosen while something else slowed them down: no window is shorter than it should be. */
        r->calls = (uint64_t)ceil((double)r->calls * 1.03 * window / fmax(took, 1));
    }
    copy_window(b, r);
}

sample_status sample_take(const sample_request *q, sample_result *r, char *reason, size_t room, size_t *bytes) {
    bench b = {.q = q, .copies = 1};
    memset(r, 0, sizeof *r);
    *bytes = 0;
    if (q->rotate) {
        size_t turned = q->bytes[IC_MEMORY_WEIGHTS] + q->bytes[IC_MEMORY_POINTERS] + q->bytes[IC_MEMORY_MATRIX] +
                        q->layer->output_floats * sizeof(float);
        b.copies = 1 + (unsigned)((q->llc + turned - 1) / turned);
    }
    size_t need = b.copies * instance_pages(q) + pages(q->layer->input_floats * sizeof(float));
    if (need > q->memory) {
        snprintf(reason, room, "too little memory for %u %s", b.copies,
                 q->rotate ? "copies, which outgrow the last-level cache" : "copy");
        *bytes = need + layer_data_bytes(q->layer);
        return SAMPLE_SKIPPED;
    }
    size_t room_for = sample_arena_bytes(need, q->llc, q->memory);
    if (room_for > q->arena->pages * ARENA_PAGE)
        arena_limit(q->arena, room_for);
    b.copy = calloc(b.copies, sizeof *b.copy);
    ic_status status = b.copy ? place(&b) : IC_OUT_OF_MEMORY;
    sample_status result = SAMPLE_TAKEN;
    if (status == IC_OK) {
        measure(&b, r);
        status = b.status;
        const instance *i = b.copy;
        r->copies = b.copies;
        r->input = b.input;
        r->output = i->output;
        r->weights = i->memory[IC_MEMORY_WEIGHTS];
        r->pointers = i->memory[IC_MEMORY_POINTERS];
        r->matrix = i->memory[IC_MEMORY_MATRIX];
        unplace(&b);
    }
    if (status != IC_OK) {
        result = status == IC_OUT_OF_MEMORY ? SAMPLE_SKIPPED : SAMPLE_FAILED;
        *bytes = status == IC_OUT_OF_MEMORY ? need + layer_data_bytes(q->layer) : 0;
        snprintf(reason, room, "%s", ic_status_string(status));
    } else if (q->rotate && q->first && r->ns < SAMPLE_TICKS * q->tick_ns) {
        result = SAMPLE_SKIPPED;
        snprintf(reason, room, "a call takes %.0f ns, under %d ticks of %.3g ns of the timer", r->ns, SAMPLE_TICKS,
                 q->tick_ns);
    }
    free(b.copy);
    return result;
}
