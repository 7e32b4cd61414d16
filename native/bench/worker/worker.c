/* SPDX-License-Identifier: Apache-2.0 */
#include "worker/worker.h"

#include "machine/meminfo.h"
#include "wire/lines.h"
#include "worker/hello.h"
#include "worker/object_requests.h"
#include "worker/reply.h"
#include "worker/requests.h"

#include <string.h>

static bool take_layer(worker *w, fields *f) {
    layer_shape l;
    layer_parse(f, &l);
    fields_end(f);
    if (f->error[0]) {
        return reply_failed(f->error);
    }
    reference_free(&w->reference);
    layer_data_free(&w->data);
    memset(w->objects, 0, sizeof w->objects);
    w->has_layer = false;
    size_t least = layer_data_bytes(&l) + (l.input_floats + l.weight_floats + l.output_floats) * sizeof(float);
    if (least > w->memory) {
        return reply_skip("the layer's tensors do not fit the memory budget", least);
    }
    if (layer_data_bytes(&l) > meminfo_free()) {
        return reply_skip("the layer's tensors do not fit what the system has free", least);
    }
    if (!layer_data_make(&l, &w->data)) {
        return reply_skip("no memory for the layer's tensors", least);
    }
    w->layer = l;
    w->has_layer = true;
    return lines_put(PROTOCOL_FD, "ok");
}

int worker_main(void) {
    static worker w;
    static const struct {
        const char *word;
        bool (*answer)(worker *, fields *);
    } requests[] = {{"hello", hello_answer},
                    {"layer", take_layer},
                    {"create", object_create},
                    {"check", object_check},
                    {"sample", object_sample}};
    fields f;
    requests_begin();
    while (requests_next(&f)) {
        bool sent = false, known = false;
        for (unsigned i = 0; i < sizeof requests / sizeof *requests && !known; i++) {
            if ((known = !strcmp(f.word, requests[i].word))) {
                sent = f.error[0] ? reply_failed(f.error) : requests[i].answer(&w, &f);
            }
        }
        if (!known) {
            sent = reply_failed("unknown request");
        }
        if (!sent) {
            return 1;
        }
    }
    return 0;
}
