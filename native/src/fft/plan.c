/* SPDX-License-Identifier: Apache-2.0 */
#include "fft/plan.h"

#include <math.h>

static const struct {
    unsigned char tile, rows[IC_FFT_MOST_PASSES], columns[IC_FFT_MOST_PASSES];
} sizes[] = {
    {8, {4}, {8}},        {12, {3, 2}, {4, 3}},       {16, {8}, {4, 4}},       {20, {5, 2}, {5, 4}},
    {24, {4, 3}, {8, 3}}, {32, {4, 4}, {8, 4}},       {40, {5, 4}, {8, 5}},    {48, {8, 3}, {4, 4, 3}},
    {64, {8, 4}, {8, 8}}, {72, {4, 3, 3}, {8, 3, 3}}, {80, {8, 5}, {5, 4, 4}}, {96, {4, 4, 3}, {8, 4, 3}},
};

enum { SIZES = sizeof sizes / sizeof sizes[0] };

unsigned ic_fft_tile(unsigned index) {
    return index < SIZES ? sizes[index].tile : 0;
}

/* The n-th root of one, to a power; cosine and sine. */
static void put_root(double power, double n, float *to) {
    const double angle = -2 * 3.14159265358979323846 * power / n;
    to[0] = (float)cos(angle);
    to[1] = (float)sin(angle);
}

/* Where the passes leave frequency k. */
static unsigned place_of(const ic_fft_passes *passes, unsigned k) {
    unsigned place = 0, length = passes->points;
    for (unsigned i = 0; i < passes->count; i++) {
        length /= passes->radix[i];
        place += k % passes->radix[i] * length;
        k /= passes->radix[i];
    }
    return place;
}

/* Returns the end of the twiddles. */
static float *make_passes(ic_fft_passes *passes, unsigned points, const unsigned char *radices, float *twiddles,
                          unsigned char *places) {
    *passes = (ic_fft_passes){.points = points, .twiddles = twiddles, .place = places};
    for (unsigned length = points; passes->count < IC_FFT_MOST_PASSES && radices[passes->count] != 0;) {
        const unsigned radix = radices[passes->count];
        for (unsigned j = 1; j < length / radix; j++) {
            for (unsigned q = 1; q < radix; q++, twiddles += 2) {
                put_root(j * q, length, twiddles);
            }
        }
        passes->radix[passes->count++] = (unsigned char)radix;
        length /= radix;
    }
    for (unsigned k = 0; k < points; k++) {
        places[k] = (unsigned char)place_of(passes, k);
    }
    return twiddles;
}

void ic_fft_make_plan(unsigned tile, ic_fft_tables *tables, ic_fft_plan *plan) {
    unsigned index = 0;
    while (ic_fft_tile(index) != tile) {
        index++;
    }
    float *end = make_passes(&plan->columns, tile, sizes[index].columns, tables->numbers, tables->places);
    end = make_passes(&plan->rows, tile / 2, sizes[index].rows, end, tables->places + tile);
    plan->tile = tile;
    plan->turns = end;
    for (unsigned k = 1; k < tile / 4; k++) {
        put_root(k, tile, end + 2 * (k - 1));
    }
}

static size_t extent_of(uint32_t kernel, uint32_t dilation) {
    const size_t far = kernel - 1u;
    return far != 0 && dilation > SIZE_MAX / 2 / far ? SIZE_MAX / 2 : far * dilation + 1;
}

size_t ic_fft_extent(const ic_conv2d_desc *desc) {
    const size_t down = extent_of(desc->kernel_height, desc->dilation_height);
    const size_t across = extent_of(desc->kernel_width, desc->dilation_width);
    return down > across ? down : across;
}

/* A tile has as many outputs as the kernel has places in it. But where it holds the whole axis, what would come round
 * from the other end meets zeros alone: then it may have more. */
static ic_fft_axis cut_axis(size_t input, size_t output, size_t extent, size_t before, unsigned tile) {
    if (output <= tile && input + before <= tile && output + extent - 1 <= tile + before) {
        return (ic_fft_axis){1, output};
    }
    const size_t step = tile - extent + 1;
    return (ic_fft_axis){output / step + (output % step != 0), step};
}

ic_fft_cut ic_fft_cut_of(const ic_conv2d_desc *desc, const ic_geometry *geometry, unsigned tile) {
    return (ic_fft_cut){
        .down = cut_axis(geometry->input_height, geometry->output_height,
                         extent_of(desc->kernel_height, desc->dilation_height), desc->pad_top, tile),
        .across = cut_axis(geometry->input_width, geometry->output_width,
                           extent_of(desc->kernel_width, desc->dilation_width), desc->pad_left, tile),
    };
}

/* Of one image, in vectors of numbers that are moved or multiplied. */
static double cost_of(const ic_conv2d_desc *desc, const ic_geometry *geometry, unsigned tile) {
    const ic_fft_cut cut = ic_fft_cut_of(desc, geometry, tile);
    const double tiles = (double)cut.down.tiles * (double)cut.across.tiles, pixels = (double)tile * tile;
    const double transform = pixels * (log2(tile) + 3);
    const double inputs = (double)ic_group_inputs(desc), outputs = (double)ic_group_outputs(desc);
    if (ic_is_depthwise(desc)) {
        return tiles * transform;
    }
    /* Three products of half as many complex numbers; weights come from far. */
    const double products = 1.5 * pixels * inputs * outputs;
    return tiles * (transform * (inputs + outputs) + products / 4) + 3 * products;
}

unsigned ic_fft_choose_tile(const ic_conv2d_desc *desc, const ic_geometry *geometry) {
    unsigned best = 0;
    double least = 0;
    for (unsigned i = 0; ic_fft_tile(i) != 0; i++) {
        const unsigned tile = ic_fft_tile(i);
        if (tile >= ic_fft_extent(desc)) {
            const double cost = cost_of(desc, geometry, tile);
            if (best == 0 || cost < least) {
                best = tile;
                least = cost;
            }
        }
    }
    return best;
}
