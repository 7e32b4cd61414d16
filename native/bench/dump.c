/* SPDX-License-Identifier: Apache-2.0 */
#include "dump.h"

#include "json.h"
#include "npy.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

bool dump_layers(const plan *p, const char *folder) {
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

bool dump_tensors(const layer_shape *l, const layer_data *data, const char *name, const float *output,
                  const char *folder, char *reason, size_t room) {
    const ic_conv2d_desc *d = &l->desc;
    char path[4096], ours[256];
    snprintf(ours, sizeof ours, "%s.output", name);
    const struct {
        const char *name;
        const float *values;
        size_t shape[4];
        unsigned dimensions;
    } files[] = {
        {"input", data->input, {l->batch, l->height, l->width, d->in_channels}, 4},
        {"weights", data->weights, {d->out_channels, d->kernel_height, d->kernel_width, d->in_channels / d->groups}, 4},
        {"bias", data->bias, {d->out_channels}, 1},
        {ours, output, {l->batch, l->out_height, l->out_width, d->out_channels}, 4}};
    for (unsigned i = 0; i < 4; i++) {
        snprintf(path, sizeof path, "%s/%s.%s.npy", folder, l->name, files[i].name);
        if (!npy_write(path, d->type, files[i].values, files[i].shape, files[i].dimensions)) {
            snprintf(reason, room, "cannot write %.150s: %s", path, strerror(errno));
            return false;
        }
    }
    return true;
}
