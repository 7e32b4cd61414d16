/* SPDX-License-Identifier: Apache-2.0
 * Statuses, names and versions in words, and the text of the last failure. */
#include "check.h"
#include "core/core.h"

#include <pthread.h>
#include <string.h>

static const ic_algorithm algorithms[] = {IC_ALGORITHM_NAIVE, IC_ALGORITHM_IM2COL, IC_ALGORITHM_DIRECT,
                                          IC_ALGORITHM_INDIRECT};

static void *fails_elsewhere(void *text) {
    CHECK(ic_last_error()[0] == '\0');
    CHECK(ic_conv2d_reshape(NULL, 1, 1, 1) == IC_INVALID_ARGUMENT);
    CHECK(strcmp(ic_last_error(), "conv is NULL") == 0);
    CHECK(strcmp(text, ic_last_error()) != 0);
    return NULL;
}

/* The text of a failure names the argument; it is the thread's own. */
static void last_errors(const char *kernel) {
    (void)kernel;
    const shape s = plain_shape(3, 8, 8, 4, 6);
    pthread_t other;
    CHECK(ic_last_error()[0] == '\0');
    CHECK(try_create(&s.desc, NULL) == IC_OK && ic_last_error()[0] == '\0');
#define FAILS(change, wanted)                                                                                          \
    do {                                                                                                               \
        ic_conv2d_desc desc = s.desc;                                                                                  \
        ic_options options = IC_OPTIONS_INIT;                                                                          \
        change;                                                                                                        \
        CHECK(try_create(&desc, &options) != IC_OK);                                                                   \
        if (strstr(ic_last_error(), wanted) != ic_last_error()) {                                                      \
            fprintf(stderr, "%s\n", ic_last_error());                                                                  \
            exit(1);                                                                                                   \
        }                                                                                                              \
    } while (0)
    FAILS(desc.groups = 3, "desc.groups=3 does not divide desc.in_channels=4");
    FAILS(desc.in_channels = 0, "desc.in_channels is 0");
    FAILS(desc.kernel_width = 0, "desc.kernel_width is 0");
    FAILS(desc.struct_size = 2, "desc.struct_size=2 is not ");
    FAILS((desc.output_min = 2, desc.output_max = 1), "desc.output_min=2 ");
    FAILS(desc.out_channels = SIZE_MAX, "desc: weights ");
    FAILS(options.struct_size = 3, "options.struct_size=3 is not ");
    FAILS(options.algorithm = (ic_algorithm)7, "options.algorithm=7 ");
    FAILS(options.algorithm = IC_ALGORITHM_DIRECT, "options.algorithm=direct ");
    FAILS(options.kernel = "avx1024_1x1", "kernel=avx1024_1x1: ");
    FAILS(options.kernel = "scalar_4x4+wings", "kernel=scalar_4x4+wings: ");
#undef FAILS
    ic_conv2d *conv;
    const float weights[6 * 9 * 4] = {0};
    float output[6 * 6 * 6];
    CHECK(ic_conv2d_create(&s.desc, weights, NULL, NULL, &conv) == IC_OK);
    CHECK(ic_conv2d_run(conv, weights, output) == IC_BAD_STATE);
    CHECK(strcmp(ic_last_error(), "conv was not reshaped") == 0);
    CHECK(ic_conv2d_run(conv, NULL, output) == IC_INVALID_ARGUMENT);
    CHECK(strcmp(ic_last_error(), "input is NULL") == 0);
    CHECK(ic_conv2d_reshape(conv, 1, 1, 8) == IC_INVALID_ARGUMENT);
    CHECK(strstr(ic_last_error(), "height=1") == ic_last_error());
    char before[256];
    snprintf(before, sizeof before, "%s", ic_last_error());
    CHECK(pthread_create(&other, NULL, fails_elsewhere, before) == 0 && pthread_join(other, NULL) == 0);
    CHECK(strcmp(ic_last_error(), before) == 0);
    ic_conv2d_destroy(conv);
}

static void names(const char *kernel) {
    (void)kernel;
    for (int i = IC_OK; i <= IC_TUNED_DAMAGED; i++) {
        for (int j = IC_OK; j < i; j++) {
            CHECK(strcmp(ic_status_string((ic_status)i), ic_status_string((ic_status)j)) != 0);
        }
    }
    CHECK(strcmp(ic_status_string((ic_status)99), "unknown status") == 0);
    CHECK(ic_version() > 0 && ic_version() <= 0xffffff);
    for (size_t a = 0; a < 4; a++) {
        ic_algorithm found;
        CHECK(ic_algorithm_from_name(ic_algorithm_name(algorithms[a]), &found) && found == algorithms[a]);
    }
    ic_algorithm found;
    CHECK(!ic_algorithm_from_name("lavin", &found));
    CHECK(ic_cpu_features() == ic_cpu_features());
}

int main(int argc, char **argv) {
    static const check_case cases[] = {{"last_errors", last_errors}, {"names", names}, {NULL, NULL}};
    return check_main(argc, argv, cases);
}
