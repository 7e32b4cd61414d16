/* SPDX-License-Identifier: Apache-2.0 */
#include "worker/window.h"

#include "introspect.h"
#include "machine/timer.h"
#include "probes/median.h"
#include "worker/heartbeat.h"
#include "worker/planes.h"

#include <math.h>
#include <string.h>

#define MARGIN 1.2 /* a later window may be so much faster before it is too short */
#define BATCHES 8
#define MOST_CALLS 65536 /* of one rotate sample */
#define WANTED_CALLS 5   /* so that the median outvotes two interruptions */
#define LEAST_CALLS 3    /* where WANTED_CALLS take longer than PATIENCE_NS */
#define PATIENCE_NS 2e9
#define COPY_CALLS 9
#define COPY_WINDOW_NS 5e6

static double times[MOST_CALLS];

/* Brings the input into the cache, untimed: `rotate` finds it where the layer before would have left it. */
static void touch(const float *input, size_t floats) {
    static volatile float sink;
    float sum = 0;
    for (size_t i = 0; i < floats; i += ARENA_LINE / sizeof(float)) {
        sum += input[i];
    }
    sink = sum;
    (void)sink;
}

static const instance *turn(window *w) {
    const instance *i = &w->place->copy[w->next];
    w->next = w->next + 1 == w->place->copies ? 0 : w->next + 1;
    return i;
}

static void run(window *w, const instance *i) {
    ic_status status = ic_conv2d_run(i->conv, w->place->input, i->output);
    w->ran = i;
    if (status != IC_OK && w->status == IC_OK) {
        w->status = status;
    }
}

void window_untimed(window *w) {
    static bool faulted_in;
    if (!faulted_in) {
        memset(times, 1, sizeof times); /* no page of it is to be faulted in between two timed calls */
    }
    faulted_in = true;
    if (w->rotate) {
        touch(w->place->input, w->place->layer->input_floats);
    }
    run(w, turn(w));
}

/* Calls that fill the window, from batches that are long enough to be timed; the fastest counts, since whatever
 * interrupts a batch would make all later windows too short. */
uint64_t window_choose(window *w) {
    double enough = fmin(w->least_ns / 16, 1e6), best = w->call_ns > 0 ? w->call_ns : INFINITY;
    uint64_t batch = 1;
    for (int good = 0; good < BATCHES;) {
        uint64_t start = timer_ns();
        for (uint64_t i = 0; i < batch; i++) {
            window_untimed(w);
        }
        double ns = (double)(timer_ns() - start);
        heartbeat();
        if (ns >= enough || batch >= UINT64_C(1) << 32) {
            best = fmin(best, fmax(ns, 1) / (double)batch);
            good += ns >= w->least_ns ? BATCHES / 2 : 1; /* one that long may be an interruption */
        } else {
            batch *= 2;
        }
    }
    w->call_ns = best;
    double calls = ceil(MARGIN * w->least_ns / best);
    return best >= 2 * w->least_ns || calls < 1 ? 1 : (uint64_t)calls;
}

void window_hot(window *w, uint64_t calls, window_time *t) {
    const instance *i = w->place->copy;
    heartbeat_expect(w->call_ns * (double)(calls + 1));
    run(w, i);
    uint64_t start = timer_ns();
    for (uint64_t n = 0; n < calls; n++) {
        run(w, i);
    }
    uint64_t end = timer_ns();
    t->calls = calls;
    t->t_ns = start;
    t->total_ns = (double)(end - start);
    t->ns = t->total_ns / (double)calls;
}

static bool enough(const window *w, size_t calls, double sum, double fastest) {
    if (calls < (sum < PATIENCE_NS ? WANTED_CALLS : LEAST_CALLS)) {
        return false;
    }
    return calls == MOST_CALLS || fastest * (double)calls >= MARGIN * w->least_ns;
}

void window_rotate(window *w, uint64_t calls, window_time *t) {
    double sum = 0, fastest = INFINITY;
    size_t n = 0, wanted = calls < MOST_CALLS ? (size_t)calls : MOST_CALLS;
    heartbeat_expect(fmax(MARGIN * w->least_ns, w->call_ns * (double)(wanted ? wanted : WANTED_CALLS)));
    t->t_ns = timer_ns();
    while (wanted ? n < wanted : !enough(w, n, sum, fastest)) {
        const instance *i = turn(w);
        touch(w->place->input, w->place->layer->input_floats);
        uint64_t start = timer_ns();
        run(w, i);
        uint64_t end = timer_ns();
        times[n] = (double)(end - start);
        sum += times[n];
        fastest = fmin(fastest, times[n++]);
    }
    t->calls = n;
    t->total_ns = sum;
    t->ns = median(times, n);
}

double window_copy(window *w, uint64_t calls) {
    const instance *first = turn(w);
    if (!first->bytes[IC_MEMORY_MATRIX] || ic_conv2d_copy_only(first->conv, w->place->input) != IC_OK) {
        return -1;
    }
    heartbeat();
    if (!w->rotate) {
        double least = fmin(w->least_ns, COPY_WINDOW_NS), ns = 0;
        uint64_t done = 0, start = timer_ns();
        /* A window filled by one convolution would be far too short for one copy. */
        for (uint64_t more = calls; done < calls || ns < least; more = done) {
            for (uint64_t n = 0; n < more; n++) {
                ic_conv2d_copy_only(first->conv, w->place->input);
            }
            done += more;
            ns = (double)(timer_ns() - start);
        }
        return ns / (double)done;
    }
    size_t n = 0, most = calls < COPY_CALLS ? (size_t)calls : COPY_CALLS;
    for (; n < most; n++) {
        const instance *i = turn(w);
        touch(w->place->input, w->place->layer->input_floats);
        uint64_t start = timer_ns();
        ic_conv2d_copy_only(i->conv, w->place->input);
        times[n] = (double)(timer_ns() - start);
    }
    return median(times, n);
}

void window_turns(window *w, double *to_nchw_ns, double *to_nhwc_ns) {
    const placement *p = w->place;
    const layer_shape *l = p->layer;
    double back[COPY_CALLS];
    *to_nchw_ns = *to_nhwc_ns = -1;
    if (p->layout == IC_LAYOUT_NHWC) {
        return;
    }
    heartbeat();
    for (size_t n = 0; n < COPY_CALLS; n++) {
        const instance *i = turn(w);
        if (w->rotate) {
            touch(p->data->input, l->input_floats);
        }
        const uint64_t start = timer_ns();
        planes_from_nhwc(p->input, p->data->input, l->batch, l->height * l->width, l->desc.in_channels);
        const uint64_t turned = timer_ns();
        placement_output(p, i);
        back[n] = (double)(timer_ns() - turned);
        times[n] = (double)(turned - start);
    }
    *to_nchw_ns = median(times, COPY_CALLS);
    *to_nhwc_ns = median(back, COPY_CALLS);
}
