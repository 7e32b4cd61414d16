/* SPDX-License-Identifier: Apache-2.0
 * The micro-kernel, written once. A file for an instruction set defines what follows and includes this:
 *
 *   IC_TILE                      name of the function
 *   IC_ROWS, IC_VECTORS          largest tile: pixels, vectors of output channels (4 at most)
 *   IC_WIDTH, IC_VECTOR          floats per vector, its type
 *   IC_LOAD(p), IC_STORE(p, v)   unaligned
 *   IC_LOAD_FIRST(p, n)          the first n floats, 0 < n < IC_WIDTH, nothing else being read, then zeros
 *   IC_STORE_FIRST(p, v, n)      the first n floats, and nothing else
 *   IC_SPLAT(x)                  x in all floats
 *   IC_CLAMP(v, low, high)       keeps NaN
 *   IC_FMA(acc, b, a)            acc + a * b
 *   IC_LANES                     1, or how many values of a row are loaded at once; if over 1, then also
 *   IC_LOAD_LANES(p)             IC_LANES values of a row, and
 *   IC_FMA_LANE(acc, b, a, lane) acc + a[lane] * b
 *   IC_FETCHES                   of ic_tile_run.fetch what it heeds, IC_GAINS_..., as in the table of kernels
 *   IC_STEPS                     products of each sum in a turn of the loop: more of them, fewer instructions for each
 *   IC_HOLD(p, v)                nothing; or, with few registers, what keeps a compiler from loading by p before v is
 *                                computed: an empty instruction that takes and gives both
 *   IC_ROWS_OUTER                1: a step holds all of B and one value of A (few registers), 0: the other way round
 *
 * Every height and every number of vectors is an instance of its own, so that no tile computes rows that it doesn't
 * have and narrow layers don't pay for the full width. The bounds become constants by inlining, which is what keeps
 * the accumulators in registers. */
#include "kernels/f32/f32.h"

#include <math.h>

#if defined(__clang__)
#define IC_UNROLL _Pragma("clang loop unroll(full)")
#define IC_NO_UNROLL _Pragma("clang loop unroll(disable)")
#else
#define IC_UNROLL _Pragma("GCC unroll 16")
#define IC_NO_UNROLL _Pragma("GCC unroll 1")
#endif

/* The first `count` of a tile's rows or vectors, `most` of which the largest one has. Up to clang 14 a loop of one turn
 * goes too early, and the sums in a loop around or inside it stay on the stack: there all tiles count to `most`. */
#if defined(__clang__) && __clang_major__ < 15
#define IC_EACH(i, count, most)                                                                                        \
    IC_UNROLL                                                                                                          \
    for (unsigned i = 0; i < (most); i++)                                                                              \
        if (i < (count))
#else
#define IC_EACH(i, count, most)                                                                                        \
    IC_UNROLL                                                                                                          \
    for (unsigned i = 0; i < (count); i++)
#endif

#define IC_COLUMNS (IC_WIDTH * IC_VECTORS)

#include "fetch.inc.h"

/* Every sum of a tile begins with its channel's bias, */
static inline __attribute__((always_inline)) void begin_sums(IC_VECTOR acc[IC_ROWS][IC_VECTORS], const float *bias,
                                                             const unsigned rows, const unsigned vectors) {
    IC_EACH (v, vectors, IC_VECTORS) {
        const IC_VECTOR first = IC_LOAD(bias + v * IC_WIDTH);
        IC_EACH (r, rows, IC_ROWS) {
            acc[r][v] = first;
        }
    }
}

/* or goes on with what the output holds. */
static inline __attribute__((always_inline)) void resume_sums(IC_VECTOR acc[IC_ROWS][IC_VECTORS], const char *output,
                                                              const ptrdiff_t *output_offsets, const unsigned rows,
                                                              const unsigned vectors, const unsigned last_width) {
    IC_EACH (r, rows, IC_ROWS) {
        const float *pixel = (const float *)(const void *)(output + output_offsets[r]);
        IC_EACH (v, vectors - 1, IC_VECTORS) {
            acc[r][v] = IC_LOAD(pixel + v * IC_WIDTH);
        }
        pixel += (vectors - 1) * IC_WIDTH;
        acc[r][vectors - 1] = last_width == IC_WIDTH ? IC_LOAD(pixel) : IC_LOAD_FIRST(pixel, last_width);
    }
}

/* Points the rows at a tap. IC_PADDING_ENTRY is the one negative entry: its sign is the mask that adds the way to the
 * row of zeros. By comparison it would become a branch, which mispredicts along every border. Where there is no such
 * row, no entry is one: three of five instructions for each row less. */
