/* SPDX-License-Identifier: Apache-2.0
 * Life of an object: create, reshape, run, destroy. */
#include "object.h"
#include "choice/model.h"
#include "core/core.h"
#include "methods/depthwise.h"
#include "introspect.h"
#include "core/memory.h"
#include "core/pool.h"
#include "choice/tuned.h"

#include <string.h>

static void *take(ic_conv2d *conv, size_t bytes, ic_memory kind) {
    void *memory = conv->allocator.allocate(conv->allocator.context, bytes, IC_ALIGNMENT, kind);
    if (memory != NULL) {
        conv->bytes[kind] = bytes;
    }
    return memory;
}

static void give_back(ic_conv2d *conv, void *memory, ic_memory kind) {
    if (memory != NULL) {
        conv->allocator.release(conv->allocator.context, memory, conv->bytes[kind], kind);
        conv->bytes[kind] = 0;
    }
}

/* The kernel of the published algorithms: the first of the table that this CPU can run. */
static const ic_kernel *default_kernel(void) {
    const unsigned features = ic_core_features();
    unsigned index = 0;
    const ic_kernel *kernel;
    do {
        kernel = ic_kernel_table(index++); /* the last one needs nothing */
    } while ((kernel->needs & ~features) != 0);
    return kernel;
}

static ic_status store_weights(ic_conv2d *conv, const float *weights, const float *bias) {
    const ic_conv2d_desc *desc = &conv->desc;
    size_t bytes;
    if (conv->schedule.kernel != NULL) {
        if (!ic_packed_weights_size(conv, &bytes)) {
            return IC_OVERFLOW;
        }
        conv->weights = take(conv, bytes, IC_MEMORY_WEIGHTS);
        if (conv->weights == NULL) {
            return IC_OUT_OF_MEMORY;
        }
        ic_pack_weights(conv, weights, bias);
        return IC_OK;
    }
    const size_t count = desc->out_channels * ic_taps(desc) * ic_group_inputs(desc);
    bytes = count;
    if (!ic_add(&bytes, desc->out_channels) || !ic_multiply(&bytes, sizeof(float)) || !ic_is_array_size(bytes)) {
        return IC_OVERFLOW;
    }
    conv->weights = take(conv, bytes, IC_MEMORY_WEIGHTS);
    if (conv->weights == NULL) {
        return IC_OUT_OF_MEMORY;
    }
    memcpy(conv->weights, weights, count * sizeof(float));
    if (bias != NULL) {
        memcpy(conv->weights + count, bias, desc->out_channels * sizeof(float));
    } else {
        memset(conv->weights + count, 0, desc->out_channels * sizeof(float));
    }
    return IC_OK;
}

/* Options of this version, from those of the caller, who may know fewer. */
static ic_status read_options(const ic_options *given, ic_options *options) {
    const size_t oldest = offsetof(ic_options, pool), older = offsetof(ic_options, tuned);
    *options = (ic_options)IC_OPTIONS_INIT;
    if (given == NULL) {
        return IC_OK;
    }
    if (given->struct_size != sizeof *options && given->struct_size != older && given->struct_size != oldest) {
        return IC_INVALID_ARGUMENT;
    }
    memcpy(options, given, given->struct_size);
    const ic_allocator *allocator = options->allocator;
    if ((unsigned)options->algorithm > IC_ALGORITHM_AUTO ||
        (allocator != NULL && (allocator->allocate == NULL || allocator->release == NULL))) {
        return IC_INVALID_ARGUMENT;
    }
    return IC_OK;
}

/* What to compute with, as far as it doesn't depend on the input's size. */
static ic_status choose_or_parse(ic_conv2d *conv, const ic_options *options) {
    const bool is_auto = options->algorithm == IC_ALGORITHM_AUTO;
    const bool is_best =
        options->kernel != NULL && strcmp(options->kernel, "best") == 0 && options->algorithm != IC_ALGORITHM_NAIVE;
    conv->asked = conv->algorithm = options->algorithm;
    if (conv->algorithm == IC_ALGORITHM_DIRECT && !ic_reads_in_place(&conv->desc)) {
        return IC_UNSUPPORTED;
    }
    if (options->kernel != NULL && !is_best) {
        if (is_auto) {
            return IC_INVALID_ARGUMENT;
        }
        const ic_status status = ic_parse_schedule(conv->algorithm, options->kernel, &conv->schedule);
        conv->core = ic_core_here();
        return status;
    }
    if (conv->algorithm == IC_ALGORITHM_NAIVE) {
        return IC_OK;
    }
    conv->is_chosen = is_auto || is_best;
    conv->core = ic_core_here();
    if (conv->is_chosen) {
        const size_t outputs =
            conv->asked == IC_ALGORITHM_IM2COL ? ic_group_outputs(&conv->desc) : ic_columns_of(&conv->desc);
        conv->model_kernel = ic_choose_kernel(&conv->core, outputs, IC_MANY_PIXELS);
        conv->schedule.kernel = conv->model_kernel;
    } else {
        conv->schedule.kernel = default_kernel();
    }
    return IC_OK;
}

