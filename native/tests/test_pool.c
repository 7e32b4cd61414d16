/* SPDX-License-Identifier: Apache-2.0
 * Pools of threads: what they refuse, that they wake up again, and the same bits for any number of threads. */
#define _GNU_SOURCE /* usleep, fork, RUSAGE_THREAD */
#include "check.h"
#include "core/float_mode.h"
#include "core/pool.h"
#include "tiles/piece.h"

#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

static const ic_algorithm chosen[] = {IC_ALGORITHM_AUTO, IC_ALGORITHM_INDIRECT, IC_ALGORITHM_IM2COL,
                                      IC_ALGORITHM_DIRECT};

enum { POOLS = 4 };

/* The same bits for any number of threads, for all that is chosen; the kernels' tests have the plain paths. */
static void threads(const char *kernel) {
    (void)kernel;
    static const unsigned counts[POOLS] = {1, 2, 3, 7};
    ic_pool *pools[POOLS];
    for (size_t t = 0; t < POOLS; t++) {
        const ic_pool_options options = {sizeof options, counts[t], NULL, NULL};
        CHECK(ic_pool_create(&options, &pools[t]) == IC_OK);
    }
    for (unsigned i = 0; i < shape_count; i += 8) {
        const shape s = nth_shape(i);
        const size_t bytes = outputs_of(&s) * sizeof(float);
        uint64_t seed = i;
        float *weights = malloc(weights_of(&s) * sizeof(float)), *input = malloc(inputs_of(&s) * sizeof(float));
        float *output = malloc(bytes), *first = malloc(bytes);
        CHECK(weights != NULL && input != NULL && output != NULL && first != NULL);
        fill(weights, weights_of(&s), VALUES_FLOAT, &seed);
        fill(input, inputs_of(&s), VALUES_FLOAT, &seed);
        for (size_t a = 0; a < sizeof chosen / sizeof chosen[0]; a++) {
            for (size_t t = 0; t < POOLS; t++) {
                const ic_options options = {
                    .struct_size = sizeof options, .algorithm = chosen[a], .kernel = "best", .pool = pools[t]};
                ic_conv2d *conv;
                const ic_status status = ic_conv2d_create(&s.desc, weights, NULL, &options, &conv);
                if (status == IC_UNSUPPORTED && chosen[a] == IC_ALGORITHM_DIRECT) {
                    continue;
                }
                CHECK(status == IC_OK && ic_conv2d_reshape(conv, s.batch, s.height, s.width) == IC_OK);
                memset(output, 0xff, bytes);
                CHECK(ic_conv2d_run(conv, input, output) == IC_OK);
                ic_conv2d_destroy(conv);
                if (t == 0) {
                    check_against_reference(&s, VALUES_FLOAT, weights, NULL, input, output, "threads");
                    memcpy(first, output, bytes);
                }
                CHECK(memcmp(first, output, bytes) == 0);
            }
        }
        free(weights);
        free(input);
        free(output);
        free(first);
    }
    for (size_t t = 0; t < POOLS; t++) {
        ic_pool_destroy(pools[t]);
    }
}