static inline __attribute__((always_inline)) void point_rows(const float *a[IC_ROWS], uintptr_t input,
                                                             uintptr_t to_padding, const bool has_padding,
                                                             const ptrdiff_t *entry, const unsigned rows) {
    if (has_padding) {
        IC_EACH (r, rows, IC_ROWS) {
            a[r] = (const float *)(input + (uintptr_t)entry[r] +
                                   (to_padding & (uintptr_t)(entry[r] >> (8 * sizeof(ptrdiff_t) - 1))));
        }
    } else {
        IC_EACH (r, rows, IC_ROWS) {
            a[r] = (const float *)(input + (uintptr_t)entry[r]);
        }
    }
}

/* One product of each sum. */
static inline __attribute__((always_inline)) void step(IC_VECTOR acc[IC_ROWS][IC_VECTORS], const float *a[IC_ROWS],
                                                       size_t k, const float *weights, const unsigned rows,
                                                       const unsigned vectors) {
#if IC_ROWS_OUTER
    IC_VECTOR b[IC_VECTORS];
    IC_EACH (v, vectors, IC_VECTORS) {
        b[v] = IC_LOAD(weights + v * IC_WIDTH);
    }
    IC_EACH (r, rows, IC_ROWS) {
        const IC_VECTOR x = IC_SPLAT(a[r][k]);
        IC_EACH (v, vectors, IC_VECTORS) {
            acc[r][v] = IC_FMA(acc[r][v], b[v], x);
        }
    }
#else
    IC_VECTOR x[IC_ROWS];
    IC_EACH (r, rows, IC_ROWS) {
        x[r] = IC_SPLAT(a[r][k]);
    }
    IC_EACH (v, vectors, IC_VECTORS) {
        const IC_VECTOR b = IC_LOAD(weights + v * IC_WIDTH);
        IC_EACH (r, rows, IC_ROWS) {
            acc[r][v] = IC_FMA(acc[r][v], b, x[r]);
        }
    }
#endif
}

/* Floats of B that one turn of the loop over products takes. */
enum { TURN_FLOATS = IC_STEPS * IC_COLUMNS };

/* `count` products of each sum, in a row. */
static inline __attribute__((always_inline)) void steps(IC_VECTOR acc[IC_ROWS][IC_VECTORS], const float *a[IC_ROWS],
                                                        size_t k, const float *weights, const unsigned count,
                                                        const unsigned rows, const unsigned vectors) {
    IC_UNROLL
    for (unsigned i = 0; i < count; i++) {
        step(acc, a, k + i, weights + i * IC_COLUMNS, rows, vectors);
        IC_HOLD(weights, acc[rows - 1][vectors - 1]);
    }
}

/* `products` of each sum, from the `k`th of the rows on. Returns where their weights end. `turn_floats`: the weights of
 * all whole turns among them. */
static inline __attribute__((always_inline)) const float *
take_products(IC_VECTOR acc[IC_ROWS][IC_VECTORS], const float *a[IC_ROWS], size_t k, const float *weights,
              const size_t products, const size_t turn_floats, const unsigned rows, const unsigned vectors) {
    const float *const turns_end = weights + turn_floats;
    IC_NO_UNROLL
    for (; weights != turns_end; weights += TURN_FLOATS) {
        steps(acc, a, k, weights, IC_STEPS, rows, vectors);
        k += IC_STEPS;
    }
#if IC_STEPS == 4 /* without a loop: short taps, as of an image's colours, have little else */
    if (products & 2) {
        steps(acc, a, k, weights, 2, rows, vectors);
        weights += 2 * IC_COLUMNS;
        k += 2;
    }
    if (products & 1) {
        steps(acc, a, k, weights, 1, rows, vectors);
        weights += IC_COLUMNS;
    }
#else
    _Static_assert(IC_STEPS == 1, "nothing is left after whole turns");
    (void)products;
#endif
    return weights;
}

