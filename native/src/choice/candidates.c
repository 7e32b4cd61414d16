/* SPDX-License-Identifier: Apache-2.0 */
#include "choice/candidates.h"

#include "choice/model.h"
#include "choice/sizes.h"
#include "kernels/table.h"

typedef struct {
    const ic_core *core;
    const ic_conv2d_desc *desc;
    const ic_geometry *geometry;
    ic_tuned_choice *choices;
    unsigned count;
} list;

static void add_in_order(list *l, ic_algorithm algorithm, const ic_kernel *kernel, ic_split split, unsigned block,
                         ic_order order) {
    if (l->count < IC_MOST_CANDIDATES) {
        const bool ahead = ic_choose_fetch(l->core, l->desc, l->geometry, kernel, split) != IC_FETCH_NOTHING;
        l->choices[l->count++] = (ic_tuned_choice){
            algorithm, {.kernel = kernel, .split = split, .block_tiles = block, .order = order, .ahead = ahead}};
    }
}

static void add(list *l, ic_algorithm algorithm, const ic_kernel *kernel, ic_split split, unsigned block) {
    add_in_order(l, algorithm, kernel, split, block, IC_ORDER_BY_RULE);
}

/* Without blocks; with the fewest tiles that still are a block, and four times as many; with what fills a quarter, half
 * and three quarters of the L2 cache, where all tiles read `bytes`. */
static void add_blocks(list *l, ic_algorithm algorithm, const ic_kernel *kernel, ic_split split, size_t tiles,
                       size_t bytes) {
    const unsigned least = 8;
    unsigned before = least;
    add(l, algorithm, kernel, split, 0);
    if (tiles <= least) {
        return;
    }
    add(l, algorithm, kernel, split, least);
    if (tiles > 4 * least) {
        add(l, algorithm, kernel, split, 4 * least);
        before = 4 * least;
    }
    for (unsigned quarter = 1; quarter <= 3; quarter++) {
        const double room = (double)l->core->l2 / 4 * quarter, block = (double)tiles * room / (double)bytes;
        if (block < (double)tiles && block < 4096 && (unsigned)block > before) {
            before = (unsigned)block;
            add(l, algorithm, kernel, split, before);
        }
    }
}

unsigned ic_candidates(const ic_core *core, const ic_conv2d_desc *desc, const ic_geometry *geometry, unsigned threads,
                       ic_tuned_choice choices[IC_MOST_CANDIDATES]) {
    list l = {core, desc, geometry, choices, 0};
    const bool in_place = ic_reads_in_place(desc);
    const ic_sizes sizes = ic_sizes_of(desc, geometry, ic_images_together(desc, geometry));
    const size_t read = ic_read_bytes(&sizes);
    const ic_kernel *kernel;
    for (unsigned i = 0; (kernel = ic_kernel_table(i)) != NULL; i++) {
        if (kernel->type != desc->type || (kernel->needs & ~core->features) != 0) {
            continue;
        }
        if (ic_is_depthwise(desc)) {
            add(&l, IC_ALGORITHM_INDIRECT, kernel, IC_SPLIT_REGIONS, 0);
            continue;
        }
        const size_t tiles = ic_tiles_of(sizes.pixels, kernel);
        /* One thread and one panel: blocks change nothing, save how long im2col's matrix is. */
        const size_t cut = sizes.outputs > kernel->columns || threads > 1 ? tiles : 0;
        if (in_place) {
            add_blocks(&l, IC_ALGORITHM_DIRECT, kernel, IC_SPLIT_NOT, cut, read);
        } else {
            const bool by_pixel = ic_order_by_rule(core, desc, geometry, kernel) == IC_ORDER_PIXELS;
            add_blocks(&l, IC_ALGORITHM_IM2COL, kernel, IC_SPLIT_NOT, tiles, sizes.matrix);
            add_in_order(&l, IC_ALGORITHM_IM2COL, kernel, IC_SPLIT_NOT, 0,
                         by_pixel ? IC_ORDER_PANELS : IC_ORDER_PIXELS);
        }
        if (sizes.splits) {
            add_blocks(&l, IC_ALGORITHM_INDIRECT, kernel, IC_SPLIT_REGIONS, cut, read);
        }
        if (ic_has_padding(desc)) {
            add(&l, IC_ALGORITHM_INDIRECT, kernel, IC_SPLIT_TAPS, 0);
        }
        add_blocks(&l, IC_ALGORITHM_INDIRECT, kernel, IC_SPLIT_NOT, cut, read);
    }
    return l.count;
}
