/* SPDX-License-Identifier: Apache-2.0 */
#include "worker/dump.h"

#include "worker/npy.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

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
