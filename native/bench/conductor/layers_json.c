/* SPDX-License-Identifier: Apache-2.0 */
#include "conductor/layers_json.h"

#include "wire/json.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

bool layers_json_write(const plan *p, const char *folder) {
    char path[4096];
    json j = {0};
    json_open(&j, NULL, '[');
    for (unsigned i = 0; i < p->layer_count; i++) {
        const layer_shape *l = &p->layers[i];
        const ic_conv2d_desc *d = &l->desc;
        json_open(&j, NULL, '{');
        json_text(&j, "name", l->name);
        const struct {
            const char *key;
            size_t value;
        } numbers[] = {{"h", l->height},        {"w", l->width},           {"kh", d->kernel_height},
                       {"kw", d->kernel_width}, {"groups", d->groups},     {"batch", l->batch},
                       {"cin", d->in_channels}, {"cout", d->out_channels}, {"out_h", l->out_height},
                       {"out_w", l->out_width}};
        for (unsigned k = 0; k < sizeof numbers / sizeof *numbers; k++) {
            json_size(&j, numbers[k].key, numbers[k].value);
        }
        const uint32_t sides[3][4] = {{d->pad_top, d->pad_right, d->pad_bottom, d->pad_left},
                                      {d->stride_height, d->stride_width, 0, 0},
                                      {d->dilation_height, d->dilation_width, 0, 0}};
        static const char *const names[] = {"pad", "stride", "dilation"};
        for (unsigned k = 0; k < 3; k++) {
            json_open(&j, names[k], '[');
            for (unsigned n = 0; n < (k ? 2u : 4u); n++) {
                json_size(&j, NULL, sides[k][n]);
            }
            json_close(&j, ']');
        }
        json_number(&j, "min", layer_clamp(d->output_min)); /* not clamped: null */
        json_number(&j, "max", layer_clamp(d->output_max));
        json_close(&j, '}');
    }
    json_close(&j, ']');
    snprintf(path, sizeof path, "%s/layers.json", folder);
    FILE *file = fopen(path, "wb");
    bool whole = file && fwrite(j.text, 1, j.length, file) == j.length && fputc('\n', file) != EOF;
    whole = file && !fclose(file) && whole;
    if (!whole) {
        fprintf(stderr, "convbench: cannot write %s: %s\n", path, strerror(errno));
    }
    json_free(&j);
    return whole;
}
