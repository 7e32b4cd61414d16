/* SPDX-License-Identifier: Apache-2.0 */
#include "choice/sizes.h"

#include "core/type.h"

ic_sizes ic_sizes_of(const ic_conv2d_desc *desc, const ic_geometry *geometry, size_t images) {
    ic_sizes sizes = {.element = ic_type_of(desc->type)->bytes,
                      .inputs = ic_group_inputs(desc),
                      .outputs = ic_group_outputs(desc),
                      .depth = ic_taps(desc) * ic_group_inputs(desc),
                      .pixels = images * geometry->output_height * geometry->output_width,
                      .is_in_place = ic_reads_in_place(desc),
                      .splits = ic_taps(desc) > 1 || ic_has_padding(desc)};
    sizes.image = images * geometry->input_height * geometry->input_width * sizes.inputs * sizes.element;
    if (!ic_matrix_size(desc, sizes.pixels, &sizes.matrix)) {
        sizes.matrix = SIZE_MAX; /* im2col will refuse it */
    }
    sizes.most_extra = sizes.matrix < SIZE_MAX / desc->groups ? sizes.matrix * desc->groups : SIZE_MAX;
    return sizes;
}
