/* SPDX-License-Identifier: Apache-2.0
 * Fourier transforms of tiles, written once, of the same instruction set as the file's other kernels: include it after
 * them, and with
 *
 *   IC_FFT, IC_FFT_ISA   name of the table of functions, and of the instruction set
 *
 * A vector holds neighbouring channels, so all of them take the same way and nothing is shuffled. A complex number is
 * two vectors, real and imaginary part. Forward transforms split the sequence (decimation in frequency) and leave the
 * frequencies in the order of the passes; inverse ones take them so. */
#include "kernels/fft.h"

#include <string.h>

#define IC_FFT_INLINE static inline __attribute__((always_inline))

enum { COMPLEX = 2 * IC_WIDTH }; /* floats of one */

typedef struct {
    IC_VECTOR re, im;
} complex_vector;

IC_FFT_INLINE complex_vector load_complex(const float *from) {
    return (complex_vector){IC_LOAD(from), IC_LOAD(from + IC_WIDTH)};
}

IC_FFT_INLINE void store_complex(float *to, complex_vector x) {
    IC_STORE(to, x.re);
    IC_STORE(to + IC_WIDTH, x.im);
}

IC_FFT_INLINE complex_vector sum(complex_vector a, complex_vector b) {
    return (complex_vector){a.re + b.re, a.im + b.im};
}

IC_FFT_INLINE complex_vector difference(complex_vector a, complex_vector b) {
    return (complex_vector){a.re - b.re, a.im - b.im};
}

/* Times -i. */
IC_FFT_INLINE complex_vector turned(complex_vector a) {
    return (complex_vector){a.im, -a.re};
}

IC_FFT_INLINE complex_vector conjugate(complex_vector a) {
    return (complex_vector){a.re, -a.im};
}

IC_FFT_INLINE complex_vector swapped(complex_vector a) {
    return (complex_vector){a.im, a.re};
}

IC_FFT_INLINE complex_vector product(complex_vector a, complex_vector b) {
    return (complex_vector){IC_FMA(a.re * b.re, -a.im, b.im), IC_FMA(a.re * b.im, a.im, b.re)};
}

/* By cosine and sine. */
IC_FFT_INLINE complex_vector rotated(complex_vector a, const float *turn) {
    return product(a, (complex_vector){IC_SPLAT(turn[0]), IC_SPLAT(turn[1])});
}

/* a + b x */
IC_FFT_INLINE complex_vector with(complex_vector a, float b, complex_vector x) {
    return (complex_vector){IC_FMA(a.re, IC_SPLAT(b), x.re), IC_FMA(a.im, IC_SPLAT(b), x.im)};
}

IC_FFT_INLINE complex_vector scaled(float b, complex_vector x) {
    return (complex_vector){IC_SPLAT(b) * x.re, IC_SPLAT(b) * x.im};
}

IC_FFT_INLINE void transform_2(complex_vector x[2]) {
    const complex_vector first = x[0];
    x[0] = sum(first, x[1]);
    x[1] = difference(first, x[1]);
}

IC_FFT_INLINE void transform_3(complex_vector x[3]) {
    const complex_vector both = sum(x[1], x[2]), apart = turned(scaled(0.866025404f, difference(x[1], x[2])));
    const complex_vector middle = with(x[0], -0.5f, both);
    x[0] = sum(x[0], both);
    x[1] = sum(middle, apart);
    x[2] = difference(middle, apart);
}

IC_FFT_INLINE void transform_4(complex_vector x[4]) {
    const complex_vector even = sum(x[0], x[2]), even_apart = difference(x[0], x[2]);
    const complex_vector odd = sum(x[1], x[3]), odd_apart = turned(difference(x[1], x[3]));
    x[0] = sum(even, odd);
    x[1] = sum(even_apart, odd_apart);
    x[2] = difference(even, odd);
    x[3] = difference(even_apart, odd_apart);
}