static void pools(const char *kernel) {
    (void)kernel;
    ic_pool *pool;
    ic_pool_options options = {sizeof options, 2, NULL, NULL};
    CHECK(ic_pool_create(&options, NULL) == IC_INVALID_ARGUMENT);
    CHECK(ic_pool_create(NULL, &pool) == IC_INVALID_ARGUMENT && pool == NULL);
    options.threads = IC_MAX_THREADS + 1;
    CHECK(ic_pool_create(&options, &pool) == IC_INVALID_ARGUMENT);
    options.threads = 2;
    options.struct_size = 1;
    CHECK(ic_pool_create(&options, &pool) == IC_INVALID_ARGUMENT);
    options.struct_size = sizeof options;
    /* Beyond the mask that a system has; that it can have; more threads than CPUs. */
    static const unsigned masks[][2] = {{0, 1000}, {0, 100000}, {0, UINT_MAX}, {100000, 0}, {0, 0}};
    for (size_t i = 0; i < sizeof masks / sizeof masks[0]; i++) {
        options.cpus = masks[i];
        pool = (ic_pool *)(uintptr_t)1;
        CHECK(ic_pool_create(&options, &pool) == IC_INVALID_ARGUMENT && pool == NULL);
    }
    options.cpus = NULL;
    const ic_allocator none = {NULL, NULL, NULL};
    options.allocator = &none;
    CHECK(ic_pool_create(&options, &pool) == IC_INVALID_ARGUMENT && pool == NULL);
    guarded_heap heap = {.fail_at = 0};
    ic_allocator allocator = guarded_allocator(&heap);
    options.allocator = &allocator;
    CHECK(ic_pool_create(&options, &pool) == IC_OUT_OF_MEMORY && pool == NULL && heap.live == 0);
    heap.fail_at = -1;

    /* Threads that have gone to sleep in between wake up again. */
    const shape s = plain_shape(3, 12, 12, 8, 70);
    static float weights[3 * 3 * 8 * 70], input[12 * 12 * 8], output[10 * 10 * 70];
    uint64_t seed = 3;
    fill(weights, weights_of(&s), VALUES_INTEGER, &seed);
    for (unsigned threads = 1; threads <= 4; threads++) {
        options.threads = threads;
        CHECK(ic_pool_create(&options, &pool) == IC_OK);
        guarded_heap objects = {.fail_at = -1};
        const ic_allocator own = guarded_allocator(&objects);
        const ic_options of = {
            .struct_size = sizeof of, .algorithm = IC_ALGORITHM_AUTO, .allocator = &own, .pool = pool};
        ic_conv2d *conv;
        CHECK(ic_conv2d_create(&s.desc, weights, NULL, &of, &conv) == IC_OK);
        CHECK(ic_conv2d_reshape(conv, 1, 12, 12) == IC_OK);
        const size_t calls = objects.calls;
        for (unsigned i = 0; i < 20; i++) {
            if (i % 10 == 9) {
                usleep(20000);
            }
            fill(input, inputs_of(&s), VALUES_INTEGER, &seed);
            memset(output, 0xff, sizeof output);
            CHECK(ic_conv2d_run(conv, input, output) == IC_OK);
            check_against_reference(&s, VALUES_INTEGER, weights, NULL, input, output, "pool");
        }
        CHECK(objects.calls == calls);
        ic_conv2d_destroy(conv);
        ic_pool_destroy(pool);
        CHECK(heap.live == 0 && objects.live == 0);
    }
    ic_pool_destroy(NULL);
}

/* Rounding towards zero and towards plus infinity, and flush to zero: bits of MXCSR, and of FPCR. */
#if defined(__x86_64__)
static const uint64_t modes[] = {UINT64_C(3) << 13, UINT64_C(2) << 13, UINT64_C(1) << 15 | UINT64_C(1) << 6};
#else
static const uint64_t modes[] = {UINT64_C(3) << 22, UINT64_C(1) << 22, UINT64_C(1) << 24};
#endif

enum { HELPED = 3 };

typedef struct {
    volatile float third, tiny; /* 1 / 3; a subnormal product */
} rounded;

static void round_off(void *context, unsigned thread) {
    rounded *mine = (rounded *)context + thread;
    volatile float one = 1, three = 3, small = 1e-30f, smaller = 1e-9f;
    mine->third = one / three;
    mine->tiny = small * smaller;
}

/* Every thread has the mode of the caller of this run, not of an earlier one or of the pool's making. */
static void float_modes(const char *kernel) {
    (void)kernel;
    const uint64_t usual = ic_float_mode();
    const ic_pool_options options = {sizeof options, HELPED, NULL, NULL};
    ic_pool *pool;
    CHECK(ic_pool_create(&options, &pool) == IC_OK);
    const shape s = plain_shape(3, 12, 12, 8, 70);
    static float weights[3 * 3 * 8 * 70], input[12 * 12 * 8], output[10 * 10 * 70], alone[10 * 10 * 70];
    uint64_t seed = 3;
    fill(weights, weights_of(&s), VALUES_FLOAT, &seed);
    fill(input, inputs_of(&s), VALUES_FLOAT, &seed);
    for (size_t i = 0; i < inputs_of(&s); i++) {
        input[i] *= i % 2 != 0 ? 1e-39f : 1e-37f;
    }
    float thirds[4], tinies[4];
    for (size_t m = 0; m < 4; m++) {
        rounded all[HELPED];
        if (m < 3) {
            ic_set_float_mode(usual | modes[m]);
        }
        ic_pool_run(pool, round_off, all);
        thirds[m] = all[0].third, tinies[m] = all[0].tiny;
        for (unsigned t = 1; t < HELPED; t++) {
            CHECK(all[t].third == thirds[m] && memcmp((float[]){all[t].tiny}, &tinies[m], sizeof(float)) == 0);
        }
        for (unsigned threaded = 0; threaded < 2; threaded++) {
            const ic_options of = {.struct_size = sizeof of, .pool = threaded ? pool : NULL};
            ic_conv2d *conv;
            CHECK(ic_conv2d_create(&s.desc, weights, NULL, &of, &conv) == IC_OK);
            CHECK(ic_conv2d_reshape(conv, 1, 12, 12) == IC_OK);
            for (unsigned i = 0; i < 10; i++) {
                CHECK(ic_conv2d_run(conv, input, threaded ? output : alone) == IC_OK);
                CHECK(!threaded || memcmp(output, alone, sizeof alone) == 0);
            }
            ic_conv2d_destroy(conv);
        }
        ic_set_float_mode(usual);
    }
    CHECK(thirds[0] < thirds[1] && thirds[3] == thirds[2] && tinies[2] == 0 && tinies[3] > 0);
    ic_pool_destroy(pool);
}

