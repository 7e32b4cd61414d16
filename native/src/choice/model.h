/* SPDX-License-Identifier: Apache-2.0
 * Choice of algorithm and schedule for a layer by a model of the core. No layer is known by name or size. */
#ifndef IC_MODEL_H
#define IC_MODEL_H

#include "choice/schedule.h"
#include "core/core.h"
#include "core/geometry.h"

/* The kernel is chosen before the size of the image is known, for one that is not small. */
enum { IC_MANY_PIXELS = 1000 };

/* The kernel of a type that this core needs the fewest cycles with, for `outputs` channels of each group and images of
 * so many output pixels. */
const ic_kernel *ic_choose_kernel(const ic_core *core, ic_type type, size_t outputs, size_t pixels);

/* Cycles for one product of each output of an image, `outputs` of them at each of so many pixels. */
float ic_cycles_of_product(const ic_core *core, const ic_kernel *kernel, size_t outputs, size_t pixels);

/* Completes the schedule of an algorithm, whose kernel is given, for one input size. IC_ALGORITHM_AUTO becomes the
 * algorithm chosen. `threads`: that will share the work. */
void ic_choose_schedule(const ic_core *core, const ic_conv2d_desc *desc, const ic_geometry *geometry, unsigned threads,
                        ic_algorithm *algorithm, ic_schedule *schedule);

/* What tiles of a schedule with `ahead` ask for: output and input where they are large for the core's cache, the
 * weights of the next pass, or nothing, where nothing is known to pay. */
ic_fetch ic_choose_fetch(const ic_core *core, const ic_conv2d_desc *desc, const ic_geometry *geometry,
                         const ic_kernel *kernel, ic_split split);

#endif
