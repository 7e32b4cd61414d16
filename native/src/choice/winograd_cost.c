/* SPDX-License-Identifier: Apache-2.0 */
#include "choice/winograd_cost.h"

#include "choice/model.h"

enum { LARGEST = 6, FEWEST_CHANNELS = 16 };

/* By tile: the multiple of a plain sum's error (root of the mean square, of data of one size) that it stays below, from
 * 16 channels on: docs/kernels.md. */
static const struct {
    unsigned tile;
    double error;
} errors[] = {{2, 1}, {4, 4}, {6, 12}};

unsigned ic_winograd_allowed(double allowed_error) {
    unsigned tile = 0;
    for (size_t i = 0; i < sizeof errors / sizeof errors[0]; i++) {
        tile = allowed_error >= errors[i].error ? errors[i].tile : tile;
    }
    return tile;
}

/* Bytes per cycle from beyond the L2 cache; the share of the shorter one of multiplying and waiting for weights that
 * the longer one does not hide; cycles to transform a vector of channels, for each of its points and outputs; how much
 * faster it has to be. */
static const double bandwidth = 8, shown = 0.4, transform = 3, clearly = 0.95;

static double ceiling(double count, double of) {
    return (double)(size_t)((count + of - 1) / of);
}

static double cycles_of_tile(const ic_core *core, const ic_conv2d_desc *desc, const ic_geometry *geometry,
                             const ic_kernel *kernel, unsigned tile) {
    const double inputs = (double)ic_group_inputs(desc), outputs = (double)ic_group_outputs(desc);
    const double points = (tile + 2) * (tile + 2), width = kernel->cost.width;
    const double down = ceiling((double)geometry->output_height, tile);
    const double tiles = (double)geometry->batch * down * ceiling((double)geometry->output_width, tile);
    const double columns = kernel->columns, room = (double)core->l2 / 2 / (4 * points * (inputs + columns));
    const double blocks = ceiling(tiles, room > kernel->rows ? room : kernel->rows);
    const double multiply =
        points * inputs * (double)ic_cycles_of_product(core, kernel, ic_group_outputs(desc), (size_t)tiles);
    const double weights = 4 * points * inputs * outputs, wait = weights * blocks / bandwidth;
    const double longer = multiply > wait ? multiply : wait, shorter = multiply + wait - longer;
    const double vectors = ceiling(inputs, width) + ceiling(outputs, width);
    const double loads = kernel->cost.width == 1 ? 2 : 1; /* plain code transforms no faster than it multiplies */
    return longer + (weights > (double)core->l2 / 2 ? shown * shorter : 0) +
           transform * loads * tiles * points * vectors;
}

unsigned ic_choose_winograd(const ic_core *core, const ic_conv2d_desc *desc, const ic_geometry *geometry,
                            const ic_kernel *kernel, unsigned most, bool is_free) {
    const size_t pixels = geometry->batch * geometry->output_height * geometry->output_width;
    unsigned best = 0;
    double least = 0;
    if (is_free) {
        if (ic_group_inputs(desc) < FEWEST_CHANNELS || ic_group_outputs(desc) < FEWEST_CHANNELS) {
            return 0;
        }
        least = clearly * (double)(ic_taps(desc) * ic_group_inputs(desc)) *
                (double)ic_cycles_of_product(core, kernel, ic_group_outputs(desc), pixels);
    }
    for (unsigned tile = 2; tile <= most && tile <= LARGEST; tile += 2) {
        const double cycles = cycles_of_tile(core, desc, geometry, kernel, tile);
        if (least == 0 || cycles < least) {
            best = tile;
            least = cycles;
        }
    }
    return best;
}
