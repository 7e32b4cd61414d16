/* SPDX-License-Identifier: Apache-2.0 */
#include "worker/placement.h"

#include "worker/heartbeat.h"
#include "worker/planes.h"

#include <string.h>

#define SCATTERED_TRIES 8
#define PACKED_TRIES 16 /* an instance that is not known yet shows one more buffer a try */

size_t placement_need(const placement *p) {
    const size_t turned = p->layout == IC_LAYOUT_NHWC ? 0 : arena_room(p->layer->output_floats * sizeof(float));
    return arena_room(p->layer->input_floats * sizeof(float)) + turned + p->copies * p->room;
}

/* Room to place buffers at random, and more than the caches. */
static size_t comfortable(const placement *p) {
    size_t need = placement_need(p), bytes = 2 * (need > p->llc ? need : (size_t)p->llc) + ((size_t)32 << 20);
    return bytes < p->budget ? bytes : p->budget;
}

void placement_free(placement *p) {
    while (p->made) {
        instance_free(&p->copy[--p->made], p->layer);
    }
    if (p->input) {
        arena_give(p->arena, p->input, p->layer->input_floats * sizeof(float));
    }
    if (p->turned) {
        arena_give(p->arena, p->turned, p->layer->output_floats * sizeof(float));
    }
    p->input = p->turned = NULL;
}

const float *placement_output(const placement *p, const instance *i) {
    const layer_shape *l = p->layer;
    if (p->layout == IC_LAYOUT_NHWC) {
        return i->output;
    }
    planes_to_nhwc(p->turned, i->output, l->batch, l->out_height * l->out_width, l->desc.out_channels);
    return p->turned;
}

/* The layer's input in the layout of the instances. */
static bool place_input(placement *p) {
    const layer_shape *l = p->layer;
    const size_t bytes = l->input_floats * sizeof(float);
    p->input = arena_take(p->arena, bytes, ARENA_LINE);
    if (!p->input) {
        return false;
    }
    if (p->layout == IC_LAYOUT_NHWC) {
        memcpy(p->input, p->data->input, bytes);
        return true;
    }
    planes_from_nhwc(p->input, p->data->input, l->batch, l->height * l->width, l->desc.in_channels);
    p->turned = arena_take(p->arena, l->output_floats * sizeof(float), ARENA_LINE);
    return p->turned != NULL;
}

static ic_status once(placement *p) {
    if (!place_input(p)) {
        placement_free(p);
        return IC_OUT_OF_MEMORY;
    }
    while (p->made < p->copies) {
        instance *i = &p->copy[p->made];
        ic_status status =
            instance_make(i, p->arena, p->layer, p->data, p->layout, p->algorithm, p->schedule, p->tuned, p->pool);
        p->room = i->wanted > p->room ? i->wanted : p->room;
        if (status != IC_OK) {
            placement_free(p);
            return status;
        }
        p->made++;
        heartbeat();
    }
    return IC_OK;
}

ic_status placement_make(placement *p) {
    ic_status status = IC_OUT_OF_MEMORY;
    p->made = 0;
    p->input = p->turned = NULL;
    if (!p->room) {
        p->room =
            arena_room(p->layer->weight_floats * sizeof(float)) + arena_room(p->layer->output_floats * sizeof(float));
    }
    for (int tries = 0; tries < SCATTERED_TRIES + PACKED_TRIES && status == IC_OUT_OF_MEMORY; tries++) {
        size_t need = placement_need(p), limit = comfortable(p);
        if (need > p->budget) {
            break;
        }
        if (limit > p->arena->pages * ARENA_PAGE) {
            arena_limit(p->arena, limit);
        }
        if (tries >= SCATTERED_TRIES) {
            arena_pack(p->arena, need);
        }
        status = once(p);
    }
    arena_scatter(p->arena);
    return status;
}
