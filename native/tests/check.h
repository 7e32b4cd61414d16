/* SPDX-License-Identifier: Apache-2.0
 * What the test programs share: checks, random numbers, guarded memory, a reference in double precision. */
#ifndef IC_CHECK_H
#define IC_CHECK_H

#include "indirectconv.h"
#include "introspect.h"

#include <stdio.h>
#include <stdlib.h>

#define CHECK(condition)                                                                                               \
    do {                                                                                                               \
        if (!(condition)) {                                                                                            \
            fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition);                                            \
            exit(1);                                                                                                   \
        }                                                                                                              \
    } while (0)

/* Exit code of a case whose kernel this CPU cannot run. */
#define EXIT_UNSUPPORTED 77

typedef struct {
    const char *name;
    void (*run)(const char *kernel);
} check_case;

/* `PROGRAM --list` names the cases, `PROGRAM --kernels` the kernels with 1 or 0 for supported, `PROGRAM CASE [KERNEL
 * [SHAPES]]` runs one, on the first so many shapes where it goes through all. Returns what main returns. */
int check_main(int argc, char **argv, const check_case *cases);

/* splitmix64 */
uint64_t random_next(uint64_t *state);
/* Uniform in low .. high, both included. */
uint32_t random_range(uint64_t *state, uint32_t low, uint32_t high);

typedef enum { VALUES_FLOAT, VALUES_INTEGER } values; /* U(-1, 1); integers from -8 to 8 */
void fill(float *data, size_t count, values kind, uint64_t *state);

/* Memory with a page without access on both sides; flush with the one after it, or with the one before. */
typedef enum { FLUSH_END, FLUSH_START } placement;
void *guarded_new(size_t bytes, placement place);
void guarded_protect(void *memory, size_t bytes, int protection);
void guarded_free(void *memory, size_t bytes);

/* An allocator of guarded memory that counts, refuses and remembers. */
#define HEAP_BLOCKS 32

typedef struct {
    placement place;
    size_t calls, live; /* calls of either function; blocks not yet released */
    size_t bytes[IC_MEMORY_KINDS];
    void *memory[IC_MEMORY_KINDS]; /* the latest of each kind */
    struct {
        void *memory;
        size_t bytes;
        ic_memory kind;
    } blocks[HEAP_BLOCKS]; /* memory NULL: none */
    long fail_at;          /* refuse this allocation, counted from 0; -1: none */
    long allocations;
} guarded_heap;
ic_allocator guarded_allocator(guarded_heap *heap);

typedef struct {
    ic_conv2d_desc desc;
    size_t batch, height, width;
} shape;

/* A convolution without padding, stride, dilation, groups or clamp. */
shape plain_shape(uint32_t kernel, size_t height, size_t width, size_t cin, size_t cout);
/* Number `index` of a fixed sequence: first the awkward ones, then random ones. */
shape nth_shape(unsigned index);
#define SHAPES 200
extern unsigned shape_count; /* how many of them a case goes through */

size_t depth_of(const shape *s);   /* products per output */
size_t weights_of(const shape *s); /* floats */
size_t inputs_of(const shape *s);
size_t outputs_of(const shape *s);
size_t out_height(const shape *s);
size_t out_width(const shape *s);
/* The input's pixel that a tap of an output reads, -1 in the padding. */
long pixel_read(const shape *s, size_t output, size_t tap);
void describe(const shape *s, const char *what); /* to stderr */

/* The exact value of an output, and |bias| + sum |a||b|, which bounds a float one's error. */
typedef struct {
    double exact, magnitude;
} reference_value;

/* Of every output of a convolution; the caller frees it. It takes longer than the convolution: make it once for all
 * paths that compute the same. */
reference_value *new_references(const shape *s, const float *weights, const float *bias, const float *input);

/* Exits with a message unless every output lies within gamma(K + 1) * (|bias| + sum |a||b|) of the exact value; for
 * integer values, unless it equals it. */
void check_references(const shape *s, values kind, const reference_value *all, const float *output, const char *what);

/* Both, for an output that is looked at once. */
void check_against_reference(const shape *s, values kind, const float *weights, const float *bias, const float *input,
                             const float *output, const char *what);

ic_options options_for(ic_algorithm algorithm, const char *kernel, const ic_allocator *allocator);
/* The status of create; an object is made only with IC_OK, and destroyed. */
ic_status try_create(const ic_conv2d_desc *desc, const ic_options *options);
/* Of a table, for one thread. */
ic_tuned_entry entry_of(const shape *s, const char *choice);

#endif
