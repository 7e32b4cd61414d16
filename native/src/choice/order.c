/* SPDX-License-Identifier: Apache-2.0 */
#include "choice/order.h"

#include "choice/sizes.h"

/* What one loop reads again in every turn of the other one comes from beyond the L2 cache every time, unless all of it
 * stays there with what else a turn reads. Caches replace lines by less than perfect rules, and hold outputs too: so
 * three quarters of it count. From beyond an L3 cache, which other cores fill as well, bytes take about three times as
 * long as from it; a quarter of it counts. */
static double bytes_from_beyond(const ic_core *core, double bytes, double turns, double beside) {
    const double all = bytes + beside;
    if (all <= (double)core->l2 * 3 / 4) {
        return bytes;
    }
    return bytes * turns * (core->l3 > core->l2 && all > (double)core->l3 / 4 ? 3 : 1);
}

ic_order ic_order_by_rule(const ic_core *core, const ic_conv2d_desc *desc, const ic_geometry *geometry,
                          const ic_kernel *kernel) {
    /* A matrix is gone through once for each panel (or the weights once for each of its tiles), so what counts is how
     * much one matrix holds. Of a batch that is read in place, it holds all images: where one of them would stay in the
     * cache, they don't. Elsewhere every image has a matrix of its own, all of it is done again for the next one, and a
     * batch brings so many times the bytes in either order. */
    const ic_sizes sizes = ic_sizes_of(desc, geometry, ic_images_together(desc, geometry));
    const double panels = (double)ic_panels_of(sizes.outputs, kernel);
    const double tiles = (double)ic_tiles_of(sizes.pixels, kernel);
    const double depth_bytes = (double)sizes.depth * (double)sizes.element;
    const double tile = depth_bytes * kernel->rows, panel = depth_bytes * kernel->columns;
    const double matrix = depth_bytes * (double)sizes.pixels, weights = panel * panels;
    const double by_panel = weights + bytes_from_beyond(core, matrix, panels, panel);
    const double by_pixel = matrix + bytes_from_beyond(core, weights, tiles, tile);
    return by_pixel < by_panel ? IC_ORDER_PIXELS : IC_ORDER_PANELS;
}
