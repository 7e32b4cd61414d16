/* SPDX-License-Identifier: Apache-2.0
 * The keys of a plan's `layer` line, which is also the worker protocol's: LAYER_KEY(key, kind, member, least), in the
 * order in which they are written. layer.c reads and prints a line by them; its functions of each kind (read_size,
 * print_size, ...) say what a value may be. harness/plan/planfile.py writes the same keys. */
LAYER_KEY(name, name, name, 1)
LAYER_KEY(type, type, desc.type, 0)       /* of the elements of all tensors: f32 */
LAYER_KEY(layout, layout, desc.layout, 0) /* of input and output: nhwc */
LAYER_KEY(h, size, height, 1)             /* of the input */
LAYER_KEY(w, size, width, 1)
LAYER_KEY(kh, extent, desc.kernel_height, 1)
LAYER_KEY(kw, extent, desc.kernel_width, 1)
LAYER_KEY(pt, extent, desc.pad_top, 0)
LAYER_KEY(pr, extent, desc.pad_right, 0)
LAYER_KEY(pb, extent, desc.pad_bottom, 0)
LAYER_KEY(pl, extent, desc.pad_left, 0)
LAYER_KEY(sh, extent, desc.stride_height, 1)
LAYER_KEY(sw, extent, desc.stride_width, 1)
LAYER_KEY(dh, extent, desc.dilation_height, 1)
LAYER_KEY(dw, extent, desc.dilation_width, 1)
LAYER_KEY(groups, extent, desc.groups, 1)
LAYER_KEY(batch, size, batch, 1)
LAYER_KEY(cin, size, desc.in_channels, 1) /* over all groups, as cout */
LAYER_KEY(cout, size, desc.out_channels, 1)
LAYER_KEY(min, clamp, desc.output_min, 0) /* of the output; -inf: not clamped */
LAYER_KEY(max, clamp, desc.output_max, 0)
#undef LAYER_KEY
