/* SPDX-License-Identifier: Apache-2.0
 * How close auto comes to the best: lines of layers in, lines of JSON out.
 *
 *   CPU                                                                   first: where to run
 *   NS ROUNDS h w kh kw top right bottom left sv sh dv dh groups batch cin cout
 *       -> {"auto": "...", "auto_ns": N, "best": "...", "best_ns": N, "candidates": N, "reach": best / auto,
 *           "times": {"...": N, ...}}                                     of each candidate
 *
 * Every candidate is measured in every round, for NS at least and three calls, each time with a new object; but one
 * that takes three times as long as the best in the first round is not in the others. Then the
 * best by median and auto are measured once more in turn, which is what `reach` is of: over 1 where auto was the
 * faster of the two after all. */
#include "indirectconv.h"
#include "introspect.h"

#include <math.h>
#include <sched.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define CANDIDATES 257
#define MOST_ROUNDS 64
#define CALLS 4096

typedef struct {
    ic_algorithm algorithm;
    char schedule[IC_CHOICE_NAME]; /* "": auto's */
    double ns[MOST_ROUNDS];
} candidate;

typedef struct {
    ic_conv2d_desc desc;
    size_t batch, height, width;
    float *weights, *input, *output;
} layer;

static candidate candidates[CANDIDATES];

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static int by_size(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double median(const double *values, size_t count) {
    static double sorted[CALLS];
    memcpy(sorted, values, count * sizeof *values);
    qsort(sorted, count, sizeof *sorted, by_size);
    return (sorted[(count - 1) / 2] + sorted[count / 2]) / 2;
}

static float *numbers(size_t count) {
    float *values = aligned_alloc(64, (count * sizeof *values + 63) / 64 * 64);
    uint32_t state = 1;
    for (size_t i = 0; values && i < count; i++) {
        state = state * 1664525u + 1013904223u;
        values[i] = (float)(state >> 16) / 65536.0f - 0.49f;
    }
    return values;
}

static ic_status make(const layer *l, const candidate *c, ic_conv2d **conv, ic_conv2d_info *info) {
    const ic_options options = {
        .struct_size = sizeof options, .algorithm = c->algorithm, .kernel = *c->schedule ? c->schedule : NULL};
    *info = (ic_conv2d_info){.struct_size = sizeof *info};
    ic_status status = ic_conv2d_create(&l->desc, l->weights, NULL, &options, conv);
    if (!status) {
        status = ic_conv2d_reshape(*conv, l->batch, l->height, l->width);
    }
    if (!status) {
        status = ic_conv2d_get_info(*conv, info);
    }
    if (status) {
        ic_conv2d_destroy(*conv);
        *conv = NULL;
    }
    return status;
}

/* Nanoseconds a call, or 0. */
static double measure(const layer *l, const candidate *c, double ns) {
    static double calls[CALLS];
    ic_conv2d *conv;
    ic_conv2d_info info;
    size_t count = 0;
    double total = 0;
    if (make(l, c, &conv, &info)) {
        return 0;
    }
    ic_conv2d_run(conv, l->input, l->output);
    while (count < 3 || (total < ns && count < CALLS)) {
        double start = now();
        ic_conv2d_run(conv, l->input, l->output);
        calls[count] = now() - start;
        total += calls[count++];
    }
    ic_conv2d_destroy(conv);
    return median(calls, count);
}

/* Auto's choice is in the list, once more, as number 0. The memory that auto may take bounds what it competes with. */
static unsigned enumerate(const layer *l, char chosen[IC_CHOICE_NAME]) {
    ic_conv2d *conv;
    ic_conv2d_info info;
    unsigned count = 1;
    candidates[0] = (candidate){.algorithm = IC_ALGORITHM_AUTO};
    if (make(l, &candidates[0], &conv, &info)) {
        return 0;
    }
    snprintf(chosen, IC_CHOICE_NAME, "%s_%s", ic_algorithm_name(info.algorithm), info.kernel);
    const size_t pixels = info.output_height * info.output_width;
    const size_t matrix = pixels * l->desc.kernel_height * l->desc.kernel_width * l->desc.in_channels * sizeof(float);
    ic_conv2d_destroy(conv);
    for (unsigned i = 0; count < CANDIDATES; i++) {
        candidate *c = &candidates[count];
        *c = (candidate){.algorithm = IC_ALGORITHM_NAIVE};
        if (!ic_candidate_at(&l->desc, l->batch, l->height, l->width, 1, i, &c->algorithm, c->schedule)) {
            break;
        }
        if (make(l, c, &conv, &info)) {
            continue;
        }
        ic_conv2d_destroy(conv);
        count += info.bytes[IC_MEMORY_POINTERS] + info.bytes[IC_MEMORY_MATRIX] <= matrix;
    }
    return count;
}

static bool compare(const layer *l, double ns, unsigned rounds) {
    char chosen[IC_CHOICE_NAME];
    double pairs[2][MOST_ROUNDS], ratios[MOST_ROUNDS], least = 0;
    const unsigned count = enumerate(l, chosen);
    unsigned best = 0;
    for (unsigned round = 0; round < rounds; round++) {
        for (unsigned i = 0; i < count; i++) {
            if (round && candidates[i].ns[0] > 3 * least) {
                continue;
            }
            if ((candidates[i].ns[round] = measure(l, &candidates[i], ns)) <= 0) {
                return false;
            }
            if (!round && (!i || candidates[i].ns[0] < least)) {
                least = candidates[i].ns[0];
            }
        }
    }
    const double hopeless = 3 * least;
    for (unsigned i = 1; i < count; i++) {
        if (candidates[i].ns[0] > hopeless) {
            continue;
        }
        const double found = median(candidates[i].ns, rounds);
        if (!best || found < least) {
            best = i;
            least = found;
        }
    }
    if (!best) {
        return false;
    }
    const unsigned again = 2 * rounds + 5 < MOST_ROUNDS ? 2 * rounds + 5 : MOST_ROUNDS;
    for (unsigned round = 0; round < again; round++) {
        for (unsigned i = 0; i < 2; i++) {
            const unsigned who = (i + round) % 2;
            if ((pairs[who][round] = measure(l, &candidates[who ? best : 0], 2 * ns)) <= 0) {
                return false;
            }
        }
        ratios[round] = pairs[1][round] / pairs[0][round];
    }
    printf("{\"times\": {");
    for (unsigned i = 1; i < count; i++) {
        printf("%s\"%s_%s\": %.1f", i > 1 ? ", " : "", ic_algorithm_name(candidates[i].algorithm),
               candidates[i].schedule,
               candidates[i].ns[0] > hopeless ? candidates[i].ns[0] : median(candidates[i].ns, rounds));
    }
    printf("}, \"auto\": \"%s\", \"auto_ns\": %.1f, \"best\": \"%s_%s\", \"best_ns\": %.1f, \"candidates\": %u, "
           "\"reach\": %.5f}\n",
           chosen, median(pairs[0], again), ic_algorithm_name(candidates[best].algorithm), candidates[best].schedule,
           median(pairs[1], again), count - 1, median(ratios, again));
    return true;
}

static bool answer(const char *line) {
    layer l = {.desc = {.struct_size = sizeof l.desc, .output_min = -INFINITY, .output_max = INFINITY}};
    ic_conv2d_desc *d = &l.desc;
    double ns;
    unsigned rounds;
    int found = sscanf(line, "%lf %u %zu %zu %u %u %u %u %u %u %u %u %u %u %u %zu %zu %zu", &ns, &rounds, &l.height,
                       &l.width, &d->kernel_height, &d->kernel_width, &d->pad_top, &d->pad_right, &d->pad_bottom,
                       &d->pad_left, &d->stride_height, &d->stride_width, &d->dilation_height, &d->dilation_width,
                       &d->groups, &l.batch, &d->in_channels, &d->out_channels);
    if (found != 18 || rounds == 0 || rounds > MOST_ROUNDS || !d->stride_height || !d->stride_width || !d->groups) {
        return false;
    }
    const size_t height = l.height + d->pad_top + d->pad_bottom, width = l.width + d->pad_left + d->pad_right;
    l.weights = numbers(d->out_channels * d->kernel_height * d->kernel_width * (d->in_channels / d->groups));
    l.input = numbers(l.batch * l.height * l.width * d->in_channels);
    l.output = numbers(l.batch * height * width * d->out_channels); /* no output is larger than the padded input */
    bool ok = l.weights && l.input && l.output && compare(&l, ns, rounds);
    free(l.weights);
    free(l.input);
    free(l.output);
    return ok;
}

int main(void) {
    static char line[1024];
    cpu_set_t mine;
    CPU_ZERO(&mine);
    if (!fgets(line, sizeof line, stdin)) {
        return 2;
    }
    CPU_SET((unsigned)atoi(line), &mine);
    if (sched_setaffinity(0, sizeof mine, &mine)) {
        fprintf(stderr, "this CPU is not allowed\n");
        return 2;
    }
    while (fgets(line, sizeof line, stdin)) {
        if (!answer(line)) {
            printf("{}\n");
        }
        fflush(stdout);
    }
    return 0;
}
