/* SPDX-License-Identifier: Apache-2.0
 * What a micro-kernel is: a function without state, allocation or threads that computes a run of equal tiles.
 *
 * A tile is `rows` output pixels by `columns` output channels. For every tap, `offsets` holds an entry for each row:
 * the distance in bytes from `input` to the tap's `channels` elements, or IC_PADDING_ENTRY for the row of zeros. All
 * algorithms call the same function: indirect with many taps, offsets from the indirection buffer and input_step 0;
 * im2col and direct with one tap holding all of K, offsets from the stack, offset_step 0 and the input moving on. A
 * caller that merges taps whose channels lie side by side, or leaves out taps that lie in the padding, gives fewer and
 * longer taps and says with weights_gap which weights to pass over.
 *
 * The tiles of a run are pixels of one panel of output channels, or the panels of the same pixels (panel_step).
 *
 * A sum may be made in several runs, each of some of its taps: all but the first one resume, all but the last one have
 * no bounds for the output.
 *
 * Each output is bias + sum over taps, then channels, in that order and with one accumulator; so equal operands give
 * equal bits, whichever algorithm asked and whatever the heights of the tiles. */
#ifndef IC_KERNEL_H
#define IC_KERNEL_H

#include "indirectconv.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define IC_PADDING_ENTRY ((ptrdiff_t)-1)

/* What a tile asks for ahead of its use, where it lies in no near cache (x86): nothing; the lines of its output, before
 * its sums; those and what the next tile reads first, one by one between its sums; the weights that follow this run's,
 * also between the sums. */
typedef enum { IC_FETCH_NOTHING, IC_FETCH_OUTPUT, IC_FETCH_BETWEEN, IC_FETCH_WEIGHTS } ic_fetch;

/* For which of them a kernel was seen to gain, as bits: the first two; the last. */
enum { IC_GAINS_IMAGES = 1, IC_GAINS_WEIGHTS = 2 };

/* Elements are of the kernel's type; what is read or written lies at its alignment. */
typedef struct {
    const void *input;               /* what offsets count from, for the first tile */
    const void *padding;             /* `channels` zeros; may be NULL when no entry is IC_PADDING_ENTRY */
    const ptrdiff_t *offsets;        /* of the first tile: [rows] of its first tap */
    const void *bias;                /* [columns of kernel], of the panel */
    const void *weights;             /* of the first tap: [channels][columns of kernel] */
    void *output;                    /* what output_offsets count from, for the first tile */
    const ptrdiff_t *output_offsets; /* [rows] of the first tile: distances in bytes */
    size_t taps, channels;
    size_t tap_entries;        /* entries from one tap to the next one's; of any value where there is one tap */
    size_t weights_gap;        /* elements from the end of a tap's weights to the start of the next one's */
    size_t tiles;              /* how many tiles, all of `rows` rows */
    size_t input_step;         /* bytes from one tile's input to the next one's */
    size_t offset_step;        /* entries from one tile's offsets to the next one's */
    size_t output_step;        /* bytes from one tile's output to the next one's */
    size_t output_offset_step; /* entries from one tile's output_offsets to the next one's */
    size_t panel_step;         /* elements from one tile's bias and weights to the next one's; 0: one panel for all */
    unsigned rows;             /* 1 to the kernel's rows */
    unsigned columns;          /* 1 to the kernel's columns; only these are written */
    float output_min, output_max;
    bool resumes; /* sums go on with what the output holds, instead of beginning with the bias */
    ic_fetch fetch;
    uintptr_t ahead;   /* with IC_FETCH_WEIGHTS: where what the first tile asks for begins, */
    size_t ahead_step; /* bytes; the next tile goes on behind it */
} ic_tile_run;

typedef void (*ic_micro_kernel)(const ic_tile_run *run);

/* A run of tiles of a depthwise convolution, all in one row of the output and with the same taps in the input. */
typedef struct {
    const void *input; /* that the first tap of the first pixel reads, at the first channel */
    const void *bias;  /* [columns of kernel] */
    const void *weights;
    void *output;
    size_t down, across;           /* taps of a pixel; 0: bias alone */
    size_t down_step, across_step; /* bytes from tap to tap */
    size_t input_step;             /* bytes from pixel to pixel */
    size_t output_step;
    size_t weights_step, weights_gap; /* elements from tap to tap, and after the last one of a row of taps */
    size_t tiles;
    unsigned rows, columns; /* as of ic_tile_run; no channel beyond is read or written */
    float output_min, output_max;
} ic_depthwise_run;

typedef void (*ic_depthwise_kernel)(const ic_depthwise_run *run);

/* Makes a panel's products of the weights as they are given: packed[k][n] is rows[n][k], or 0 where n is not under
 * `count`; n up to `columns`, k up to `depth`. */
typedef void (*ic_panel_packer)(void *packed, const void *rows, size_t columns, size_t count, size_t depth);

/* What a kernel costs, for the choice between kernels. */
typedef struct {
    unsigned width;          /* elements per vector */
    float fmas, loads;       /* vectors per cycle */
    float chain;             /* cycles from one sum to the next */
    float values_per_load;   /* of A */
    bool whole_panels;       /* computes all columns of the tile, however few are wanted */
    float share_of_model[3]; /* speed against this model, by ic_core_class */
} ic_cost;

typedef struct {
    const char *name;
    ic_type type; /* of the elements */
    const char *isa, *features;
    unsigned needs; /* IC_CPU_... */
    unsigned rows, columns;
    ic_panel_packer pack;
    ic_micro_kernel run;
    unsigned depthwise_rows;       /* pixels of the largest tile of `depthwise` */
    ic_depthwise_kernel depthwise; /* with vectors of this kernel's width; panels are as wide as `run`'s */
    unsigned gains;                /* by asking ahead */
    ic_cost cost;
} ic_kernel;

#define IC_MAX_ROWS 16

#endif
