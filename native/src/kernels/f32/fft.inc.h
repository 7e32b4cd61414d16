/* SPDX-License-Identifier: Apache-2.0
 * Fourier transforms of tiles, written once, of the same instruction set as the file's other kernels: include it after
 * them, and with
 *
 *   IC_FFT, IC_FFT_ISA   name of the table of functions, and of the instruction set
 *
 * Of real pixels a line of half as many complex numbers is transformed (fft_line.inc.h), rows first. */
#include "kernels/fft.h"

#include <string.h>

#include "fft_line.inc.h"

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
