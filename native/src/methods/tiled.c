/* SPDX-License-Identifier: Apache-2.0
 * Tiles of pixels by panels of channels, over pointers (indirect), a patch matrix (im2col) or the input itself. */
#include "choice/model.h"
#include "choice/sizes.h"
#include "core/error.h"
#include "core/memory.h"
#include "core/pool.h"
#include "methods/method.h"
#include "methods/panels.h"
#include "tiles/indirection.h"
#include "tiles/matrix.h"
#include "tiles/piece.h"
#include "tiles/run.h"

#include <string.h>

static bool covers(const ic_conv2d *conv) {
    if (conv->chooser.asked == IC_ALGORITHM_FFT || conv->chooser.asked == IC_ALGORITHM_WINOGRAD) {
        return false;
    }
    return conv->chooser.asked != IC_ALGORITHM_DIRECT || ic_reads_in_place(&conv->desc);
}

static ic_status pack(ic_conv2d *conv, const void *weights, const void *bias) {
    ic_tiled *tiled = (ic_tiled *)conv;
    const ic_conv2d_desc *desc = &conv->desc;
    tiled->packing = (ic_packing){desc->groups, ic_group_outputs(desc), ic_taps(desc) * ic_group_inputs(desc)};
    return ic_make_panels(conv, &tiled->packing, weights, bias);
}

/* Zeros for the longest tap that any region has. */
static ic_status make_padding(ic_tiled *tiled) {
    size_t channels = 0;
    for (size_t i = 0; i < tiled->region_count; i++) {
        channels = tiled->regions[i].channels > channels ? tiled->regions[i].channels : channels;
    }
    if (channels == 0) {
        return IC_OK;
    }
    const size_t bytes = channels * tiled->base.element;
    tiled->padding = ic_take(&tiled->base, bytes, IC_MEMORY_PADDING);
    if (tiled->padding == NULL) {
        return ic_fail_memory("the row of zeros", bytes);
    }
    memset(tiled->padding, 0, bytes);
    return IC_OK;
}

/* The indirection buffer, and where the pixels are split, the regions. */
static ic_status make_pointers(ic_tiled *tiled) {
    const ic_conv2d *conv = &tiled->base;
    const ic_split split = conv->schedule.split;
    const unsigned rows = conv->schedule.kernel->rows;
    ic_region_sizes sizes;
    if (!ic_count_regions(&conv->desc, &conv->geometry, rows, split, &sizes)) {
        return ic_fail(IC_OVERFLOW, "height and width: the pointers are no array");
    }
    const size_t region_bytes = sizes.regions * sizeof(ic_region);
    const size_t bytes = region_bytes + sizes.entries * sizeof(ptrdiff_t);
    tiled->pointers = ic_take(&tiled->base, bytes, IC_MEMORY_POINTERS);
    if (tiled->pointers == NULL) {
        return ic_fail_memory("the pointers", bytes);
    }
    ic_region *regions = tiled->pointers;
    tiled->offsets = (ptrdiff_t *)(void *)((char *)tiled->pointers + region_bytes);
    if (split != IC_SPLIT_NOT) {
        tiled->regions = regions;
        tiled->region_count = sizes.regions;
        ic_fill_regions(&conv->desc, &conv->geometry, rows, split, regions, tiled->offsets);
    } else {
        ic_fill_offsets(&conv->desc, &conv->geometry, rows, tiled->offsets);
    }
    return sizes.padding != 0 ? make_padding(tiled) : IC_OK;
}

/* The matrix, whole or a block for each thread. A block that was chosen needs no more than the whole, however many
 * threads there are. */
