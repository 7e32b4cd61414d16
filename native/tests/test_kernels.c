/* SPDX-License-Identifier: Apache-2.0
 * Every kernel on every path that it serves. The kernel "loops" is the naive algorithm. */
#include "paths.h"

#include "apart.h"
#include "nonfinite.h"
#include "tiles.h"
#include "winograd.h"

#include <string.h>

static void against_reference(const char *kernel, values kind, placement place, bool with_heap) {
    const bool naive = strcmp(kernel, "loops") == 0;
    for (unsigned i = 0; i < shape_count; i++) {
        const shape s = nth_shape(i);
        const tensors t = new_tensors(&s, kind, place, i);
        const bool with_bias = i % 3 != 0;
        reference_value *all = new_references(&s, t.weights, with_bias ? t.bias : NULL, t.input);
        for (size_t p = 0; p < (naive ? 2 : path_count); p++) {
            const path *way = naive ? &naive_paths[p] : &paths[p];
            if (!naive && is_left_out(p, i)) {
                continue;
            }
            guarded_heap heap = {.place = place, .fail_at = -1};
            const ic_allocator allocator = guarded_allocator(&heap);
            if (convolve(&s, kernel, way, &t, with_bias, with_heap ? &allocator : NULL, NULL)) {
                check_references(&s, kind, all, t.output, ic_algorithm_name(way->algorithm));
            }
            CHECK(heap.live == 0);
        }
        free(all);
        free_tensors(&s, t);
    }
}

static void bound(const char *kernel) {
    against_reference(kernel, VALUES_FLOAT, FLUSH_START, false);
}

static void integers(const char *kernel) {
    against_reference(kernel, VALUES_INTEGER, FLUSH_START, false);
}

/* Tensors and all of the library's own buffers between pages without access; the input is read-only everywhere. */
static void guards(const char *kernel) {
    against_reference(kernel, VALUES_FLOAT, FLUSH_END, true);
    against_reference(kernel, VALUES_FLOAT, FLUSH_START, true);
}

/* All paths of a kernel give the same bits, on any number of threads, and are one function, save for depthwise. */
static void bits(const char *kernel) {
    unsigned direct = 0;
    for (unsigned i = 0; i < shape_count; i++) {
        const shape s = nth_shape(i);
        const tensors t = new_tensors(&s, VALUES_FLOAT, FLUSH_START, i);
        const size_t bytes = outputs_of(&s) * sizeof(float);
        float *first = malloc(bytes);
        const void *address, *other;
        CHECK(first != NULL);
        CHECK(convolve(&s, kernel, &published_path, &t, true, NULL, &address));
        CHECK(address != NULL);
        memcpy(first, t.output, bytes);
        for (size_t p = 0; p < path_count; p++) {
            if (!is_left_out(p, i) && convolve(&s, kernel, &paths[p], &t, true, NULL, &other)) {
                const bool is_vectors = s.desc.groups > 1 && s.desc.groups == s.desc.in_channels &&
                                        s.desc.groups == s.desc.out_channels &&
                                        strstr(paths[p].options, "+regions") != NULL;
                CHECK((address == other) == !is_vectors);
                CHECK(memcmp(first, t.output, bytes) == 0);
                direct += paths[p].algorithm == IC_ALGORITHM_DIRECT;
            }
        }
        free(first);
        free_tensors(&s, t);
    }
    CHECK(direct > 0);
}

/* Every height and width of tile: 1 to 13 pixels in one row, 1 to 130 channels, either side of 4 channels of depth; on
 * planes the other way round. */
static void tails(const char *kernel) {
    for (size_t width = 1; width <= 13; width++) {
        for (size_t cout = 1; cout <= 130; cout += cout < 67 ? 1 : 7) {
            for (unsigned turned = 0; turned < 2; turned++) {
                const path *way = turned ? &planes_path : &published_path;
                const size_t pixels = turned ? cout : width, channels = turned ? width : cout;
                const shape s = plain_shape(1, 1, pixels, 1 + (width + cout) % 9, channels);
                const tensors t = new_tensors(&s, VALUES_INTEGER, FLUSH_END, width * 1000 + cout);
                CHECK(convolve(&s, kernel, way, &t, true, NULL, NULL));
                check_against_reference(&s, VALUES_INTEGER, t.weights, t.bias, t.input, t.output, "tails");
                free_tensors(&s, t);
            }
        }
    }
}

int main(int argc, char **argv) {
    static const check_case cases[] = {
        {"bound", bound}, {"integers", integers},   {"guards", guards}, {"bits", bits},         {"tails", tails},
        {"tiles", tiles}, {"nonfinite", nonfinite}, {"apart", apart},   {"winograd", winograd}, {NULL, NULL}};
    return check_main(argc, argv, cases);
}
