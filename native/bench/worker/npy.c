/* SPDX-License-Identifier: Apache-2.0 */
#include "worker/npy.h"

#include "core/type.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* Little-endian. */
static const char *name_of(ic_type type) {
    static const struct {
        ic_type type;
        const char *name;
    } names[] = {{IC_TYPE_F32, "<f4"}};
    size_t i = 0;
    while (names[i].type != type) {
        i++; /* each type that the library covers has one */
    }
    return names[i].name;
}

bool npy_write(const char *path, ic_type type, const void *values, const size_t *shape, unsigned dimensions) {
    char text[256];
    size_t count = 1;
    int n = snprintf(text, sizeof text, "{'descr': '%s', 'fortran_order': False, 'shape': (", name_of(type));
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
                 fwrite(values, ic_type_of(type)->bytes, count, file) == count;
    whole = !fclose(file) && whole;
    if (!whole) {
        const int reason = errno;
        remove(path); /* a part of an array is none */
        errno = reason;
    }
    return whole;
}
