/* SPDX-License-Identifier: Apache-2.0
 * What convbench and the tests may see beyond the public header. Not part of the API. */
#ifndef IC_INTROSPECT_H
#define IC_INTROSPECT_H

#include "core/algorithm.h"
#include "indirectconv.h"
#include "methods/error_bound.h"

#include <stdbool.h>

/* The address of the micro-kernel function of number `index` of the kernels (ic_kernel_count). */
const void *ic_kernel_address(unsigned index);

/* The address of the micro-kernel function that run() calls, NULL for naive; fft: that multiplies spectra of dense
 * convolutions. */
const void *ic_conv2d_kernel_address(const ic_conv2d *conv);

/* "naive", "depthwise", "winograd", "tiled", "nchw" or "fft". */
const char *ic_conv2d_method(const ic_conv2d *conv);

/* The outer one of the loops around the micro-kernel, "panels" or "pixels"; NULL before reshape, and where there are no
 * such loops (naive, depthwise). */
const char *ic_conv2d_order(const ic_conv2d *conv);

/* Whether auto found the layer in its tuned table; else the model chose. */
bool ic_conv2d_is_from_table(const ic_conv2d *conv);

/* How far an output may lie from the exact one, as a share of what ic_conv2d_bound_of tells. Of an object that is
 * shaped. */
double ic_conv2d_error_bound(const ic_conv2d *conv);
ic_bound_of ic_conv2d_bound_of(const ic_conv2d *conv);

/* im2col only: does the copy into the matrix and nothing else, exactly as run() does it. IC_UNSUPPORTED otherwise, or
 * where im2col reads the input in place (nothing to copy). */
ic_status ic_conv2d_copy_only(ic_conv2d *conv, const void *input);

/* What auto would choose on an arm64 core with this MIDR_EL1, as far as this program has the kernels:
 * `<algorithm>_<schedule>`. */
ic_status ic_choice_for_midr(uint64_t midr, const ic_conv2d_desc *desc, size_t height, size_t width,
                             char name[IC_CHOICE_NAME]);

/* Number `index` of what ic_autotune would measure on this core, the model's choice not first: algorithm and schedule;
 * false past the last one, and where the layer is none. */
bool ic_candidate_at(const ic_conv2d_desc *desc, size_t batch, size_t height, size_t width, unsigned threads,
                     unsigned index, ic_algorithm *algorithm, char schedule[IC_CHOICE_NAME]);

#endif