static inline __attribute__((always_inline)) void run_tiles(const ic_tile_run *run, const unsigned rows,
                                                            const unsigned vectors, const bool between) {
    const char *input = run->input;
    const ptrdiff_t *offsets = run->offsets;
    char *output = run->output;
    const ptrdiff_t *output_offsets = run->output_offsets;
    size_t panel = 0; /* floats from the first tile's bias and weights */
    const size_t channels = run->channels;
    const size_t weights_gap = run->weights_gap, tap_entries = run->tap_entries;
    const size_t singles = IC_LANES > 1 ? channels % IC_LANES : channels; /* not taken by lanes, of a tap */
    const size_t turn_floats = singles / IC_STEPS * TURN_FLOATS;
    const bool has_padding = run->padding != NULL;
    const bool clamps = run->output_min > -INFINITY || run->output_max < INFINITY;
    const unsigned last_width = run->columns - (vectors - 1) * IC_WIDTH;

    for (size_t tile = run->tiles; tile != 0; tile--) {
        const uintptr_t base = (uintptr_t)input;
        const uintptr_t to_padding = (uintptr_t)run->padding - base - (uintptr_t)IC_PADDING_ENTRY;
        const float *weights = (const float *)run->weights + panel;
        const ptrdiff_t *entry = offsets;
        IC_VECTOR acc[IC_ROWS][IC_VECTORS];

        if (run->resumes) {
            resume_sums(acc, output, output_offsets, rows, vectors, last_width);
        } else {
            begin_sums(acc, (const float *)run->bias + panel, rows, vectors);
        }

        fetching ahead = {.output = output, .output_offsets = output_offsets};
        if (between && run->fetch == IC_FETCH_WEIGHTS) {
            begin_weights(&ahead, run, tile);
        } else if (between) {
            begin_images(&ahead, run, tile, input, offsets, rows, vectors);
        } else if ((IC_FETCHES & IC_GAINS_IMAGES) && run->fetch == IC_FETCH_OUTPUT) {
            fetch_output(output, output_offsets, rows, vectors);
        }
        const float *a[IC_ROWS];
        if (run->taps != 0) {
            point_rows(a, base, to_padding, has_padding, entry, rows);
        }
        for (size_t tap = run->taps; tap != 0;) {
            entry += tap_entries;
            __builtin_prefetch(entry); /* of a table, whose taps lie apart */

            size_t k = 0;
#if IC_LANES > 1
#define IC_STEP(lane)                                                                                                  \
    IC_EACH (v, vectors, IC_VECTORS) {                                                                                 \
        const IC_VECTOR b = IC_LOAD(weights + (lane) * IC_COLUMNS + v * IC_WIDTH);                                     \
        IC_EACH (r, rows, IC_ROWS) {                                                                                   \
            acc[r][v] = IC_FMA_LANE(acc[r][v], b, x[r], lane);                                                         \
        }                                                                                                              \
    }
#define IC_STEP_BY_ROWS(lane)                                                                                          \
    {                                                                                                                  \
        IC_VECTOR b[IC_VECTORS];                                                                                       \
        IC_EACH (v, vectors, IC_VECTORS) {                                                                             \
            b[v] = IC_LOAD(weights + (lane) * IC_COLUMNS + v * IC_WIDTH);                                              \
        }                                                                                                              \
        IC_EACH (r, rows, IC_ROWS) {                                                                                   \
            IC_EACH (v, vectors, IC_VECTORS) {                                                                         \
                acc[r][v] = IC_FMA_LANE(acc[r][v], b[v], x[r], lane);                                                  \
            }                                                                                                          \
        }                                                                                                              \
        IC_HOLD(weights, acc[rows - 1][vectors - 1]);                                                                  \
    }
            const size_t whole = channels / IC_LANES * IC_LANES;
            IC_NO_UNROLL
            for (; k != whole; k += IC_LANES) {
#if IC_LANES == 2
                float32x2_t x[IC_ROWS];
                IC_EACH (r, rows, IC_ROWS) {
                    x[r] = IC_LOAD_LANES(a[r] + k);
                }
                IC_STEP_BY_ROWS(0)
                IC_STEP_BY_ROWS(1)
#else
                IC_VECTOR x[IC_ROWS];
                IC_EACH (r, rows, IC_ROWS) {
                    x[r] = IC_LOAD_LANES(a[r] + k);
                }
                IC_STEP(0)
                IC_STEP(1)
                IC_STEP(2)
                IC_STEP(3)
#endif
                weights += IC_LANES * IC_COLUMNS;
            }
#undef IC_STEP
#undef IC_STEP_BY_ROWS
#endif
            if (!between) {
                weights = take_products(acc, a, k, weights, singles, turn_floats, rows, vectors);
            }
            while (between && k < channels) {
                const size_t products = fetch_between(&ahead, between, channels - k, vectors);
                weights = take_products(acc, a, k, weights, products, products / IC_STEPS * TURN_FLOATS, rows, vectors);
                k += products;
            }
            weights += weights_gap;
            if (--tap != 0) {
                point_rows(a, base, to_padding, has_padding, entry, rows);
            }
        }

        if (clamps) { /* as many operations as multiplications for two channels: 3 % of a tile of 64 */
            const IC_VECTOR low = IC_SPLAT(run->output_min);
            const IC_VECTOR high = IC_SPLAT(run->output_max);
            IC_EACH (r, rows, IC_ROWS) {
                IC_EACH (v, vectors, IC_VECTORS) {
                    acc[r][v] = IC_CLAMP(acc[r][v], low, high);
                }
            }
        }
        IC_EACH (r, rows, IC_ROWS) {
            float *pixel = (float *)(void *)(output + output_offsets[r]);
            IC_EACH (v, vectors - 1, IC_VECTORS) {
                IC_STORE(pixel + v * IC_WIDTH, acc[r][v]);
            }
            const IC_VECTOR last = acc[r][vectors - 1];
            if (last_width == IC_WIDTH) {
                IC_STORE(pixel + (vectors - 1) * IC_WIDTH, last);
            } else {
                IC_STORE_FIRST(pixel + (vectors - 1) * IC_WIDTH, last, last_width);
            }
        }
#ifdef IC_BROKEN_KERNEL
        /* The deliberate fault of the test build: one output of every tile. */
        *(float *)(void *)(output + output_offsets[rows - 1]) += 1.0f;
#endif
        input += run->input_step;
        offsets += run->offset_step;
        output += run->output_step;
        output_offsets += run->output_offset_step;
        panel += run->panel_step;
    }
}