/* The helpers take long. */
static void dawdle(void *context, unsigned thread) {
    (void)context;
    if (thread != 0) {
        usleep(50000);
    }
}

static long sleeps(void) {
    struct rusage usage;
    CHECK(getrusage(RUSAGE_THREAD, &usage) == 0);
    return usage.ru_nvcsw;
}

/* A caller who waits for long sleeps: who is real-time may keep the others from a CPU. More threads than CPUs. */
static void waits(const char *kernel) {
    (void)kernel;
    cpu_set_t before, one;
    CHECK(sched_getaffinity(0, sizeof before, &before) == 0);
    size_t cpu = 0;
    while (!CPU_ISSET(cpu, &before)) {
        cpu++;
    }
    CPU_ZERO(&one);
    CPU_SET(cpu, &one);
    for (unsigned crowded = 0; crowded < 2; crowded++) {
        ic_pool *pool;
        const ic_pool_options options = {sizeof options, crowded ? 4 : 2, NULL, NULL};
        CHECK(!crowded || sched_setaffinity(0, sizeof one, &one) == 0);
        CHECK(ic_pool_create(&options, &pool) == IC_OK);
        for (unsigned i = 0; i < 3; i++) {
            const long slept = sleeps();
            ic_pool_run(pool, dawdle, NULL);
            CHECK(sleeps() > slept);
        }
        rounded all[4];
        for (unsigned i = 0; i < 2000; i++) { /* helpers awake, falling asleep, asleep */
            if (i % 100 == 99) {
                usleep(i);
            }
            memset(all, 0, sizeof all);
            ic_pool_run(pool, round_off, all);
            for (unsigned t = 0; t < options.threads; t++) {
                CHECK(all[t].third > 0);
            }
        }
        ic_pool_destroy(pool);
    }
    CHECK(sched_setaffinity(0, sizeof before, &before) == 0);
}

/* Threads are called together once for all images and groups; with a whole matrix twice for each. */
static void rounds(const char *kernel) {
    (void)kernel;
    static const struct {
        ic_algorithm algorithm;
        const char *schedule;
        unsigned rounds;
    } ways[] = {{IC_ALGORITHM_INDIRECT, "scalar_4x4+panels", 1},  {IC_ALGORITHM_INDIRECT, "scalar_4x4+pixels", 1},
                {IC_ALGORITHM_INDIRECT, "scalar_4x4+regions", 1}, {IC_ALGORITHM_INDIRECT, "scalar_4x4+taps", 1},
                {IC_ALGORITHM_IM2COL, "scalar_4x4+block2", 1},    {IC_ALGORITHM_IM2COL, "scalar_4x4", 2 * 3 * 4}};
    shape s = plain_shape(3, 9, 8, 12, 20);
    s.desc.groups = 4;
    s.desc.pad_top = s.desc.pad_right = s.desc.pad_bottom = s.desc.pad_left = 1;
    s.batch = 3;
    static float weights[9 * 3 * 20], input[3 * 9 * 8 * 12], output[3 * 9 * 8 * 20];
    uint64_t seed = 3;
    fill(weights, weights_of(&s), VALUES_INTEGER, &seed);
    fill(input, inputs_of(&s), VALUES_INTEGER, &seed);
    const ic_pool_options options = {sizeof options, 3, NULL, NULL};
    ic_pool *pool;
    CHECK(ic_pool_create(&options, &pool) == IC_OK);
    for (size_t i = 0; i < sizeof ways / sizeof ways[0]; i++) {
        const ic_options of = {
            .struct_size = sizeof of, .algorithm = ways[i].algorithm, .kernel = ways[i].schedule, .pool = pool};
        ic_conv2d *conv;
        CHECK(ic_conv2d_create(&s.desc, weights, NULL, &of, &conv) == IC_OK);
        CHECK(ic_conv2d_reshape(conv, s.batch, s.height, s.width) == IC_OK);
        const unsigned before = ic_pool_rounds(pool);
        memset(output, 0xff, sizeof output);
        CHECK(ic_conv2d_run(conv, input, output) == IC_OK);
        CHECK(ic_pool_rounds(pool) - before == ways[i].rounds);
        check_against_reference(&s, VALUES_INTEGER, weights, NULL, input, output, "rounds");
        ic_conv2d_destroy(conv);
    }
    ic_pool_destroy(pool);
}