IC_FFT_INLINE void transform_5(complex_vector x[5]) {
    const float c1 = 0.309016994f, c2 = -0.809016994f, s1 = 0.951056516f, s2 = 0.587785252f;
    const complex_vector near = sum(x[1], x[4]), far = sum(x[2], x[3]);
    const complex_vector near_apart = turned(difference(x[1], x[4])), far_apart = turned(difference(x[2], x[3]));
    const complex_vector first = with(with(x[0], c1, near), c2, far), second = with(with(x[0], c2, near), c1, far);
    const complex_vector a = with(scaled(s1, near_apart), s2, far_apart);
    const complex_vector b = with(scaled(s2, near_apart), -s1, far_apart);
    x[0] = sum(x[0], sum(near, far));
    x[1] = sum(first, a);
    x[4] = difference(first, a);
    x[2] = sum(second, b);
    x[3] = difference(second, b);
}

IC_FFT_INLINE void transform_8(complex_vector x[8]) {
    const float half = 0.707106781f; /* its root */
    complex_vector even[4] = {x[0], x[2], x[4], x[6]}, odd[4] = {x[1], x[3], x[5], x[7]};
    transform_4(even);
    transform_4(odd);
    odd[1] = scaled(half, sum(odd[1], turned(odd[1])));
    odd[2] = turned(odd[2]);
    odd[3] = scaled(half, difference(turned(odd[3]), odd[3]));
    IC_UNROLL
    for (unsigned k = 0; k < 4; k++) {
        x[k] = sum(even[k], odd[k]);
        x[k + 4] = difference(even[k], odd[k]);
    }
}

/* Some passes' place in memory: complex numbers at equal steps. */
typedef struct {
    const float *from;
    float *to;
    size_t from_step, to_step;
    unsigned points, length; /* of all, and of each part that this pass splits or makes */
    const float *twiddles;
} pass;

#define IC_FFT_PASSES(radix)                                                                                           \
    static __attribute__((noinline)) void split_##radix(const pass *p) {                                               \
        const unsigned apart = p->length / radix;                                                                      \
        for (unsigned part = 0; part < p->points; part += p->length) {                                                 \
            const float *twiddles = p->twiddles;                                                                       \
            for (unsigned j = 0; j < apart; j++) {                                                                     \
                complex_vector x[radix];                                                                               \
                IC_UNROLL                                                                                              \
                for (unsigned q = 0; q < radix; q++) {                                                                 \
                    x[q] = load_complex(p->from + (part + j + q * apart) * p->from_step);                              \
                }                                                                                                      \
                transform_##radix(x);                                                                                  \
                if (j != 0) {                                                                                          \
                    IC_UNROLL                                                                                          \
                    for (unsigned q = 1; q < radix; q++, twiddles += 2) {                                              \
                        x[q] = rotated(x[q], twiddles);                                                                \
                    }                                                                                                  \
                }                                                                                                      \
                IC_UNROLL                                                                                              \
                for (unsigned q = 0; q < radix; q++) {                                                                 \
                    store_complex(p->to + (part + j + q * apart) * p->to_step, x[q]);                                  \
                }                                                                                                      \
            }                                                                                                          \
        }                                                                                                              \
    }                                                                                                                  \
    /* The inverse of a transform is the transform of swapped parts, swapped again. */                                 \
    static __attribute__((noinline)) void join_##radix(const pass *p) {                                                \
        const unsigned apart = p->length / radix;                                                                      \
        for (unsigned part = 0; part < p->points; part += p->length) {                                                 \
            const float *twiddles = p->twiddles;                                                                       \
            for (unsigned j = 0; j < apart; j++) {                                                                     \
                complex_vector x[radix];                                                                               \
                IC_UNROLL                                                                                              \
                for (unsigned q = 0; q < radix; q++) {                                                                 \
                    x[q] = swapped(load_complex(p->from + (part + j + q * apart) * p->from_step));                     \
                }                                                                                                      \
                if (j != 0) {                                                                                          \
                    IC_UNROLL                                                                                          \
                    for (unsigned q = 1; q < radix; q++, twiddles += 2) {                                              \
                        x[q] = rotated(x[q], twiddles);                                                                \
                    }                                                                                                  \
                }                                                                                                      \
                transform_##radix(x);                                                                                  \
                IC_UNROLL                                                                                              \
                for (unsigned q = 0; q < radix; q++) {                                                                 \
                    store_complex(p->to + (part + j + q * apart) * p->to_step, swapped(x[q]));                         \
                }                                                                                                      \
            }                                                                                                          \
        }                                                                                                              \
    }

