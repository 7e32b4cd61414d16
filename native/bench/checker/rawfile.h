/* SPDX-License-Identifier: Apache-2.0
 * Tensors in files without a header: f32, little-endian, as all our machines have it in memory. */
#ifndef CONVBENCH_RAWFILE_H
#define CONVBENCH_RAWFILE_H

#include <stdbool.h>
#include <stddef.h>

typedef enum { RAWFILE_READ, RAWFILE_UNREADABLE, RAWFILE_OTHER_SIZE } rawfile_status;

/* Where it fails `reason` says why. */
bool rawfile_write(const char *path, const float *values, size_t count, char *reason, size_t room);
rawfile_status rawfile_read(const char *path, float *values, size_t count, char *reason, size_t room);

#endif