/* So many images and groups as are shared at once, so many fewer pieces of each. */
static void shares(const char *kernel) {
    (void)kernel;
    enum { THREADS = 2 };
    static const struct {
        ic_algorithm algorithm;
        const char *schedule;
        uint32_t groups;
        size_t images, least, most; /* pieces of an image and group, times panels, by thread */
    } ways[] = {{IC_ALGORITHM_INDIRECT, "scalar_4x4+panels", 1, 1, 16, 20},
                {IC_ALGORITHM_INDIRECT, "scalar_4x4+panels", 2, 2, 4, 5},
                {IC_ALGORITHM_INDIRECT, "scalar_4x4+panels", 8, 1, 2, 3},
                {IC_ALGORITHM_INDIRECT, "scalar_4x4+panels", 8, 4, 2, 3},
                {IC_ALGORITHM_IM2COL, "scalar_4x4+block200", 1, 1, 16, 20},
                {IC_ALGORITHM_IM2COL, "scalar_4x4+block200", 8, 1, 2, 3},
                {IC_ALGORITHM_IM2COL, "scalar_4x4", 8, 1, 16, 20}};
    const ic_pool_options options = {sizeof options, THREADS, NULL, NULL};
    ic_pool *pool;
    CHECK(ic_pool_create(&options, &pool) == IC_OK);
    static float weights[9 * 8 * 64], input[4 * 28 * 28 * 64], output[4 * 26 * 26 * 64];
    uint64_t seed = 3;
    for (size_t i = 0; i < sizeof ways / sizeof ways[0]; i++) {
        shape s = plain_shape(3, 28, 28, 8 * ways[i].groups, 8 * ways[i].groups);
        s.desc.groups = ways[i].groups;
        s.batch = ways[i].images;
        fill(weights, weights_of(&s), VALUES_INTEGER, &seed);
        fill(input, inputs_of(&s), VALUES_INTEGER, &seed);
        const ic_options of = {
            .struct_size = sizeof of, .algorithm = ways[i].algorithm, .kernel = ways[i].schedule, .pool = pool};
        ic_conv2d *conv;
        CHECK(ic_conv2d_create(&s.desc, weights, NULL, &of, &conv) == IC_OK);
        CHECK(ic_conv2d_reshape(conv, s.batch, s.height, s.width) == IC_OK);
        const ic_tiled *tiled = (const ic_tiled *)conv;
        const size_t panels = 2, most_tiles = ic_tiles_at_once(tiled, panels);
        size_t pieces = 0;
        ic_piece piece;
        for (ic_cursor at = {0, 0}; ic_next_piece(tiled, most_tiles, &at, &piece); pieces++) {
        }
        pieces *= tiled->order == IC_ORDER_PIXELS ? 1 : panels;
        CHECK(pieces >= THREADS * ways[i].least && pieces <= THREADS * ways[i].most);
        if (tiled->matrix_block != 0) {
            CHECK(tiled->matrix_block >= most_tiles * 4 * tiled->packing.products * sizeof(float));
        }
        memset(output, 0xff, sizeof output);
        CHECK(ic_conv2d_run(conv, input, output) == IC_OK);
        check_against_reference(&s, VALUES_INTEGER, weights, NULL, input, output, "shares");
        ic_conv2d_destroy(conv);
    }
    ic_pool_destroy(pool);
}

static void notice(int number) {
    (void)number;
}

/* Interrupts the caller, who sleeps by now. */
static void interrupt(void *context, unsigned thread) {
    if (thread != 0) {
        usleep(20000);
        CHECK(pthread_kill(*(pthread_t *)context, SIGUSR1) == 0);
        usleep(20000);
    }
}

