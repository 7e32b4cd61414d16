/* SPDX-License-Identifier: Apache-2.0
 * A tile asks for cache lines ahead of their use. Part of tile.inc.h.
 *
 * Hardware fetches well what is read in one stream. The rows of an image and the pixels of the output are short pieces
 * of it, and the weights of a pass are new to the nearer caches when it begins. Asked for all at once, lines occupy the
 * few buffers that a core has for those under way, and what is needed now waits; so a deep tile asks for a few of them
 * now and then between its sums. */

/* A cache line: floats, bytes. */
enum { LINE = 16, LINE_BYTES = 64 };
/* A tile's products between two requests: so many parts, none shorter save at a tap's end. */
enum { STRETCHES = 32, LEAST_STRETCH = 8 };
/* Bytes of input. */
enum { MOST_AHEAD = 4096 };

#define IC_PIXEL_LINES(vectors) (((vectors) * IC_WIDTH + LINE - 1) / LINE)

/* What is still to be asked for. */
typedef struct {
    uintptr_t input, input_end;     /* of the next tile */
    uintptr_t weights, weights_end; /* of the next pass: this tile's share */
    const char *output;
    const ptrdiff_t *output_offsets;
    unsigned line, lines;         /* of the output */
    size_t stretch, weights_step; /* products between two requests; bytes of weights in one */
} fetching;

static inline __attribute__((always_inline)) void fetch_output(const char *output, const ptrdiff_t *output_offsets,
                                                               const unsigned rows, const unsigned vectors) {
    IC_UNROLL
    for (unsigned r = 0; r < rows; r++) {
        IC_UNROLL
        for (unsigned line = 0; line < IC_PIXEL_LINES(vectors); line++) {
            __builtin_prefetch(output + output_offsets[r] + line * LINE_BYTES, 1);
        }
    }
}

static inline void begin_weights(fetching *f, const ic_tile_run *run, size_t tiles_left) {
    const size_t requests = run->channels / LEAST_STRETCH + 1;
    f->stretch = LEAST_STRETCH;
    f->weights = run->ahead + (run->tiles - tiles_left) * run->ahead_step;
    f->weights_end = f->weights + run->ahead_step;
    f->weights_step = (run->ahead_step / requests / LINE_BYTES + 1) * LINE_BYTES;
}

/* Tiles go along a row of the image: what no tile before has read is in the next one's last tap. */
static inline void begin_images(fetching *f, const ic_tile_run *run, size_t tiles_left, const char *input,
                                const ptrdiff_t *offsets, const unsigned rows, const unsigned vectors) {
    const size_t stretch = run->taps * run->channels / STRETCHES;
    f->stretch = stretch > LEAST_STRETCH ? stretch : LEAST_STRETCH;
    f->lines = rows * IC_PIXEL_LINES(vectors);
    if (tiles_left > 1 && run->taps != 0) {
        const ptrdiff_t *next = offsets + run->offset_step + (run->taps - 1) * run->tap_entries;
        const ptrdiff_t bytes = next[rows - 1] - next[0] + (ptrdiff_t)(run->channels * sizeof(float));
        if (next[0] >= 0 && bytes > 0 && bytes <= MOST_AHEAD) {
            f->input = (uintptr_t)input + run->input_step + (uintptr_t)next[0];
            f->input_end = f->input + (uintptr_t)bytes;
        }
    }
}

/* Asks for the next lines of each; how many of the `left` products of a tap come before the lines after. */
static inline __attribute__((always_inline)) size_t fetch_between(fetching *f, const bool between, size_t left,
                                                                  const unsigned vectors) {
    if (!between) {
        return left;
    }
    if (f->line != f->lines) {
        const unsigned pixel = f->line / IC_PIXEL_LINES(vectors), line = f->line % IC_PIXEL_LINES(vectors);
        __builtin_prefetch(f->output + f->output_offsets[pixel] + line * LINE_BYTES, 1);
        f->line++;
    }
    if (f->input < f->input_end) {
        __builtin_prefetch((const void *)f->input);
        f->input += LINE_BYTES;
    }
    const uintptr_t stop =
        f->weights + f->weights_step < f->weights_end ? f->weights + f->weights_step : f->weights_end;
    for (; f->weights < stop; f->weights += LINE_BYTES) {
        __builtin_prefetch((const void *)f->weights, 0, 2); /* to the second cache */
    }
    return left <= f->stretch ? left : f->stretch;
}
