/* SPDX-License-Identifier: Apache-2.0
 *
 * indirectconv: two-dimensional convolutions, among them the indirect convolution (M. Dukhan, "The Indirect Convolution
 * Algorithm", arXiv 1907.02129). So far of f32, in NHWC layout, and im2col and naive in NCHW, too.
 *
 * Life of an object: create (packs the weights) -> reshape (once per input size; builds the indirection buffer) ->
 * run (any number of times; the input may move between calls) -> destroy.
 *
 * Memory: input is [batch][height][width][in_channels], output [batch][out_height][out_width][out_channels] (with
 * IC_LAYOUT_NCHW the channels come before the height), both dense, aligned to an element (f32: 4 bytes) or more. run()
 * reads exactly the input's elements and writes exactly the output's, with `+taps` some of them several times, reading
 * them back in between; it touches nothing before or after either and allocates nothing. An output that overlaps the
 * input is refused.
 *
 * Arithmetic: every output is bias, then one product after the other by kernel row, kernel column and channel, whatever
 * the number of threads; padding counts as zeros that are multiplied, so a weight that is infinite or NaN gives NaN
 * there. Naive and schedules with `+taps` leave all padding out: such an output is what it would be without that
 * weight. Those with `+regions` leave out as much as pays: it is the one or the other. auto may choose any. im2col (on
 * either layout), direct and indirect with one kernel give the same bits for finite weights (`+regions` and `+taps`
 * maybe the other zero where nothing but padding is summed). What is not finite in the input reaches the outputs whose
 * taps read it, and no others; of Winograd, those of all tiles whose patch reads it, and its sums are not in that order
 * (docs/kernels.md has its error). NaN passes the clamp. The floating-point mode (rounding, flush to zero) is that of
 * the caller of run, on all threads of its pool, save that NEON of 32-bit Arm always takes subnormal numbers for zeros,
 * in what it reads and in what it computes: each product and sum may be off by 2^-126 more, times the other factor
 * where that is over 1; exception flags are raised on the thread that computes.
 *
 * fft is another arithmetic: its error is bounded by the largest input and the norms of the weights, not by the
 * products of one output, and a sum that is exact elsewhere is not there; numbers near the largest ones overflow (a
 * tile's sum of them is met on the way). What is not finite in the input reaches all outputs of its tile and group that
 * read it, and may reach the others of that tile and group, none of another image; a weight reaches all outputs of its
 * channel and no other channel. auto never takes it.
 *
 * Threads: no state but that of objects, a count of forks, and for each thread the text of its last failure
 * (ic_last_error). Two objects are independent; one object is run by one caller at a time. Objects may share a pool as
 * long as they don't run at the same time.
 */
