/* SPDX-License-Identifier: Apache-2.0
 * How a convolution is computed beyond its algorithm: kernel, regions, blocks. Its name,
 * `KERNEL[+regions][+blockN][+ahead]`, `KERNEL+taps[+ahead]` or
 * `KERNEL+panels[+ahead]`, `KERNEL+pixels[+ahead]` or, of Winograd, `KERNEL+f2`, `KERNEL+f4`, `KERNEL+f6`, and of fft,
 * `KERNEL[+tN]`, is what options, records and tuned tables carry. */
#ifndef IC_SCHEDULE_H
#define IC_SCHEDULE_H

#include "choice/order.h"
#include "indirectconv.h"
#include "kernels/kernel.h"
#include "tiles/region.h"

typedef struct {
    const ic_kernel *kernel; /* NULL: naive */
    ic_split split;          /* indirect: how padding is left out */
    unsigned block_tiles;    /* over 0: so many tiles pass all panels before the next ones do; im2col then holds no more
                                than their part of the matrix. 0: all tiles pass one panel after the other */
    ic_order order;          /* without split and blocks; im2col's matrix is whole */
    bool ahead;              /* cache lines are asked for before their use, as suits layer and core */
    unsigned winograd;       /* Winograd: outputs of a tile in each direction, 2, 4 or 6; else 0 */
    unsigned tile;           /* fft: pixels of a tile's side; 0: what suits the input's size */
} ic_schedule;

enum { IC_WINOGRAD_DEFAULT = 4 }; /* its tile where none is named */

#define IC_SCHEDULE_NAME 64 /* room for a name, with its end */

/* IC_UNKNOWN_KERNEL where the name is none, or a kernel's of another type, or has an option that the algorithm doesn't
 * know; IC_UNSUPPORTED_HARDWARE where this CPU cannot run the kernel. */
ic_status ic_parse_schedule(ic_algorithm algorithm, ic_type type, const char *name, ic_schedule *schedule);
void ic_print_schedule(const ic_schedule *schedule, char name[IC_SCHEDULE_NAME]);

#endif
