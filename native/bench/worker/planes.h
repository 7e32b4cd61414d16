/* SPDX-License-Identifier: Apache-2.0
 * Conversions between the layouts, of whole tensors: what a network pays where one of its layers wants the other one.
 */
#ifndef CONVBENCH_PLANES_H
#define CONVBENCH_PLANES_H

#include <stddef.h>

/* [image][pixel][channel] to [image][channel][pixel], and back. */
void planes_from_nhwc(float *nchw, const float *nhwc, size_t images, size_t pixels, size_t channels);
void planes_to_nhwc(float *nhwc, const float *nchw, size_t images, size_t pixels, size_t channels);

#endif
