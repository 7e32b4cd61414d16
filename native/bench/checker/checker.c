/* SPDX-License-Identifier: Apache-2.0 */
#include "checker/checker.h"

#include "checker/rawfile.h"
#include "methods/method.h"
#include "wire/lines.h"
#include "worker/dump.h"
#include "worker/heartbeat.h"
#include "worker/reference.h"
#include "worker/reply.h"
#include "worker/requests.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct {
    size_t memory;
    bool has_layer;
    layer_shape layer;
    layer_data data;
    reference reference;
    bool reference_every;
} checker;

static bool take_hello(checker *c, fields *f) {
    fields_u64(f, "protocol", PROTOCOL_VERSION, PROTOCOL_VERSION);
    c->memory = (size_t)fields_u64(f, "memory", 1, SIZE_MAX / 2);
    fields_end(f);
    return f->error[0] ? reply_failed(f->error) : lines_put(PROTOCOL_FD, "hello protocol=%d", PROTOCOL_VERSION);
}

static bool write_data(const checker *c, const char *folder, char *reason, size_t room) {
    const struct {
        const char *name;
        const float *values;
        size_t count;
    } files[] = {{"input", c->data.input, c->layer.input_floats},
                 {"weights", c->data.weights, c->layer.weight_floats},
                 {"bias", c->data.bias, c->layer.desc.out_channels}};
    char path[PROTOCOL_LINE];
    for (unsigned i = 0; i < sizeof files / sizeof *files; i++) {
        snprintf(path, sizeof path, "%s/%s", folder, files[i].name);
        if (!rawfile_write(path, files[i].values, files[i].count, reason, room)) {
            return false;
        }
        heartbeat();
    }
    return true;
}

static bool take_layer(checker *c, fields *f) {
    layer_shape l;
    char reason[256];
    layer_parse(f, &l);
    const char *folder = fields_text(f, "data");
    fields_end(f);
    if (f->error[0]) {
        return reply_failed(f->error);
    }
    reference_free(&c->reference);
    layer_data_free(&c->data);
    c->has_layer = false;
    size_t bytes = layer_data_bytes(&l) + l.output_floats * sizeof(float);
    if (bytes > c->memory) {
        return reply_skip("the layer's tensors, as files, do not fit the memory budget", bytes);
    }
    if (!layer_data_make(&l, &c->data)) {
        return reply_skip("no memory for the layer's tensors", bytes);
    }
    c->layer = l;
    c->has_layer = true;
    return write_data(c, folder, reason, sizeof reason) ? lines_put(PROTOCOL_FD, "ok") : reply_hindered(reason);
}

/* The output from its file; NULL: answered. */
static float *take_output(const checker *c, const char *path, bool *sent) {
    char reason[256];
    const layer_shape *l = &c->layer;
    float *output = malloc(l->output_floats * sizeof *output);
    if (!output) {
        *sent = reply_hindered("no memory for the output");
        return NULL;
    }
    rawfile_status status = rawfile_read(path, output, l->output_floats, reason, sizeof reason);
    if (status == RAWFILE_READ) {
        return output;
    }
    if (status == RAWFILE_OTHER_SIZE) {
        snprintf(reason + strlen(reason), sizeof reason - strlen(reason), " (%zu x %zu x %zu x %zu of f32)", l->batch,
                 l->out_height, l->out_width, l->desc.out_channels);
    }
    free(output);
    *sent = reply_failed(reason);
    return NULL;
}

static bool judge(checker *c, fields *f) {
    const char *by = fields_text(f, "by"), *path = fields_text(f, "output"), *folder = fields_text_or(f, "dump", ""),
               *as = fields_text_or(f, "as", "output");
    bool every = !strcmp(by, "every"), sent = true;
    fields_end(f);
    if (!f->error[0] && !c->has_layer) {
        fields_fail(f, "no layer yet");
    }
    if (f->error[0]) {
        return reply_failed(f->error);
    }
    float *output = take_output(c, path, &sent);
    if (!output) {
        return sent;
    }
    if (!c->reference.value || c->reference_every != every) {
        reference_free(&c->reference);
        if (!reference_make(&c->reference, &c->layer, &c->data, every, heartbeat)) {
            free(output);
            return reply_hindered("no memory for the reference");
        }
        c->reference_every = every;
    }
    char reason[256];
    const double bound = CHECKER_SLACK * ic_bound_of_products(&c->layer.desc);
    double error = reference_compare(&c->reference, bound, IC_BOUND_OF_PRODUCTS, output),
           largest = reference_compare(&c->reference, 1, IC_BOUND_OF_PRODUCTS, output);
    bool written = !*folder || dump_tensors(&c->layer, &c->data, as, output, folder, reason, sizeof reason);
    free(output);
    return written
               ? lines_put(PROTOCOL_FD, "judged outputs=%zu ok=%d error_over_bound=%.17g max_error=%.17g bound=%.17g",
                           c->reference.count, error <= 1, error, largest, bound)
               : reply_hindered(reason);
}

int checker_main(void) {
    static checker c;
    fields f;
    requests_begin();
    while (requests_next(&f)) {
        bool sent = f.error[0]                 ? reply_failed(f.error)
                    : !strcmp(f.word, "hello") ? take_hello(&c, &f)
                    : !strcmp(f.word, "layer") ? take_layer(&c, &f)
                    : !strcmp(f.word, "judge") ? judge(&c, &f)
                                               : reply_failed("unknown request");
        if (!sent) {
            return 1;
        }
    }
    return 0;
}