static ic_status begin_schedule(ic_conv2d *conv, const ic_options *options) {
    const ic_status status = choose_or_parse(conv, options);
    const bool has_regions =
        conv->asked == IC_ALGORITHM_AUTO ||
        (conv->asked == IC_ALGORITHM_INDIRECT && (conv->is_chosen || conv->schedule.split == IC_SPLIT_REGIONS));
    conv->is_depthwise = has_regions && ic_is_depthwise(&conv->desc);
    return status;
}

ic_status ic_conv2d_create(const ic_conv2d_desc *desc, const float *weights, const float *bias, const ic_options *given,
                           ic_conv2d **conv) {
    ic_options options;
    if (conv == NULL) {
        return IC_INVALID_ARGUMENT;
    }
    *conv = NULL;
    if (desc == NULL || weights == NULL || !ic_is_aligned(weights) || !ic_is_aligned(bias)) {
        return IC_INVALID_ARGUMENT;
    }
    ic_conv2d draft = {.is_shaped = false};
    ic_status status = read_options(given, &options);
    if (status == IC_OK) {
        status = ic_read_desc(desc, &draft.desc);
    }
    if (status == IC_OK) {
        draft.allocator = options.allocator != NULL ? *options.allocator : ic_default_allocator();
        draft.pool = options.pool;
        draft.tuned = options.algorithm == IC_ALGORITHM_AUTO ? options.tuned : NULL;
        status = begin_schedule(&draft, &options);
    }
    if (status != IC_OK) {
        return status;
    }
    ic_conv2d *made = draft.allocator.allocate(draft.allocator.context, sizeof *made, IC_ALIGNMENT, IC_MEMORY_OBJECT);
    if (made == NULL) {
        return IC_OUT_OF_MEMORY;
    }
    *made = draft;
    made->bytes[IC_MEMORY_OBJECT] = sizeof *made;
    status = store_weights(made, weights, bias);
    if (status != IC_OK) {
        ic_conv2d_destroy(made);
        return status;
    }
    *conv = made;
    return IC_OK;
}

static void drop_shape(ic_conv2d *conv) {
    give_back(conv, conv->pointers, IC_MEMORY_POINTERS);
    give_back(conv, conv->matrix, IC_MEMORY_MATRIX);
    give_back(conv, conv->padding, IC_MEMORY_PADDING);
    conv->pointers = NULL;
    conv->offsets = NULL;
    conv->matrix = NULL;
    conv->matrix_block = 0;
    conv->padding = NULL;
    conv->order = IC_ORDER_BY_RULE;
    conv->is_shaped = false;
}

/* Zeros for the longest tap that any region has. */
static ic_status make_padding(ic_conv2d *conv) {
    size_t channels = 0;
    for (size_t i = 0; i < conv->region_count; i++) {
        channels = conv->regions[i].channels > channels ? conv->regions[i].channels : channels;
    }
    if (channels == 0) {
        return IC_OK;
    }
    const size_t bytes = channels * sizeof(float);
    conv->padding = take(conv, bytes, IC_MEMORY_PADDING);
    if (conv->padding == NULL) {
        return IC_OUT_OF_MEMORY;
    }
    memset(conv->padding, 0, bytes);
    return IC_OK;
}