/* What a signal or a late sleeper makes of a wait is no error of the caller's. */
static void errors(const char *kernel) {
    (void)kernel;
    const ic_pool_options options = {sizeof options, 2, NULL, NULL};
    const struct sigaction action = {.sa_handler = notice}; /* without SA_RESTART */
    pthread_t caller = pthread_self();
    ic_pool *pool;
    CHECK(sigaction(SIGUSR1, &action, NULL) == 0);
    CHECK(ic_pool_create(&options, &pool) == IC_OK);
    for (unsigned i = 0; i < 5; i++) {
        errno = ENOTTY;
        ic_pool_run(pool, interrupt, &caller);
        CHECK(errno == ENOTTY);
    }
    ic_pool_destroy(pool);
}

typedef struct {
    ic_pool *pool;
    ic_conv2d *objects[3];
    const float *input;
    const float *wanted[3];
    float *output;
    size_t bytes;
} forked;

static void run_all(const forked *f) {
    for (size_t i = 0; i < 3; i++) {
        memset(f->output, 0xff, f->bytes);
        CHECK(ic_conv2d_run(f->objects[i], f->input, f->output) == IC_OK);
        CHECK(memcmp(f->output, f->wanted[i], f->bytes) == 0);
    }
}

static void destroy_all(const forked *f) {
    for (size_t i = 0; i < 3; i++) {
        ic_conv2d_destroy(f->objects[i]);
    }
    ic_pool_destroy(f->pool);
}

/* Runs and destroys what it got from its parents, after a pool of its own and `generations` of children more. */
static void in_child(const forked *f, unsigned generations) {
    const pid_t child = fork();
    CHECK(child >= 0);
    if (child == 0) {
        alarm(30); /* a hang is a failure */
        run_all(f);
        ic_pool *own;
        const ic_pool_options options = {sizeof options, 2, NULL, NULL};
        CHECK(ic_pool_create(&options, &own) == IC_OK);
        rounded both[2] = {{0, 0}, {0, 0}};
        ic_pool_run(own, round_off, both);
        CHECK(both[1].third > 0);
        if (generations > 1) {
            in_child(f, generations - 1);
            ic_pool_run(own, round_off, both);
        }
        ic_pool_destroy(own);
        destroy_all(f);
        _exit(0);
    }
    int status = 1;
    CHECK(waitpid(child, &status, 0) == child && status == 0);
}

/* A process forked after the pool was made: no thread of it is there. */
static void forks(const char *kernel) {
    (void)kernel;
    static const struct {
        ic_algorithm algorithm;
        const char *schedule;
    } ways[] = {{IC_ALGORITHM_AUTO, NULL}, {IC_ALGORITHM_IM2COL, "scalar_4x4+block2"}, {IC_ALGORITHM_IM2COL, NULL}};
    const shape s = plain_shape(3, 12, 12, 8, 70);
    static float weights[3 * 3 * 8 * 70], input[12 * 12 * 8], output[10 * 10 * 70], wanted[3][10 * 10 * 70];
    uint64_t seed = 3;
    fill(weights, weights_of(&s), VALUES_FLOAT, &seed);
    fill(input, inputs_of(&s), VALUES_FLOAT, &seed);
    const ic_pool_options options = {sizeof options, 3, NULL, NULL};
    forked f = {.input = input, .output = output, .bytes = sizeof output};
    CHECK(ic_pool_create(&options, &f.pool) == IC_OK);
    for (size_t i = 0; i < 3; i++) {
        const ic_options of = {
            .struct_size = sizeof of, .algorithm = ways[i].algorithm, .kernel = ways[i].schedule, .pool = f.pool};
        CHECK(ic_conv2d_create(&s.desc, weights, NULL, &of, &f.objects[i]) == IC_OK);
        CHECK(ic_conv2d_reshape(f.objects[i], 1, 12, 12) == IC_OK);
        CHECK(ic_conv2d_run(f.objects[i], input, wanted[i]) == IC_OK);
        f.wanted[i] = wanted[i];
    }
    in_child(&f, 2);
    usleep(20000); /* the threads sleep */
    in_child(&f, 1);
    run_all(&f);
    destroy_all(&f);
}

int main(int argc, char **argv) {
    static const check_case cases[] = {{"threads", threads}, {"pools", pools},   {"float_modes", float_modes},
                                       {"forks", forks},     {"waits", waits},   {"rounds", rounds},
                                       {"shares", shares},   {"errors", errors}, {NULL, NULL}};
    return check_main(argc, argv, cases);
}
