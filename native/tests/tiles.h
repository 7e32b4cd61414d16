/* SPDX-License-Identifier: Apache-2.0 */
#ifndef IC_TILES_H
#define IC_TILES_H

/* The micro-kernel by itself: every height and width of tile, and channels around the blocks. */
void tiles(const char *kernel);

#endif
