/* SPDX-License-Identifier: Apache-2.0
 * The core that a program runs on: its name, and what is chosen for it. */
#include "check.h"
#include "core/core_id.h"
#include "core/midr.h"

#include <string.h>

/* arm64 systems that don't answer for MIDR_EL1 have it in parts. */
static void parts(const char *kernel) {
    (void)kernel;
    static const char text[] = "processor\t: 0\nFeatures\t: fp asimd\nCPU implementer\t: 0x41\nCPU architecture: 8\n"
                               "CPU variant\t: 0x0\nCPU part\t: 0xd03\nCPU revision\t: 4\n\n"
                               "processor\t: 5\nCPU implementer\t: 0x51\nCPU architecture: 8\nCPU variant\t: 0xa\n"
                               "CPU part\t: 0x800\nCPU revision\t: 2\n\nHardware\t: X\n";
    char cut[sizeof text];
    CHECK(ic_midr_of_cpuinfo(text, 0) == 0x410fd034);
    CHECK(ic_midr_of_cpuinfo(text, 5) == 0x51af8002);
    CHECK(ic_midr_of_cpuinfo(text, 1) == 0 && ic_midr_of_cpuinfo("", 0) == 0);
    CHECK(ic_midr_of_cpuinfo("processor : 0\nCPU implementer : 0x141\n", 0) == 0);
    for (size_t length = 0; length < 100; length++) {
        memcpy(cut, text, length);
        cut[length] = '\0';
        CHECK(ic_midr_of_cpuinfo(cut, 0) == 0);
    }
    char id[IC_CORE_ID];
    CHECK(ic_core_id(id) && strlen(id) > 8 && strcspn(id, " \n") == strlen(id));
}

static void cores(const char *kernel) {
    (void)kernel;
    char name[IC_CHOICE_NAME];
    const shape s = plain_shape(3, 58, 58, 64, 64), one = plain_shape(1, 56, 56, 64, 64);
    CHECK(ic_choice_for_midr(0x411fd440, &s.desc, s.height, s.width, name) == IC_OK);
#if defined(__aarch64__)
    CHECK(strncmp(name, "indirect_neon_6x16+regions", 26) == 0);
    CHECK(ic_choice_for_midr(0x411fd440, &one.desc, 56, 56, name) == IC_OK);
    CHECK(strncmp(name, "direct_neon_6x16", 16) == 0);
#else
    CHECK(strncmp(name, "indirect_", 9) == 0); /* of the kernels that this program has */
#endif
    CHECK(ic_choice_for_midr(0, &one.desc, 0, 56, name) == IC_INVALID_ARGUMENT);
}

int main(int argc, char **argv) {
    static const check_case cases[] = {{"parts", parts}, {"cores", cores}, {NULL, NULL}};
    return check_main(argc, argv, cases);
}