/* Large images have tall tiles, and wide layers whole panels: the loops of all others stay as short as they are. */
#define IC_INSTANCE(rows, vectors)                                                                                     \
    static __attribute__((noinline, aligned(64))) void fetching_##rows##x##vectors(const ic_tile_run *run) {           \
        run_tiles(run, rows, vectors, true);                                                                           \
    }                                                                                                                  \
    static __attribute__((noinline, aligned(64))) void tile_##rows##x##vectors(const ic_tile_run *run) {               \
        const bool between = ((IC_FETCHES & IC_GAINS_IMAGES) && run->fetch == IC_FETCH_BETWEEN) ||                     \
                             ((IC_FETCHES & IC_GAINS_WEIGHTS) && run->fetch == IC_FETCH_WEIGHTS);                      \
        if (between && rows + 1 >= IC_ROWS && vectors == IC_VECTORS) {                                                 \
            fetching_##rows##x##vectors(run);                                                                          \
        } else {                                                                                                       \
            run_tiles(run, rows, vectors, false);                                                                      \
        }                                                                                                              \
    }

#if IC_VECTORS == 4
#define IC_INSTANCES(rows) IC_INSTANCE(rows, 1) IC_INSTANCE(rows, 2) IC_INSTANCE(rows, 3) IC_INSTANCE(rows, 4)
#define IC_INSTANCE_NAMES(rows) {tile_##rows##x1, tile_##rows##x2, tile_##rows##x3, tile_##rows##x4},
#elif IC_VECTORS == 3
#define IC_INSTANCES(rows) IC_INSTANCE(rows, 1) IC_INSTANCE(rows, 2) IC_INSTANCE(rows, 3)
#define IC_INSTANCE_NAMES(rows) {tile_##rows##x1, tile_##rows##x2, tile_##rows##x3},
#elif IC_VECTORS == 2
#define IC_INSTANCES(rows) IC_INSTANCE(rows, 1) IC_INSTANCE(rows, 2)
#define IC_INSTANCE_NAMES(rows) {tile_##rows##x1, tile_##rows##x2},
#elif IC_VECTORS == 1
#define IC_INSTANCES(rows) IC_INSTANCE(rows, 1)
#define IC_INSTANCE_NAMES(rows) {tile_##rows##x1},
#endif

#define IC_UP_TO_4(each) each(1) each(2) each(3) each(4)
#define IC_UP_TO_6(each) IC_UP_TO_4(each) each(5) each(6)
#define IC_UP_TO_8(each) IC_UP_TO_6(each) each(7) each(8)
#define IC_UP_TO_14(each) IC_UP_TO_8(each) each(9) each(10) each(11) each(12) each(13) each(14)
#define IC_UP_TO(rows, each) IC_UP_TO_EXPANDED(rows, each)
#define IC_UP_TO_EXPANDED(rows, each) IC_UP_TO_##rows(each)

IC_UP_TO(IC_ROWS, IC_INSTANCES)

void IC_TILE(const ic_tile_run *run) {
    static const ic_micro_kernel instances[IC_ROWS][IC_VECTORS] = {IC_UP_TO(IC_ROWS, IC_INSTANCE_NAMES)};
    instances[run->rows - 1][(run->columns - 1) / IC_WIDTH](run);
}
