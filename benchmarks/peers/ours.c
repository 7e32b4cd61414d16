/* SPDX-License-Identifier: Apache-2.0
 * Our side of the comparison: a line of text in, a line of text out. Calls are timed one by one, as the peers' are.
 *
 *   kernels                            -> "ok name,isa name,isa ..." of those that this CPU can run
 *   offers ALGORITHM                   -> "ok 1" or "ok 0"
 *   threads CPU CPU ...                -> "ok": a pool of a thread on each CPU for what is prepared after
 *   pool 0                             -> "ok": what is prepared after goes without it; "pool 1" takes it again
 *   prepare SLOT ALGORITHM KERNEL FOLDER h w kh kw top right bottom left sv sh dv dh groups batch cin cout
 *                                      -> "ok KERNEL BYTES" and the result in FOLDER/ours-SLOT.f32; KERNEL "-": best
 *   sample SLOT NS                     -> "ok MEDIAN CALLS"
 *   drop                               -> "ok"
 * Anything that fails: "no REASON". */
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

#define SLOTS 256
#define CALLS 65536

typedef struct {
    ic_conv2d *conv;
    float *input, *output;
} slot;

static slot slots[SLOTS];
static uint64_t times[CALLS];
static ic_pool *pool;
static bool is_shared = true;

