/* SPDX-License-Identifier: Apache-2.0
 * A tile asks for cache lines ahead of their use. Part of tile.inc.h; where IC_FETCHES is 0, nothing is done.
 *
 * Hardware fetches well what is read in one stream, such as weights. The rows of an image and the pixels of the output
 * are short pieces of it. Asked for all at once, they occupy the few buffers that a core has for lines under way, and
 * the weights wait; so a deep tile asks for a line of each now and then between its sums. */
enum { LINE = 16, LINE_BYTES = 64 };        /* a cache line: floats, bytes */
enum { STRETCHES = 32, LEAST_STRETCH = 8 }; /* a tile's products between two requests: so many parts, none shorter */
enum { MOST_AHEAD = 4096 };                 /* bytes of input */

/* Lines still to be asked for: of the next tile's input, and of this tile's output. */
typedef struct {
    const char *input, *input_end, *output;
    const int64_t *output_offsets;
    unsigned line, lines; /* of the output */
    size_t stretch;
} fetching;

static inline __attribute__((always_inline)) fetching begin_fetching(const ic_tile_run *run, const bool between,
                                                                     size_t tiles_left, const char *input,
                                                                     const int64_t *offsets, const char *output,
                                                                     const int64_t *output_offsets, const unsigned rows,
                                                                     const unsigned vectors) {
    const unsigned pixel_lines = (vectors * IC_WIDTH + LINE - 1) / LINE;
    fetching f = {NULL, NULL, output, output_offsets, 0, rows * pixel_lines, 0};
    if (IC_FETCHES && between) {
        const size_t stretch = run->taps * run->channels / STRETCHES;
        f.stretch = stretch > LEAST_STRETCH ? stretch : LEAST_STRETCH;
        if (tiles_left > 1 && run->taps != 0) {
            /* Tiles go along a row of the image: what no tile before has read is in the last tap. */
            const int64_t *next = offsets + run->offset_step + (run->taps - 1) * rows;
            const int64_t bytes = next[rows - 1] - next[0] + (int64_t)(run->channels * sizeof(float));
            if (next[0] >= 0 && bytes > 0 && bytes <= MOST_AHEAD) {
                f.input = input + run->input_step + next[0];
                f.input_end = f.input + bytes;
            }
        }
    } else if (IC_FETCHES && run->fetch == IC_FETCH_OUTPUT) {
        IC_UNROLL
        for (unsigned r = 0; r < rows; r++) {
            IC_UNROLL
            for (unsigned line = 0; line < pixel_lines; line++) {
                __builtin_prefetch(output + output_offsets[r] + line * LINE_BYTES, 1);
            }
        }
    }
    return f;
}

/* Asks for the next line of each; how many of the `left` products of a tap come before the lines after. */
static inline __attribute__((always_inline)) size_t fetch_between(fetching *f, const bool between, size_t left,
                                                                  const unsigned vectors) {
    if (!(IC_FETCHES && between)) {
        return left;
    }
    const unsigned pixel_lines = (vectors * IC_WIDTH + LINE - 1) / LINE;
    if (f->line != f->lines) {
        __builtin_prefetch(f->output + f->output_offsets[f->line / pixel_lines] + f->line % pixel_lines * LINE_BYTES,
                           1);
        f->line++;
    }
    if (f->input != f->input_end) {
        __builtin_prefetch(f->input);
        f->input = f->input_end - f->input > LINE_BYTES ? f->input + LINE_BYTES : f->input_end;
    }
    return left <= f->stretch ? left : f->stretch;
}