IC_FFT_PASSES(2)
IC_FFT_PASSES(3)
IC_FFT_PASSES(4)
IC_FFT_PASSES(5)
IC_FFT_PASSES(8)

typedef void (*pass_function)(const pass *p);

static const pass_function splits[] = {[2] = split_2, [3] = split_3, [4] = split_4, [5] = split_5, [8] = split_8};
static const pass_function joins[] = {[2] = join_2, [3] = join_3, [4] = join_4, [5] = join_5, [8] = join_8};

/* All passes, in place in `line` but for the first one, which takes the numbers from elsewhere. */
static void split(const ic_fft_passes *passes, const float *from, size_t from_step, float *line) {
    pass p = {from, line, from_step, COMPLEX, passes->points, passes->points, passes->twiddles};
    for (unsigned i = 0; i < passes->count; i++) {
        const unsigned radix = passes->radix[i];
        splits[radix](&p);
        p.from = line;
        p.from_step = COMPLEX;
        p.twiddles += 2 * (p.length / radix - 1) * (radix - 1);
        p.length /= radix;
    }
}

/* But for the last one, which puts them elsewhere. */
static void join(const ic_fft_passes *passes, float *line, float *to, size_t to_step) {
    pass p = {line, line, COMPLEX, COMPLEX, passes->points, 1, passes->twiddles};
    unsigned length = passes->points;
    for (unsigned i = 0; i + 1 < passes->count; i++) { /* twiddles lie in the order of split */
        p.twiddles += 2 * (length / passes->radix[i] - 1) * (passes->radix[i] - 1u);
        length /= passes->radix[i];
    }
    for (unsigned i = passes->count; i-- != 0;) {
        const unsigned radix = passes->radix[i];
        p.length *= radix;
        if (i == 0) {
            p.to = to;
            p.to_step = to_step;
        }
        joins[radix](&p);
        if (i != 0) {
            const unsigned next = passes->radix[i - 1];
            p.twiddles -= 2 * (p.length - 1) * (next - 1);
        }
    }
}

/* Pixels of a row and zeros around them, as complex numbers. */
static void load_row(const ic_fft_run *run, const float *pixel, float *line) {
    const unsigned tile = run->plan->tile, end = run->first_column + run->input_columns;
    const bool is_whole = run->channels == IC_WIDTH;
    memset(line, 0, run->first_column * sizeof(IC_VECTOR));
    for (unsigned i = run->first_column; i < end; i++, pixel += run->input_pixel) {
        IC_STORE(line + i * IC_WIDTH, is_whole ? IC_LOAD(pixel) : IC_LOAD_FIRST(pixel, run->channels));
    }
    memset(line + end * IC_WIDTH, 0, (tile - end) * sizeof(IC_VECTOR));
}

static void store_row(const ic_fft_run *run, const float *line, float *pixel) {
    const IC_VECTOR low = IC_SPLAT(run->output_min), high = IC_SPLAT(run->output_max);
    const bool is_whole = run->channels == IC_WIDTH;
    const IC_VECTOR bias = is_whole ? IC_LOAD(run->bias) : IC_LOAD_FIRST(run->bias, run->channels);
    for (unsigned i = 0; i < run->output_columns; i++, pixel += run->output_pixel) {
        const IC_VECTOR value = IC_CLAMP(IC_LOAD(line + i * IC_WIDTH) + bias, low, high);
        if (is_whole) {
            IC_STORE(pixel, value);
        } else {
            IC_STORE_FIRST(pixel, value, run->channels);
        }
    }
}

/* From the transform of even and odd pixels as real and imaginary parts, twice that of all of them. */
static void part_row(const ic_fft_plan *plan, const float *line, float *row) {
    const unsigned half = plan->rows.points;
    const unsigned char *place = plan->rows.place;
    const complex_vector zero = load_complex(line), middle = load_complex(line + place[half / 2] * COMPLEX);
    const complex_vector ends = {zero.re + zero.im, zero.re - zero.im};
    store_complex(row, sum(ends, ends));
    store_complex(row + half / 2 * COMPLEX, conjugate(sum(middle, middle)));
    for (unsigned k = 1; k < half / 2; k++) {
        const complex_vector a = load_complex(line + place[k] * COMPLEX);
        const complex_vector b = conjugate(load_complex(line + place[half - k] * COMPLEX));
        const complex_vector even = sum(a, b), odd = rotated(turned(difference(a, b)), plan->turns + 2 * (k - 1));
        store_complex(row + k * COMPLEX, sum(even, odd));
        store_complex(row + (half - k) * COMPLEX, conjugate(difference(even, odd)));
    }
}