static uint64_t now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static int by_size(const void *a, const void *b) {
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

static void drop(slot *s) {
    ic_conv2d_destroy(s->conv);
    free(s->input);
    free(s->output);
    *s = (slot){0};
}

/* The numbers of a file, with room for `count` of them, at a cache line; NULL where that fails. */
static float *numbers(const char *folder, const char *name, size_t count) {
    char path[4096];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    float *values = aligned_alloc(64, (count * sizeof *values + 63) / 64 * 64);
    FILE *file = values ? fopen(path, "rb") : NULL;
    bool ok = file && fread(values, sizeof *values, count, file) == count;
    if (file) {
        fclose(file);
    }
    if (!ok) {
        free(values);
        return NULL;
    }
    return values;
}

static bool put(const char *folder, unsigned index, const float *values, size_t count) {
    char path[4096];
    snprintf(path, sizeof path, "%s/ours-%u.f32", folder, index);
    FILE *file = fopen(path, "wb");
    bool ok = file && fwrite(values, sizeof *values, count, file) == count;
    return file && !fclose(file) && ok;
}

static const char *prepare(unsigned index, const char *text) {
    char algorithm[64], kernel[128], folder[2048];
    size_t h, w, batch;
    ic_conv2d_desc d = {.struct_size = sizeof d, .output_min = -INFINITY, .output_max = INFINITY};
    int found = sscanf(text, "%63s %127s %2047s %zu %zu %u %u %u %u %u %u %u %u %u %u %u %zu %zu %zu", algorithm,
                       kernel, folder, &h, &w, &d.kernel_height, &d.kernel_width, &d.pad_top, &d.pad_right,
                       &d.pad_bottom, &d.pad_left, &d.stride_height, &d.stride_width, &d.dilation_height,
                       &d.dilation_width, &d.groups, &batch, &d.in_channels, &d.out_channels);
    ic_options options = {
        .struct_size = sizeof options, .kernel = strcmp(kernel, "-") ? kernel : NULL, .pool = is_shared ? pool : NULL};
    slot *s = &slots[index];
    drop(s);
    if (found != 19 || !ic_algorithm_from_name(algorithm, &options.algorithm)) {
        return "not understood";
    }
    size_t taps = (size_t)d.kernel_height * d.kernel_width * (d.in_channels / d.groups);
    float *weights = numbers(folder, "w.f32", taps * d.out_channels), *bias = numbers(folder, "b.f32", d.out_channels);
    s->input = numbers(folder, "x.f32", batch * h * w * d.in_channels);
    ic_conv2d_info info = {.struct_size = sizeof info};
    ic_status status =
        weights && bias && s->input ? ic_conv2d_create(&d, weights, bias, &options, &s->conv) : IC_OUT_OF_MEMORY;
    free(weights);
    free(bias);
    if (!status) {
        status = ic_conv2d_reshape(s->conv, batch, h, w);
    }
    if (!status) {
        status = ic_conv2d_get_info(s->conv, &info);
    }
    if (status) {
        return ic_status_string(status);
    }
    size_t count = batch * info.output_height * info.output_width * d.out_channels;
    s->output = aligned_alloc(64, (count * sizeof(float) + 63) / 64 * 64);
    if (!s->output) {
        return "out of memory";
    }
    status = ic_conv2d_run(s->conv, s->input, s->output);
    if (status) {
        return ic_status_string(status);
    }
    if (!put(folder, index, s->output, count)) {
        return "the result cannot be written";
    }
    size_t bytes = 0;
    for (int kind = 0; kind < IC_MEMORY_KINDS; kind++) {
        bytes += info.bytes[kind];
    }
    printf("ok %s/%s %zu\n", ic_algorithm_name(info.algorithm), info.kernel, bytes);
    return NULL;
}

static const char *sample(const slot *s, double ns) {
    if (!s->conv) {
        return "nothing is prepared";
    }
    ic_conv2d_run(s->conv, s->input, s->output);
    size_t calls = 0;
    uint64_t total = 0;
    while ((total < (uint64_t)ns || calls < 3) && calls < CALLS) {
        uint64_t start = now();
        ic_conv2d_run(s->conv, s->input, s->output);
        times[calls] = now() - start;
        total += times[calls++];
    }
    qsort(times, calls, sizeof *times, by_size);
    double median = ((double)times[(calls - 1) / 2] + (double)times[calls / 2]) / 2;
    printf("ok %.1f %zu\n", median, calls);
    return NULL;
}

static const char *threads(char *text) {
    unsigned cpus[IC_MAX_THREADS];
    ic_pool_options options = {.struct_size = sizeof options, .cpus = cpus};
    for (char *end; options.threads < IC_MAX_THREADS; text = end) {
        cpus[options.threads] = (unsigned)strtoul(text, &end, 10);
        if (end == text) {
            break;
        }
        options.threads++;
    }
    cpu_set_t mine;
    CPU_ZERO(&mine);
    CPU_SET(cpus[0], &mine);
    if (sched_setaffinity(0, sizeof mine, &mine)) {
        return "the first CPU is not allowed";
    }
    ic_status status = ic_pool_create(&options, &pool);
    if (status) {
        return ic_status_string(status);
    }
    printf("ok\n");
    return NULL;
}

static const char *answer(char *line) {
    unsigned index = 0;
    int at = 0;
    double ns;
    ic_algorithm found;
    ic_kernel_info view = IC_KERNEL_INFO_INIT;
    line[strcspn(line, "\n")] = 0;
    if (!strcmp(line, "kernels")) {
        printf("ok");
        for (unsigned i = 0; ic_kernel_get_info(i, &view) == IC_OK; i++) {
            if (view.is_supported) {
                printf(" %s,%s", view.name, view.isa);
            }
        }
        printf("\n");
        return NULL;
    }
    if (!strncmp(line, "offers ", 7)) {
        printf("ok %d\n", ic_algorithm_from_name(line + 7, &found));
        return NULL;
    }
    if (!strncmp(line, "threads ", 8)) {
        return threads(line + 8);
    }
    if (!strcmp(line, "pool 0") || !strcmp(line, "pool 1")) {
        is_shared = line[5] == '1';
        printf("ok\n");
        return NULL;
    }
    if (sscanf(line, "prepare %u %n", &index, &at) == 1 && at && index < SLOTS) {
        return prepare(index, line + at);
    }
    if (sscanf(line, "sample %u %lf", &index, &ns) == 2 && index < SLOTS) {
        return sample(&slots[index], ns);
    }
    if (!strcmp(line, "drop")) {
        for (index = 0; index < SLOTS; index++) {
            drop(&slots[index]);
        }
        printf("ok\n");
        return NULL;
    }
    return "not understood";
}

int main(void) {
    static char line[8192];
    while (fgets(line, sizeof line, stdin)) {
        const char *reason = answer(line);
        if (reason) {
            printf("no %s\n", reason);
        }
        fflush(stdout);
    }
    return 0;
}