#ifndef INDIRECTCONV_H
#define INDIRECTCONV_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
template <typename structure> __attribute__((visibility("hidden"))) inline structure ic_sized() {
    structure zeros = structure();
    zeros.struct_size = sizeof(structure);
    return zeros;
}
extern "C" {
#endif

/* What follows is what the shared library shows; all else in it is hidden. */
#pragma GCC visibility push(default)

typedef enum {
    IC_OK = 0,
    IC_INVALID_ARGUMENT,     /* a NULL that may not be NULL, elements that are not aligned, a zero size, a wrong
                                struct_size, min > max, ... */
    IC_UNSUPPORTED,          /* not covered: the type or the layout, or the convolution by the algorithm (e.g. direct on
                                a 3x3) */
    IC_UNSUPPORTED_HARDWARE, /* the named kernel needs CPU features that this CPU lacks */
    IC_UNKNOWN_KERNEL,       /* no kernel of that name, or not these options together */
    IC_OVERFLOW,             /* a size does not fit size_t */
    IC_OUT_OF_MEMORY,        /* the allocator returned NULL */
    IC_BAD_STATE,            /* run or get_info before reshape */
    IC_TUNED_OTHER_CPU,      /* a tuned table of another CPU; or this one does not say which it is */
    IC_TUNED_OTHER_VERSION,  /* a tuned table of another version of its format or of this library */
    IC_TUNED_DAMAGED         /* a tuned table that was cut short or changed, or is none */
} ic_status;

typedef enum {
    IC_ALGORITHM_INDIRECT = 0, /* Dukhan 2019; any convolution */
    IC_ALGORITHM_IM2COL,       /* patch matrix, then GEMM with the micro-kernel; any convolution */
    IC_ALGORITHM_DIRECT,       /* 1x1 stride 1 without padding or groups: GEMM on the input itself */
    IC_ALGORITHM_NAIVE,        /* seven loops; any convolution */
    IC_ALGORITHM_AUTO,         /* direct or indirect, with the schedule that suits the layer and this core */
    IC_ALGORITHM_FFT,          /* Fourier transforms of tiles; stride 1, kernels of up to 96 pixels with dilation */
    IC_ALGORITHM_WINOGRAD      /* F(2x2, 3x3), F(4x4, 3x3) or F(6x6, 3x3); 3x3 with stride and dilation 1 */
} ic_algorithm;

/* Of the elements of input, weights, bias and output. */
typedef enum {
    IC_TYPE_F32 = 0,
    IC_TYPE_F16, /* IC_UNSUPPORTED so far */
    IC_TYPE_S8   /* IC_UNSUPPORTED so far */
} ic_type;

/* Of input and output. */
typedef enum {
    IC_LAYOUT_NHWC = 0, /* [batch][height][width][channels] */
    IC_LAYOUT_NCHW      /* [batch][channels][height][width]: im2col and naive; with the others IC_UNSUPPORTED */
} ic_layout;

/* A structure begins with its own size. Zeros in all the rest mean the defaults: set the size, or begin with the
 * structure's IC_..._INIT, and name only what differs:
 *
 *     ic_conv2d_desc desc = IC_CONV2D_DESC_INIT;
 *     desc.kernel_height = desc.kernel_width = 3;
 *     desc.in_channels = desc.out_channels = 64; */
#ifdef __cplusplus
#define IC_INIT(structure) ic_sized<structure>()
#else
#define IC_INIT(structure) {.struct_size = sizeof(structure)}
#endif

/* What an allocation is for. */
typedef enum {
    IC_MEMORY_OBJECT = 0, /* book-keeping of the object itself */
    IC_MEMORY_WEIGHTS,    /* packed weights and bias; fft: their spectra */
    IC_MEMORY_POINTERS,   /* indirection buffer */
    IC_MEMORY_MATRIX,     /* im2col matrix; fft: spectra of tiles; points and sums of Winograd */
    IC_MEMORY_PADDING     /* the row of zeros that stands for padding */
} ic_memory;

#define IC_MEMORY_KINDS 5

/* Called in create, reshape and destroy only, never in run. allocate() returns memory aligned to `alignment` (a power
 * of two, at most 4096) or NULL; release() gets the same bytes and kind as the allocation. */
typedef struct {
    void *context;
    void *(*allocate)(void *context, size_t bytes, size_t alignment, ic_memory kind);
    void (*release)(void *context, void *memory, size_t bytes, ic_memory kind);
} ic_allocator;

/* A convolution. Kernel size and channels have no default.
 *
 * Channels are totals over all groups. Weights are [out_channels][kernel_height][kernel_width][in_channels / groups]
 * (OHWI), bias [out_channels].
 *
 * output_min and output_max clamp the outputs; a side that is -INFINITY or INFINITY does not. Zero in both is the
 * default, no clamp at all. A maximum of 0 is asked for with output_min = -INFINITY; the clamp [0, 0], which leaves
 * nothing but zeros, with output_min = -0.0f. The bounds' own zeros count as +0, and with output_min 0 a sum of -0
 * gives +0; else its sign stays. */
typedef struct {
    size_t struct_size; /* sizeof(ic_conv2d_desc) */
    uint32_t kernel_height, kernel_width;
    uint32_t stride_height, stride_width;     /* 0: 1 */
    uint32_t dilation_height, dilation_width; /* 0: 1 */
    uint32_t pad_top, pad_right, pad_bottom, pad_left;
    uint32_t groups; /* 0: 1 */
    size_t in_channels, out_channels;
    float output_min, output_max; /* both 0: no clamp */
    ic_type type;
    ic_layout layout;
} ic_conv2d_desc;

#define IC_CONV2D_DESC_INIT IC_INIT(ic_conv2d_desc)

/* Threads that share the work of a run. The caller of run is one of them. In a child that was forked from the process
 * that made the pool there are no others: objects run on the caller's thread alone, with the same bits, and may be
 * destroyed, as the pool may; a pool that the child makes has threads. */
typedef struct ic_pool ic_pool;

#define IC_MAX_THREADS 256

typedef struct {
    size_t struct_size;            /* sizeof(ic_pool_options) */
    unsigned threads;              /* with the caller's, 1 to IC_MAX_THREADS; 0: 1 */
    const unsigned *cpus;          /* NULL: not pinned; else [threads], none twice. cpus[0] is the caller's, who pins
                                      itself */
    const ic_allocator *allocator; /* NULL: malloc */
} ic_pool_options;

#define IC_POOL_OPTIONS_INIT IC_INIT(ic_pool_options)

/* Starts the threads. Without `cpus` they wait for work awake, for half a millisecond, where there are no more of them
 * than CPUs that the caller may run on now; what it may later is not looked at. IC_INVALID_ARGUMENT where one cannot be
 * pinned, IC_OUT_OF_MEMORY where it cannot be started. */
ic_status ic_pool_create(const ic_pool_options *options, ic_pool **pool);
void ic_pool_destroy(ic_pool *pool); /* NULL is allowed; no object of it may be run any more */

/* What was measured to be best for layers on this CPU, see below. */
typedef struct ic_tuned ic_tuned;

/* The schedule is a kernel's name ("avx512_6x64") and options: `+regions` (indirect: the taps of a kernel row are
 * merged, and most padding is neither read nor multiplied; where each group has one input and one output, neighbouring
 * groups share a vector, and no pointers are kept) or `+taps` (indirect: a pass over the output for each tap, of the
 * pixels that have it, the sums waiting in the output; threads share panels of channels only). Images of many rows need
 * pointers for a few of them only; where padded columns cannot be told apart (groups, dilated columns), a tenth more
 * than as published. And, without `+taps`, `+blockN` (N tiles, below a million, pass all output channels before the
 * next N do; im2col then holds no more than their part of the matrix). Or the order of the two loops around the
 * micro-kernel alone: `+panels` (all pixels pass one panel of output channels after the other) or `+pixels` (one tile
 * of pixels after the other passes all panels; as QNNPACK does). A kernel's name alone takes, for every algorithm, the
 * order in which im2col would bring fewer bytes from beyond the L2 cache. `+ahead` with any: cache lines are asked for
 * before their use where that is known to pay. auto takes none: it chooses them. fft knows but `+tN`: tiles of N x N
 * pixels, N one of 8, 12, 16, 20, 24, 32, 40, 48, 64, 72, 80, 96; without it what suits the input's size, to which the
 * weights are transformed in reshape, and whenever another one suits. With IC_LAYOUT_NCHW a tile is of the kernel's
 * columns in pixels and of its rows in output channels, and there are `+panels` and `+pixels` alone; the matrix has two
 * rows more than products, and whole panels of pixels. */
typedef struct {
    size_t
        struct_size; /* sizeof(ic_options), or the size up to `pool`, `tuned` or `allowed_error` that it had before */
    ic_algorithm algorithm;
    const char *kernel; /* a schedule; NULL: the algorithm as published, with the default kernel for this CPU (auto:
                           what suits); "best": what suits the layer and this core. naive knows "loops" only */
    const ic_allocator *allocator; /* NULL: malloc */
    ic_pool *pool;                 /* NULL: the caller's thread alone. Must live as long as the object */
    const ic_tuned *tuned;         /* auto: what it has for the layer comes before the model of the core; NULL: nothing.
                                      Must live as long as the object, and not change */
    double allowed_error;          /* auto: the error that it may have, as a multiple of that of sums of products (the
                                      root of the mean square, of data of one size). 0: sums alone. From 1, 4 and 12 on
                                      Winograd's F(2x2), F(4x4) and F(6x6) where they are faster */
} ic_options;

#define IC_OPTIONS_INIT IC_INIT(ic_options)

typedef struct {
    size_t struct_size;     /* sizeof(ic_conv2d_info), set by the caller */
    ic_algorithm algorithm; /* that runs: auto tells what it chose */
    const char *kernel;     /* the schedule, e.g. "avx512_6x64+regions"; lives until the next reshape or destroy */
    size_t batch, input_height, input_width, output_height, output_width;
    size_t bytes[IC_MEMORY_KINDS]; /* now held, as asked of the allocator, by ic_memory; pointers and matrix are those
                                      of one image, whatever the batch */
} ic_conv2d_info;

#define IC_CONV2D_INFO_INIT IC_INIT(ic_conv2d_info)

typedef struct ic_conv2d ic_conv2d;

/* Validates, copies and packs weights and bias (bias may be NULL). options may be NULL: the defaults, which are the
 * indirect algorithm as published, with the default kernel for this CPU, on the caller's thread. On failure *conv is
 * NULL. */
ic_status ic_conv2d_create(const ic_conv2d_desc *desc, const void *weights, const void *bias, const ic_options *options,
                           ic_conv2d **conv);

/* The size of the output for one size of the input, as reshape would set it. */
ic_status ic_conv2d_output_size(const ic_conv2d_desc *desc, size_t height, size_t width, size_t *output_height,
                                size_t *output_width);

/* Fixes the input size; builds the indirection buffer (indirect) or takes the matrix (im2col). A call with the size
 * already set does nothing. A kernel larger than the padded input is IC_INVALID_ARGUMENT. After a failure the object
 * must be reshaped again before run. */
ic_status ic_conv2d_reshape(ic_conv2d *conv, size_t batch, size_t height, size_t width);

/* Convolves. Allocates nothing; entries of the indirection buffer do not depend on the input's address. Where input and
 * output overlap, be it in one element: IC_INVALID_ARGUMENT, and nothing written. */
ic_status ic_conv2d_run(ic_conv2d *conv, const void *input, void *output);

ic_status ic_conv2d_get_info(const ic_conv2d *conv, ic_conv2d_info *info);
void ic_conv2d_destroy(ic_conv2d *conv); /* NULL is allowed */

/* A kernel that is compiled into this program. */
typedef struct {
    size_t struct_size;     /* sizeof(ic_kernel_info), set by the caller */
    const char *name;       /* "avx512_6x64", for ic_options.kernel */
    const char *isa;        /* "scalar", "avx2", "avx512", "neon" */
    const char *features;   /* of the CPU, that it needs, comma separated; "" for none */
    ic_type type;           /* of the elements */
    unsigned rows, columns; /* of its largest tile: output pixels, output channels */
    int is_supported;       /* by this CPU: 1, or 0 */
} ic_kernel_info;

#define IC_KERNEL_INFO_INIT IC_INIT(ic_kernel_info)

/* Kernels by number, those of a type best first. IC_UNKNOWN_KERNEL from ic_kernel_count() on. */
unsigned ic_kernel_count(void);
ic_status ic_kernel_get_info(unsigned index, ic_kernel_info *info);

#define IC_CHOICE_NAME 80 /* room for `<algorithm>_<schedule>` */

/* What is best for one layer: all of a description but its clamp, the input's size and the number of threads. Defaults
 * are those of the description alone. */
typedef struct {
    size_t struct_size; /* sizeof(ic_tuned_entry) */
    ic_conv2d_desc desc;
    size_t batch, height, width;
    unsigned threads;
    char choice[IC_CHOICE_NAME]; /* e.g. "indirect_avx512_6x64+regions" */
} ic_tuned_entry;

#ifdef __cplusplus
__attribute__((visibility("hidden"))) inline ic_tuned_entry ic_sized_entry() {
    ic_tuned_entry zeros = IC_INIT(ic_tuned_entry);
    zeros.desc = IC_CONV2D_DESC_INIT;
    return zeros;
}
#define IC_TUNED_ENTRY_INIT ic_sized_entry()
#else
#define IC_TUNED_ENTRY_INIT {.struct_size = sizeof(ic_tuned_entry), .desc = IC_CONV2D_DESC_INIT}
#endif

typedef struct {
    size_t struct_size;            /* sizeof(ic_tune_options) */
    double budget_s;               /* about so long, 0: one second; at least one object is made and called twice */
    const ic_allocator *allocator; /* of all buffers and objects; NULL: malloc */
    ic_pool *pool;                 /* as in ic_options */
} ic_tune_options;

#define IC_TUNE_OPTIONS_INIT IC_INIT(ic_tune_options)

typedef struct {
    size_t struct_size;         /* sizeof(ic_tuning), set by the caller */
    ic_tuned_entry entry;       /* for ic_tuned_add */
    char model[IC_CHOICE_NAME]; /* what auto does without a table */
    double model_ns, best_ns;   /* a call, medians of the last rounds, which were measured in turn; 0: too little time
                                   for any */
    unsigned candidates;        /* measured */
} ic_tuning;

#define IC_TUNING_INIT IC_INIT(ic_tuning)

/* Measures on the CPU that the caller runs on, and should be pinned to, which algorithm and schedule is best. What is
 * not faster than the model's choice by 2 % or needs pointers or a matrix
 * of more bytes than a matrix of all groups (output pixels x taps x in_channels) is not taken. */
ic_status ic_autotune(const ic_conv2d_desc *desc, size_t batch, size_t height, size_t width,
                      const ic_tune_options *options, ic_tuning *tuning);

/* A table for this CPU: empty, or from the text that ic_tuned_print made, with a status of its own for each reason to
 * refuse it. allocator NULL: malloc. On failure *tuned is NULL. */
ic_status ic_tuned_create(const ic_allocator *allocator, ic_tuned **tuned);
ic_status ic_tuned_load(const char *text, size_t bytes, const ic_allocator *allocator, ic_tuned **tuned);
/* Takes the place of an entry for the same layer. IC_UNKNOWN_KERNEL where the choice is none. */
ic_status ic_tuned_add(ic_tuned *tuned, const ic_tuned_entry *entry);
/* Text without a NUL. *bytes becomes its length; IC_INVALID_ARGUMENT, and nothing written, where that is over `room`;
 * text NULL: only tells the length. */
ic_status ic_tuned_print(const ic_tuned *tuned, char *text, size_t room, size_t *bytes);
void ic_tuned_destroy(ic_tuned *tuned); /* NULL is allowed; no object that has it may be reshaped any more */

const char *ic_status_string(ic_status status);
/* Why the latest call that failed on this thread did so: one line that names the argument and its value, as in
 * "desc.groups=3 does not divide desc.in_channels=4"; "" where none failed so far. Ask right after the failure: the
 * text is the thread's own, and the next failure, also one that a call gets over, writes it anew. */
const char *ic_last_error(void);
uint32_t ic_version(void); /* 0x00XXYYZZ */

#pragma GCC visibility pop

#ifdef __cplusplus
}
#endif

#endif