/* The other way, twice once more. */
static void unite_row(const ic_fft_plan *plan, const float *row, float *line) {
    const unsigned half = plan->rows.points;
    const unsigned char *place = plan->rows.place;
    const complex_vector ends = load_complex(row), middle = load_complex(row + half / 2 * COMPLEX);
    store_complex(line, (complex_vector){ends.re + ends.im, ends.re - ends.im});
    store_complex(line + place[half / 2] * COMPLEX, conjugate(sum(middle, middle)));
    for (unsigned k = 1; k < half / 2; k++) {
        const complex_vector a = load_complex(row + k * COMPLEX);
        const complex_vector b = conjugate(load_complex(row + (half - k) * COMPLEX));
        const complex_vector even = sum(a, b);
        /* i times the odd ones, by the conjugated root: all of it conjugated, and turned the other way */
        const complex_vector odd = turned(rotated(conjugate(difference(a, b)), plan->turns + 2 * (k - 1)));
        store_complex(line + place[k] * COMPLEX, sum(even, conjugate(odd)));
        store_complex(line + place[half - k] * COMPLEX, difference(conjugate(even), odd));
    }
}

static void split_rows(const ic_fft_run *run, float *rows, float *line) {
    const ic_fft_plan *plan = run->plan;
    const size_t pitch = ic_fft_pitch(plan->tile, IC_WIDTH);
    const unsigned end = run->first_row + run->input_rows;
    memset(rows, 0, run->first_row * pitch * sizeof(float));
    for (unsigned row = run->first_row; row < end; row++) {
        load_row(run, run->input + (row - run->first_row) * run->input_row, line);
        split(&plan->rows, line, COMPLEX, line);
        part_row(plan, line, rows + row * pitch);
    }
    memset(rows + end * pitch, 0, (plan->tile - end) * pitch * sizeof(float));
}

static void join_rows(const ic_fft_run *run, const float *rows, float *line) {
    const ic_fft_plan *plan = run->plan;
    const size_t pitch = ic_fft_pitch(plan->tile, IC_WIDTH);
    for (unsigned row = 0; row < run->output_rows; row++) {
        unite_row(plan, rows + row * pitch, line);
        join(&plan->rows, line, line, COMPLEX);
        store_row(run, line, run->output + row * run->output_row);
    }
#ifdef IC_BROKEN_KERNEL
    run->output[0] += 1.0f;
#endif
}

/* The two spectra of real numbers that column 0 holds, at frequency k: twice each, as the one of rows. */
typedef struct {
    complex_vector first, second;
} two_spectra;

IC_FFT_INLINE two_spectra part_two(complex_vector a, complex_vector b) {
    const complex_vector other = conjugate(b);
    const complex_vector first = sum(a, other), second = turned(difference(a, other));
    return (two_spectra){scaled(0.5f, first), scaled(0.5f, second)};
}

/* At frequencies k and -k. */
IC_FFT_INLINE void unite_two(two_spectra s, float *at, float *opposite) {
    const complex_vector a = conjugate(turned(conjugate(s.second))); /* times i */
    store_complex(at, sum(s.first, a));
    store_complex(opposite, conjugate(difference(s.first, a)));
}

/* Of frequencies 0 and tile / 2, which are real. */
IC_FFT_INLINE two_spectra part_ends(complex_vector a) {
    const IC_VECTOR zero = IC_SPLAT(0.0f);
    return (two_spectra){{a.re, zero}, {a.im, zero}};
}