/* The indirection buffer, and where the pixels are split, the regions. */
static ic_status make_pointers(ic_conv2d *conv) {
    const ic_split split = conv->schedule.split;
    ic_region_sizes sizes;
    if (!ic_count_regions(&conv->desc, &conv->geometry, conv->schedule.kernel->rows, split, &sizes)) {
        return IC_OVERFLOW;
    }
    const size_t region_bytes = sizes.regions * sizeof(ic_region);
    conv->pointers = take(conv, region_bytes + sizes.entries * sizeof(int64_t), IC_MEMORY_POINTERS);
    if (conv->pointers == NULL) {
        return IC_OUT_OF_MEMORY;
    }
    ic_region *regions = conv->pointers;
    conv->offsets = (int64_t *)(void *)((char *)conv->pointers + region_bytes);
    if (split != IC_SPLIT_NOT) {
        conv->regions = regions;
        conv->region_count = sizes.regions;
        ic_fill_regions(&conv->desc, &conv->geometry, conv->schedule.kernel->rows, split, regions, conv->offsets);
    } else {
        ic_fill_offsets(&conv->desc, &conv->geometry, conv->schedule.kernel->rows, conv->offsets);
    }
    return sizes.padding != 0 ? make_padding(conv) : IC_OK;
}

/* The matrix, whole or a block for each thread. A block that was chosen needs no more than the whole, however many
 * threads there are. */
static ic_status make_matrix(ic_conv2d *conv) {
    const size_t all = conv->pixels;
    const unsigned threads = ic_pool_threads(conv->pool);
    size_t pixels = all, bytes;
    if (conv->schedule.block_tiles != 0) {
        const size_t block = ic_tiles_at_once(conv, 1) * conv->schedule.kernel->rows;
        pixels = block < all ? block : all;
        if (conv->is_chosen && pixels > all / threads) {
            conv->schedule.block_tiles = 0;
            pixels = all;
        }
    }
    if (!ic_matrix_size(&conv->desc, pixels, &bytes)) {
        return IC_OVERFLOW;
    }
    if (conv->schedule.block_tiles != 0) {
        conv->matrix_block = bytes / sizeof(float);
        if (!ic_multiply(&bytes, threads) || !ic_is_array_size(bytes)) {
            return IC_OVERFLOW;
        }
    }
    conv->matrix = take(conv, bytes, IC_MEMORY_MATRIX);
    return conv->matrix != NULL ? IC_OK : IC_OUT_OF_MEMORY;
}

/* Packs the weights, which are packed for the schedule's kernel, for another one. On failure they are as before. */
static ic_status change_kernel(ic_conv2d *conv, const ic_kernel *kernel) {
    const ic_kernel *before = conv->schedule.kernel;
    float *old = conv->weights;
    size_t old_bytes = conv->bytes[IC_MEMORY_WEIGHTS], bytes;
    conv->schedule.kernel = kernel;
    if (kernel->columns == before->columns) {
        return IC_OK;
    }
    const bool fits = ic_packed_weights_size(conv, &bytes);
    float *made = fits ? take(conv, bytes, IC_MEMORY_WEIGHTS) : NULL;
    if (made == NULL) {
        conv->schedule.kernel = before;
        return fits ? IC_OUT_OF_MEMORY : IC_OVERFLOW;
    }
    ic_repack_weights(conv, before, old, kernel, made);
    conv->weights = made;
    conv->allocator.release(conv->allocator.context, old, old_bytes, IC_MEMORY_WEIGHTS);
    return IC_OK;
}

/* By the table, where it knows the layer, else by the model. */
static ic_status choose(ic_conv2d *conv) {
    const ic_tuned_choice *known =
        ic_tuned_find(conv->tuned, &conv->desc, &conv->geometry, ic_pool_threads(conv->pool));
    if (known != NULL && conv->is_depthwise && known->schedule.split != IC_SPLIT_REGIONS) {
        known = NULL; /* written by hand: the weights are packed for what ic_candidates offers */
    }
    const ic_kernel *kernel = known != NULL ? known->schedule.kernel : conv->model_kernel;
    const ic_status status = change_kernel(conv, kernel);
    if (status != IC_OK) {
        return status;
    }
    conv->is_from_table = known != NULL;
    if (known != NULL) {
        conv->algorithm = known->algorithm;
        conv->schedule = known->schedule;
        return IC_OK;
    }
    conv->algorithm = conv->asked;
    ic_choose_schedule(&conv->core, &conv->desc, &conv->geometry, ic_pool_threads(conv->pool), &conv->algorithm,
                       &conv->schedule);
    return IC_OK;
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
               : ic_order_by_rule(&conv->core, &conv->desc, &conv->geometry, schedule->kernel);
}

