/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "check.h"

#include <math.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

unsigned shape_count = SHAPES;

int check_main(int argc, char **argv, const check_case *cases) {
    if (argc == 2 && strcmp(argv[1], "--list") == 0) {
        for (const check_case *c = cases; c->name != NULL; c++) {
            printf("%s\n", c->name);
        }
        return 0;
    }
    if (argc == 2 && strcmp(argv[1], "--kernels") == 0) {
        ic_kernel_info view = IC_KERNEL_INFO_INIT;
        for (unsigned i = 0; ic_kernel_get_info(i, &view) == IC_OK; i++) {
            printf("%s %d %s\n", view.name, view.is_supported, view.features);
        }
        return 0;
    }
    const char *kernel = argc >= 3 ? argv[2] : NULL;
    if (argc == 4) {
        shape_count = (unsigned)atoi(argv[3]);
        CHECK(shape_count > 0 && shape_count <= SHAPES);
    }
    ic_kernel_info view = IC_KERNEL_INFO_INIT;
    for (unsigned i = 0; kernel != NULL && ic_kernel_get_info(i, &view) == IC_OK; i++) {
        if (strcmp(view.name, kernel) == 0 && !view.is_supported) {
            printf("this CPU lacks one of: %s\n", view.features);
            return EXIT_UNSUPPORTED;
        }
    }
    /* Until a result was inexact, which none of whole numbers is, qemu computes by hand: three times as long. */
    volatile float one = 1;
    CHECK(one / 3 > 0);
    for (const check_case *c = cases; argc >= 2 && c->name != NULL; c++) {
        if (strcmp(c->name, argv[1]) == 0) {
            c->run(kernel);
            return 0;
        }
    }
    fprintf(stderr, "usage: %s --list | --kernels | CASE [KERNEL [SHAPES]]\n", argv[0]);
    return 2;
}

uint64_t random_next(uint64_t *state) {
    uint64_t z = *state += UINT64_C(0x9E3779B97F4A7C15);
    z = (z ^ (z >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94D049BB133111EB);
    return z ^ (z >> 31);
}

uint32_t random_range(uint64_t *state, uint32_t low, uint32_t high) {
    return low + (uint32_t)(random_next(state) % (high - low + 1u));
}

void fill(float *data, size_t count, values kind, uint64_t *state) {
    for (size_t i = 0; i < count; i++) {
        const uint32_t bits = (uint32_t)(random_next(state) >> 40); /* 24 of them */
        data[i] = kind == VALUES_INTEGER ? (float)(bits % 17) - 8.0f : (float)bits / 8388608.0f - 1.0f;
    }
}

static size_t page(void) {
    return (size_t)sysconf(_SC_PAGESIZE);
}

static size_t span_of(size_t bytes) {
    return (bytes + page() - 1) / page() * page();
}

void *guarded_new(size_t bytes, placement place) {
    const size_t span = span_of(bytes);
    char *base = mmap(NULL, span + 2 * page(), PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    CHECK(base != MAP_FAILED);
    CHECK(mprotect(base + page(), span, PROT_READ | PROT_WRITE) == 0);
    /* 0xff makes NaN: memory that is used before it is written shows in the result. */
    memset(base + page(), 0xff, span);
    return base + page() + (place == FLUSH_END ? span - bytes : 0);
}

static char *first_page(void *memory) {
    return (char *)memory - (uintptr_t)memory % page();
}

void guarded_protect(void *memory, size_t bytes, int protection) {
    CHECK(mprotect(first_page(memory), span_of(bytes), protection) == 0);
}

void guarded_free(void *memory, size_t bytes) {
    CHECK(munmap(first_page(memory) - page(), span_of(bytes) + 2 * page()) == 0);
}

static void *heap_allocate(void *context, size_t bytes, size_t alignment, ic_memory kind) {
    guarded_heap *heap = context;
    CHECK(alignment != 0 && alignment <= 4096 && (alignment & (alignment - 1)) == 0);
    CHECK(bytes > 0);
    heap->calls++;
    if (heap->allocations++ == heap->fail_at || bytes > (size_t)1 << 30) {
        return NULL;
    }
    heap->live++;
    heap->bytes[kind] += bytes;
    /* Flush with the page after it at the cost of the alignment, which the library wants for speed only. */
    heap->memory[kind] = guarded_new(bytes, heap->place);
    size_t i = 0;
    while (heap->blocks[i].memory != NULL) {
        i++;
        CHECK(i < HEAP_BLOCKS);
    }
    heap->blocks[i].memory = heap->memory[kind];
    heap->blocks[i].bytes = bytes;
    heap->blocks[i].kind = kind;
    return heap->memory[kind];
}

static void heap_release(void *context, void *memory, size_t bytes, ic_memory kind) {
    guarded_heap *heap = context;
    size_t i = 0;
    while (i < HEAP_BLOCKS && (memory == NULL || heap->blocks[i].memory != memory)) {
        i++;
    }
    CHECK(i < HEAP_BLOCKS && heap->blocks[i].bytes == bytes && heap->blocks[i].kind == kind);
    heap->blocks[i].memory = NULL;
    heap->calls++;
    heap->live--;
    heap->bytes[kind] -= bytes;
    if (heap->memory[kind] == memory) {
        heap->memory[kind] = NULL;
    }
    guarded_free(memory, bytes);
}

ic_allocator guarded_allocator(guarded_heap *heap) {
    const ic_allocator allocator = {heap, heap_allocate, heap_release};
    return allocator;
}

ic_options options_for(ic_algorithm algorithm, const char *kernel, const ic_allocator *allocator) {
    const ic_options options = {
        .struct_size = sizeof options, .algorithm = algorithm, .kernel = kernel, .allocator = allocator};
    return options;
}

ic_status try_create(const ic_conv2d_desc *desc, const ic_options *options) {
    static float numbers[4096];
    ic_conv2d *conv = (ic_conv2d *)(void *)numbers;
    const ic_status status = ic_conv2d_create(desc, numbers, NULL, options, &conv);
    CHECK((status == IC_OK) == (conv != NULL));
    ic_conv2d_destroy(conv);
    return status;
}

ic_tuned_entry entry_of(const shape *s, const char *choice) {
    ic_tuned_entry e = {.struct_size = sizeof e,
                        .desc = s->desc,
                        .batch = s->batch,
                        .height = s->height,
                        .width = s->width,
                        .threads = 1};
    CHECK(snprintf(e.choice, sizeof e.choice, "%s", choice) < (int)sizeof e.choice);
    return e;
}