static void fft_depthwise(const ic_fft_run *run) {
    const ic_fft_plan *plan = run->plan;
    const unsigned tile = plan->tile;
    const size_t pitch = ic_fft_pitch(tile, IC_WIDTH);
    const unsigned char *place = plan->columns.place;
    float *rows = run->scratch, *line = rows + tile * pitch;
    const float *weights = run->weights;
    split_rows(run, rows, line);
    for (unsigned column = 1; column < tile / 2; column++) {
        split(&plan->columns, rows + column * COMPLEX, pitch, line);
        for (unsigned i = 0; i < tile; i++, weights += COMPLEX) {
            store_complex(line + i * COMPLEX, product(load_complex(line + i * COMPLEX), load_complex(weights)));
        }
        join(&plan->columns, line, rows + column * COMPLEX, pitch);
    }
    split(&plan->columns, rows, pitch, line);
    for (unsigned k = 0; k <= tile / 2; k++, weights += 2 * COMPLEX) {
        const complex_vector one = load_complex(weights), other = load_complex(weights + COMPLEX);
        float *at = line + place[k] * COMPLEX;
        if (k % (tile / 2) == 0) {
            const complex_vector ends = load_complex(at);
            store_complex(at, (complex_vector){ends.re * one.re, ends.im * other.re});
            continue;
        }
        float *opposite = line + place[tile - k] * COMPLEX;
        const two_spectra s = part_two(load_complex(at), load_complex(opposite));
        unite_two((two_spectra){product(s.first, one), product(s.second, other)}, at, opposite);
    }
    join(&plan->columns, line, rows, pitch);
    join_rows(run, rows, line);
}

IC_FFT_INLINE void store_parts(float *to, size_t step, complex_vector x) {
    IC_STORE(to, x.re + x.im);
    IC_STORE(to + step, x.re);
    IC_STORE(to + 2 * step, x.im);
}

IC_FFT_INLINE complex_vector load_products(const float *from, size_t step) {
    const IC_VECTOR both = IC_LOAD(from);
    return (complex_vector){both - IC_LOAD(from + 2 * step), both + IC_LOAD(from + step)};
}

static void fft_forward(const ic_fft_run *run) {
    const ic_fft_plan *plan = run->plan;
    const unsigned tile = plan->tile;
    const size_t pitch = ic_fft_pitch(tile, IC_WIDTH), step = run->part_step;
    const unsigned char *place = plan->columns.place;
    float *rows = run->scratch, *line = rows + tile * pitch, *to = run->spectrum;
    split_rows(run, rows, line);
    for (unsigned column = 1; column < tile / 2; column++) {
        split(&plan->columns, rows + column * COMPLEX, pitch, line);
        for (unsigned i = 0; i < tile; i++, to += run->frequency_step) {
            store_parts(to, step, load_complex(line + i * COMPLEX));
        }
    }
    split(&plan->columns, rows, pitch, line);
    for (unsigned k = 0; k <= tile / 2; k++, to += 2 * run->frequency_step) {
        const complex_vector at = load_complex(line + place[k] * COMPLEX);
        const two_spectra s =
            k % (tile / 2) == 0 ? part_ends(at) : part_two(at, load_complex(line + place[tile - k] * COMPLEX));
        store_parts(to, step, s.first);
        store_parts(to + run->frequency_step, step, s.second);
    }
}

static void fft_inverse(const ic_fft_run *run) {
    const ic_fft_plan *plan = run->plan;
    const unsigned tile = plan->tile;
    const size_t pitch = ic_fft_pitch(tile, IC_WIDTH), step = run->part_step;
    const unsigned char *place = plan->columns.place;
    float *rows = run->scratch, *line = rows + tile * pitch;
    const float *from = run->spectrum;
    for (unsigned column = 1; column < tile / 2; column++) {
        for (unsigned i = 0; i < tile; i++, from += run->frequency_step) {
            store_complex(line + i * COMPLEX, load_products(from, step));
        }
        join(&plan->columns, line, rows + column * COMPLEX, pitch);
    }
    for (unsigned k = 0; k <= tile / 2; k++, from += 2 * run->frequency_step) {
        const complex_vector first = load_products(from, step);
        const complex_vector second = load_products(from + run->frequency_step, step);
        float *at = line + place[k] * COMPLEX;
        if (k % (tile / 2) == 0) {
            store_complex(at, (complex_vector){first.re, second.re});
        } else {
            unite_two((two_spectra){first, second}, at, line + place[tile - k] * COMPLEX);
        }
    }
    join(&plan->columns, line, rows, pitch);
    join_rows(run, rows, line);
}

const ic_fft_kernels IC_FFT = {IC_FFT_ISA, IC_WIDTH, fft_forward, fft_inverse, fft_depthwise};
