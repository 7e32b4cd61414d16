/* SPDX-License-Identifier: Apache-2.0 */
#include "worker/copies.h"

unsigned copies_count(const sample_request *request) {
    const size_t *bytes = request->bytes;
    size_t one = bytes[IC_MEMORY_WEIGHTS] + bytes[IC_MEMORY_POINTERS] + bytes[IC_MEMORY_MATRIX] +
                 request->layer->output_floats * sizeof(float);
    return request->rotate ? 1 + (unsigned)((request->llc + one - 1) / one) : 1;
}
