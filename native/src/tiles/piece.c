/* SPDX-License-Identifier: Apache-2.0 */
#include "tiles/piece.h"

#include "core/pool.h"

/* Work of one thread is shared out in so many pieces, of all images and groups that are shared at once; of each it has
 * no fewer than LEAST_SHARES. */
enum { SHARES = 16, LEAST_SHARES = 2 };

static size_t shares_of_each(const ic_tiled *tiled) {
    const ic_geometry *geometry = &tiled->base.geometry;
    const bool one_by_one = tiled->matrix != NULL && tiled->matrix_block == 0;
    const size_t images = geometry->batch * (geometry->output_height * geometry->output_width) / tiled->pixels;
    const size_t shares = one_by_one ? SHARES : SHARES / (images * tiled->base.desc.groups);
    return shares > LEAST_SHARES ? shares : LEAST_SHARES;
}

size_t ic_tiles_at_once(const ic_tiled *tiled, size_t panels) {
    const unsigned threads = ic_pool_threads(tiled->base.pool);
    size_t tiles = 0;
    if (threads == 1) {
        return tiled->base.schedule.block_tiles != 0 ? tiled->base.schedule.block_tiles : SIZE_MAX;
    }
    for (size_t i = 0; i < tiled->region_count; i++) {
        tiles += tiled->regions[i].tiling.tall + tiled->regions[i].tiling.low;
    }
    size_t most = tiles * (tiled->order == IC_ORDER_PIXELS ? 1 : panels) / (threads * shares_of_each(tiled));
    if (tiled->base.schedule.block_tiles != 0 && tiled->base.schedule.block_tiles < most) {
        most = tiled->base.schedule.block_tiles;
    }
    return most != 0 ? most : 1;
}

bool ic_next_piece(const ic_tiled *tiled, size_t most_tiles, ic_cursor *at, ic_piece *p) {
    if (at->region == tiled->region_count) {
        return false;
    }
    p->region = &tiled->regions[at->region];
    const ic_tiling *tiling = &p->region->tiling;
    const bool is_tall = at->tile < tiling->tall;
    const size_t left = (is_tall ? tiling->tall : tiling->tall + tiling->low) - at->tile;
    p->rows = is_tall ? tiling->tall_rows : tiling->low_rows;
    p->pixel = is_tall ? at->tile * tiling->tall_rows
                       : tiling->tall * tiling->tall_rows + (at->tile - tiling->tall) * tiling->low_rows;
    p->tiles = left < most_tiles ? left : most_tiles;
    at->tile += p->tiles;
    if (at->tile == tiling->tall + tiling->low) {
        at->region++;
        at->tile = 0;
    }
    return true;
}
