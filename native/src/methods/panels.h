/* SPDX-License-Identifier: Apache-2.0
 * The weights of an object in panels for its kernel, which may change from size to size. */
#ifndef IC_PANELS_H
#define IC_PANELS_H

#include "object.h"
#include "tiles/pack.h"

/* Takes and fills them. */
ic_status ic_make_panels(ic_conv2d *conv, const ic_packing *packing, const void *weights, const void *bias);

/* Algorithm and schedule for the object's geometry, where they are chosen; packs the weights again where the kernel
 * changes. After a failure they are as before. */
ic_status ic_choose_panels(ic_conv2d *conv, const ic_packing *packing);

#endif
