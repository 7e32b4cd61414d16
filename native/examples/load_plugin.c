/* SPDX-License-Identifier: Apache-2.0
 * load_plugin FILE: loads the plugin, which needs nothing of this program, and blurs one white pixel. */
#include <dlfcn.h>
#include <stdio.h>
#include <string.h>

enum { SIDE = 3 };

int main(int count, char **arguments) {
    void *plugin = count == 2 ? dlopen(arguments[1], RTLD_NOW | RTLD_LOCAL) : NULL;
    void *symbol = plugin != NULL ? dlsym(plugin, "blur") : NULL;
    if (symbol == NULL) {
        fprintf(stderr, "%s\n", count == 2 ? dlerror() : "usage: load_plugin FILE");
        return 1;
    }
    int (*blur)(const float *, float *, size_t, size_t);
    memcpy(&blur, &symbol, sizeof blur); /* ISO C has no conversion from an object pointer to a function pointer */
    const float image[SIDE * SIDE] = {0, 0, 0, 0, 9, 0, 0, 0, 0};
    float result[SIDE * SIDE];
    const int status = blur(image, result, SIDE, SIDE);
    printf("status %d, corner %.2f, middle %.2f\n", status, (double)result[0], (double)result[4]);
    return dlclose(plugin) != 0 || status != 0;
}
