/* SPDX-License-Identifier: Apache-2.0
 * The depthwise micro-kernel, written once, of the same instruction set and tile as the file's other kernel: include it
 * after tile.inc.h, and with
 *
 *   IC_DEPTHWISE   name of the function
 *
 * A vector holds neighbouring channels, each of which meets its own weights, so nothing is broadcast; the weights of a
 * tap are loaded once for all pixels of the tile. */

static inline __attribute__((always_inline)) IC_VECTOR clamped(IC_VECTOR value, const ic_depthwise_run *run) {
    return IC_CLAMP(value, IC_SPLAT(run->output_min), IC_SPLAT(run->output_max));
}

static inline __attribute__((always_inline)) void run_depthwise(const ic_depthwise_run *run, const unsigned rows,
                                                                const unsigned vectors) {
    const char *input = run->input;
    char *output = run->output;
    /* Neighbours share what they read: of 3 taps with stride 1 a pixel is loaded once instead of three times. */
    const bool shares = run->across == 3 && run->across_step == run->input_step;
    const bool clamps = run->output_min > -INFINITY || run->output_max < INFINITY;

    for (size_t tile = run->tiles; tile != 0; tile--) {
        const char *down = input;
        const float *weights = run->weights;
        IC_VECTOR acc[IC_ROWS][IC_VECTORS];

        begin_sums(acc, run->bias, rows, vectors);
        IC_NO_UNROLL
        for (size_t y = run->down; y != 0; y--, down += run->down_step, weights += run->weights_gap) {
            const char *across = down;
            if (shares) {
                IC_EACH (v, vectors, IC_VECTORS) {
                    const float *b = weights + v * IC_WIDTH;
                    const IC_VECTOR b0 = IC_LOAD(b), b1 = IC_LOAD(b + run->weights_step),
                                    b2 = IC_LOAD(b + 2 * run->weights_step);
                    IC_EACH (i, rows + 2, IC_ROWS + 2) {
                        const float *a = (const float *)(const void *)(down + i * run->input_step);
                        const IC_VECTOR x = IC_LOAD(a + v * IC_WIDTH);
                        if (i < rows) {
                            acc[i][v] = IC_FMA(acc[i][v], b0, x);
                        }
                        if (i > 0 && i - 1 < rows) {
                            acc[i - 1][v] = IC_FMA(acc[i - 1][v], b1, x);
                        }
                        if (i > 1) {
                            acc[i - 2][v] = IC_FMA(acc[i - 2][v], b2, x);
                            IC_HOLD(down, acc[i - 2][v]);
                        }
                    }
                }
                weights += 3 * run->weights_step;
                continue;
            }
            IC_NO_UNROLL
            for (size_t x = run->across; x != 0; x--, across += run->across_step, weights += run->weights_step) {
                IC_VECTOR b[IC_VECTORS];
                IC_EACH (v, vectors, IC_VECTORS) {
                    b[v] = IC_LOAD(weights + v * IC_WIDTH);
                }
                IC_EACH (r, rows, IC_ROWS) {
                    const float *a = (const float *)(const void *)(across + r * run->input_step);
                    IC_EACH (v, vectors, IC_VECTORS) {
                        acc[r][v] = IC_FMA(acc[r][v], b[v], IC_LOAD(a + v * IC_WIDTH));
                    }
                }
            }
        }
        IC_EACH (r, rows, IC_ROWS) {
            float *pixel = (float *)(void *)(output + r * run->output_step);
            IC_EACH (v, vectors, IC_VECTORS) {
                IC_STORE(pixel + v * IC_WIDTH, clamps ? clamped(acc[r][v], run) : acc[r][v]);
            }
        }
        input += rows * run->input_step;
        output += rows * run->output_step;
    }
}

#if IC_WIDTH > 1
/* The channels, fewer than a vector, from `first` on: nothing is read or written beyond them. */
static __attribute__((noinline)) void run_depthwise_rest(const ic_depthwise_run *run, unsigned first) {
    const unsigned count = run->columns - first;
    for (size_t pixel = 0; pixel < run->tiles * run->rows; pixel++) {
        const char *down = (const char *)((const float *)run->input + first) + pixel * run->input_step;
        const float *weights = (const float *)run->weights + first;
        IC_VECTOR acc = IC_LOAD((const float *)run->bias + first);
        for (size_t y = 0; y < run->down; y++, down += run->down_step, weights += run->weights_gap) {
            for (size_t x = 0; x < run->across; x++, weights += run->weights_step) {
                const float *a = (const float *)(const void *)(down + x * run->across_step);
                acc = IC_FMA(acc, IC_LOAD(weights), IC_LOAD_FIRST(a, count));
            }
        }
        float *to = (float *)(void *)((char *)((float *)run->output + first) + pixel * run->output_step);
        IC_STORE_FIRST(to, clamped(acc, run), count);
    }
}
#endif

#define IC_DEPTHWISE_INSTANCE(rows, vectors)                                                                           \
    static __attribute__((noinline, aligned(64))) void depthwise_##rows##x##vectors(const ic_depthwise_run *run) {     \
        run_depthwise(run, rows, vectors);                                                                             \
    }

#if IC_VECTORS == 4
#define IC_DEPTHWISE_INSTANCES(rows)                                                                                   \
    IC_DEPTHWISE_INSTANCE(rows, 1)                                                                                     \
    IC_DEPTHWISE_INSTANCE(rows, 2) IC_DEPTHWISE_INSTANCE(rows, 3) IC_DEPTHWISE_INSTANCE(rows, 4)
#define IC_DEPTHWISE_NAMES(rows)                                                                                       \
    {depthwise_##rows##x1, depthwise_##rows##x2, depthwise_##rows##x3, depthwise_##rows##x4},
#elif IC_VECTORS == 2
#define IC_DEPTHWISE_INSTANCES(rows) IC_DEPTHWISE_INSTANCE(rows, 1) IC_DEPTHWISE_INSTANCE(rows, 2)
#define IC_DEPTHWISE_NAMES(rows) {depthwise_##rows##x1, depthwise_##rows##x2},
#endif

IC_UP_TO(IC_ROWS, IC_DEPTHWISE_INSTANCES)

void IC_DEPTHWISE(const ic_depthwise_run *run) {
    static const ic_depthwise_kernel instances[IC_ROWS][IC_VECTORS] = {IC_UP_TO(IC_ROWS, IC_DEPTHWISE_NAMES)};
    const unsigned vectors = run->columns / IC_WIDTH;
    if (vectors != 0) {
        instances[run->rows - 1][vectors - 1](run);
    }
#if IC_WIDTH > 1
    if (run->columns % IC_WIDTH != 0) {
        run_depthwise_rest(run, vectors * IC_WIDTH);
    }
#endif
#ifdef IC_BROKEN_KERNEL
    *(float *)run->output += 1.0f;
#endif
}
