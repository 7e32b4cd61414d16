/* SPDX-License-Identifier: Apache-2.0 */
#include "conductor/identity.h"

void identity_write(const identity *of, json *j) {
    json_text(j, "layer", of->layer);
    json_text(j, "variant", of->variant);
    json_text(j, "asked", of->asked);
    json_text(j, "algorithm", of->algorithm);
    json_text(j, "method", of->method);
    json_text(j, "kernel", of->kernel);
    json_text(j, "schedule", of->schedule);
    json_text(j, "face", of->face);
    json_text(j, "element", of->element);
    json_text(j, "layout", of->layout);
    json_int(j, "threads", of->threads);
    json_text(j, "build", of->build);
    json_text(j, "cache", of->cache);
}
