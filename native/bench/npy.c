/* SPDX-License-Identifier: Apache-2.0 */
#include "npy.h"

#include <stdio.h>
#include <string.h>

bool npy_write(const char *path, const element *type, const void *values, const size_t *shape, unsigned dimensions) {
    char text[256];
    size_t count = 1;
    int n = snprintf(text, sizeof text, "{'descr': '%s', 'fortran_order': False, 'shape': (", type->npy);
    for (unsigned i = 0; i < dimensions; i++) {
        count *= shape[i];
        n += snprintf(text + n, sizeof text - (size_t)n, "%zu,", shape[i]);
    }
    n += snprintf(text + n, sizeof text - (size_t)n, "), }");
    size_t header = ((size_t)n + 1 + 10 + 63) / 64 * 64 - 10;
    memset(text + n, ' ', header - (size_t)n);
    text[header - 1] = '\n';
    FILE *file = fopen(path, "wb");
    if (!file) {
        return false;
    }
    const unsigned char magic[10] = {
        0x93, 'N', 'U', 'M', 'P', 'Y', 1, 0, (unsigned char)(header & 255), (unsigned char)(header >> 8)};
    bool whole = fwrite(magic, 1, 10, file) == 10 && fwrite(text, 1, header, file) == header &&
                 fwrite(values, type->bytes, count, file) == count;
    return !fclose(file) && whole;
}