static ic_status make_matrix(ic_tiled *tiled) {
    ic_conv2d *conv = &tiled->base;
    const size_t all = tiled->pixels;
    const unsigned threads = ic_pool_threads(conv->pool);
    size_t pixels = all, bytes;
    if (conv->schedule.block_tiles != 0) {
        const size_t block = ic_tiles_at_once(tiled, 1) * conv->schedule.kernel->rows;
        pixels = block < all ? block : all;
        if (conv->chooser.model_kernel != NULL && pixels > all / threads) {
            conv->schedule.block_tiles = 0;
            pixels = all;
        }
    }
    bool fits = ic_matrix_size(&conv->desc, pixels, &bytes);
    if (fits && conv->schedule.block_tiles != 0) {
        tiled->matrix_block = bytes;
        fits = ic_multiply(&bytes, threads) && ic_is_array_size(bytes);
    }
    if (!fits) {
        return ic_fail(IC_OVERFLOW, "height and width: the patch matrix of %zu pixels is no array", pixels);
    }
    tiled->matrix = ic_take(conv, bytes, IC_MEMORY_MATRIX);
    return tiled->matrix != NULL ? IC_OK : ic_fail_memory("the patch matrix", bytes);
}

/* The order in which the loops run. */
static ic_order order_of(const ic_conv2d *conv) {
    const ic_schedule *schedule = &conv->schedule;
    if (schedule->block_tiles != 0) {
        return IC_ORDER_PIXELS;
    }
    if (schedule->split != IC_SPLIT_NOT || schedule->order == IC_ORDER_PANELS) {
        return IC_ORDER_PANELS;
    }
    return schedule->order == IC_ORDER_PIXELS
               ? IC_ORDER_PIXELS
               : ic_order_by_rule(&conv->chooser.core, &conv->desc, &conv->geometry, schedule->kernel);
}

static ic_status shape(ic_conv2d *conv) {
    ic_tiled *tiled = (ic_tiled *)conv;
    const ic_geometry *geometry = &conv->geometry;
    ic_status status = ic_choose_panels(conv, &tiled->packing);
    if (status != IC_OK) {
        return status;
    }
    const ic_kernel *kernel = conv->schedule.kernel;
    tiled->fetch = IC_FETCH_NOTHING;
    if (conv->schedule.ahead) {
        tiled->fetch = ic_choose_fetch(&conv->chooser.core, &conv->desc, geometry, kernel, conv->schedule.split);
    }
    const bool by_tap = conv->algorithm == IC_ALGORITHM_INDIRECT; /* of a matrix: one tap that holds all of K */
    tiled->pixels = geometry->output_height * geometry->output_width;
    tiled->pixels *= by_tap ? 1 : ic_images_together(&conv->desc, geometry);
    tiled->whole = (ic_region){.tiling = ic_make_tiling(tiled->pixels, kernel->rows),
                               .taps = by_tap ? ic_taps(&conv->desc) : 1,
                               .channels = by_tap ? ic_group_inputs(&conv->desc) : tiled->packing.products};
    tiled->regions = &tiled->whole;
    tiled->region_count = 1;
    if (by_tap) {
        status = make_pointers(tiled);
    } else if (conv->algorithm == IC_ALGORITHM_IM2COL && !ic_reads_in_place(&conv->desc)) {
        status = make_matrix(tiled);
    }
    tiled->order = order_of(conv);
    return status;
}

static void run(const ic_conv2d *conv, const void *input, void *output) {
    ic_run_tiled((const ic_tiled *)conv, input, output);
}

static void release(ic_conv2d *conv) {
    ic_tiled *tiled = (ic_tiled *)conv;
    ic_give_back(conv, tiled->pointers, IC_MEMORY_POINTERS);
    ic_give_back(conv, tiled->matrix, IC_MEMORY_MATRIX);
    ic_give_back(conv, tiled->padding, IC_MEMORY_PADDING);
    tiled->pointers = NULL;
    tiled->offsets = NULL;
    tiled->matrix = NULL;
    tiled->matrix_block = 0;
    tiled->padding = NULL;
    tiled->order = IC_ORDER_BY_RULE;
}

const ic_method ic_method_tiled = {"tiled",          sizeof(ic_tiled),    covers, pack, shape, run, release,
                                   ic_bound_of_sums, IC_BOUND_OF_PRODUCTS};