static ic_status shape(ic_conv2d *conv) {
    const ic_geometry *geometry = &conv->geometry;
    if (conv->schedule.kernel == NULL) {
        return IC_OK;
    }
    if (conv->is_chosen) {
        const ic_status status = choose(conv);
        if (status != IC_OK) {
            return status;
        }
    }
    conv->fetch = conv->schedule.ahead ? ic_choose_fetch(&conv->core, &conv->desc, &conv->geometry,
                                                         conv->schedule.kernel, conv->schedule.split)
                                       : IC_FETCH_NOTHING;
    if (conv->is_depthwise) {
        return IC_OK; /* nothing depends on the input's size */
    }
    conv->pixels = geometry->output_height * geometry->output_width;
    if (conv->algorithm != IC_ALGORITHM_INDIRECT && ic_reads_in_place(&conv->desc)) {
        conv->pixels *= geometry->batch; /* images follow one another like rows */
    }
    const size_t taps = ic_taps(&conv->desc), channels = ic_group_inputs(&conv->desc);
    const bool by_tap = conv->algorithm == IC_ALGORITHM_INDIRECT; /* of a matrix: one tap that holds all of K */
    conv->whole = (ic_region){.tiling = ic_make_tiling(conv->pixels, conv->schedule.kernel->rows),
                              .taps = by_tap ? taps : 1,
                              .channels = by_tap ? channels : taps * channels};
    conv->regions = &conv->whole;
    conv->region_count = 1;
    ic_status status = IC_OK;
    if (by_tap) {
        status = make_pointers(conv);
    } else if (conv->algorithm == IC_ALGORITHM_IM2COL && !ic_reads_in_place(&conv->desc)) {
        status = make_matrix(conv);
    }
    conv->order = order_of(conv);
    return status;
}

ic_status ic_conv2d_reshape(ic_conv2d *conv, size_t batch, size_t height, size_t width) {
    if (conv == NULL) {
        return IC_INVALID_ARGUMENT;
    }
    const ic_geometry *old = &conv->geometry;
    if (conv->is_shaped && old->input_height == height && old->input_width == width && old->batch == batch) {
        return IC_OK;
    }
    drop_shape(conv);
    ic_status status = ic_make_geometry(&conv->desc, batch, height, width, &conv->geometry);
    if (status == IC_OK) {
        status = shape(conv);
    }
    if (status != IC_OK) {
        drop_shape(conv);
        return status;
    }
    ic_print_schedule(&conv->schedule, conv->schedule_name);
    conv->is_shaped = true;
    return IC_OK;
}

ic_status ic_conv2d_run(ic_conv2d *conv, const float *input, float *output) {
    if (conv == NULL || input == NULL || output == NULL || !ic_is_aligned(input) || !ic_is_aligned(output)) {
        return IC_INVALID_ARGUMENT;
    }
    if (!conv->is_shaped) {
        return IC_BAD_STATE;
    }
    if (conv->schedule.kernel == NULL) {
        ic_run_naive(conv, input, output);
    } else if (conv->is_depthwise) {
        ic_run_depthwise(conv, input, output);
    } else {
        ic_run_tiled(conv, input, output);
    }
    return IC_OK;
}

ic_status ic_conv2d_get_info(const ic_conv2d *conv, ic_conv2d_info *info) {
    if (conv == NULL || info == NULL || info->struct_size != sizeof *info) {
        return IC_INVALID_ARGUMENT;
    }
    if (!conv->is_shaped) {
        return IC_BAD_STATE;
    }
    info->algorithm = conv->algorithm;
    info->kernel = conv->schedule_name;
    info->batch = conv->geometry.batch;
    info->input_height = conv->geometry.input_height;
    info->input_width = conv->geometry.input_width;
    info->output_height = conv->geometry.output_height;
    info->output_width = conv->geometry.output_width;
    memcpy(info->bytes, conv->bytes, sizeof info->bytes);
    return IC_OK;
}

void ic_conv2d_destroy(ic_conv2d *conv) {
    if (conv == NULL) {
        return;
    }
    drop_shape(conv);
    give_back(conv, conv->weights, IC_MEMORY_WEIGHTS);
    const ic_allocator allocator = conv->allocator;
    allocator.release(allocator.context, conv, sizeof *conv, IC_MEMORY_OBJECT);
}
