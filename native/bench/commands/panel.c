/* SPDX-License-Identifier: Apache-2.0 */
#include "commands/panel.h"

#include "introspect.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#if defined(__aarch64__)
#define PROGRAM "aarch64"
#elif defined(__x86_64__)
#define PROGRAM "x86_64"
#elif defined(__arm__)
#define PROGRAM "arm"
#else
#define PROGRAM "other"
#endif

static const struct {
    unsigned size, kernel, pad, stride, cin, cout;
} panel[] = {{224, 7, 3, 2, 3, 64},    {56, 1, 0, 1, 64, 64},   {56, 3, 1, 1, 64, 64},   {56, 1, 0, 1, 64, 256},
             {56, 1, 0, 2, 256, 512},  {28, 3, 1, 1, 128, 128}, {28, 1, 0, 1, 512, 128}, {14, 3, 1, 1, 256, 256},
             {14, 1, 0, 1, 1024, 256}, {7, 3, 1, 1, 512, 512},  {7, 1, 0, 1, 2048, 512}, {55, 3, 1, 1, 16, 64},
             {27, 3, 1, 1, 32, 128},   {13, 3, 1, 1, 48, 192},  {112, 3, 1, 1, 64, 128}};

bool panel_parse_midr(const char *text, uint64_t *midr) {
    char *end;
    if (text[0] == '0' && (text[1] == 'x' || text[1] == 'X')) {
        text += 2;
    }
    size_t digits = strspn(text, "0123456789abcdefABCDEF");
    errno = 0;
    *midr = strtoull(text, &end, 16);
    return digits && !text[digits] && !errno && *midr && *midr <= UINT32_MAX;
}

bool panel_print(uint64_t midr, json *j) {
    json_open(j, NULL, '{');
    json_hex(j, "midr", (uintptr_t)midr);
    json_text(j, "kernels", PROGRAM); /* another program than an arm64 one chooses among kernels of its own */
    json_open(j, "layers", '[');
    for (unsigned i = 0; i < sizeof panel / sizeof *panel; i++) {
        const unsigned pad = panel[i].pad, stride = panel[i].stride;
        const ic_conv2d_desc desc = {.struct_size = sizeof desc,
                                     .kernel_height = panel[i].kernel,
                                     .kernel_width = panel[i].kernel,
                                     .stride_height = stride,
                                     .stride_width = stride,
                                     .dilation_height = 1,
                                     .dilation_width = 1,
                                     .pad_top = pad,
                                     .pad_right = pad,
                                     .pad_bottom = pad,
                                     .pad_left = pad,
                                     .groups = 1,
                                     .in_channels = panel[i].cin,
                                     .out_channels = panel[i].cout,
                                     .output_min = -INFINITY,
                                     .output_max = INFINITY};
        char choice[IC_CHOICE_NAME], name[64], strided[16] = "";
        if (ic_choice_for_midr(midr, &desc, panel[i].size, panel[i].size, choice) != IC_OK) {
            return false;
        }
        if (stride != 1) {
            snprintf(strided, sizeof strided, " s%u", stride);
        }
        snprintf(name, sizeof name, "%u %ux%u%s %u-%u", panel[i].size, panel[i].kernel, panel[i].kernel, strided,
                 panel[i].cin, panel[i].cout);
        json_open(j, NULL, '{');
        json_text(j, "name", name);
        json_size(j, "size", panel[i].size);
        json_size(j, "kernel", panel[i].kernel);
        json_size(j, "pad", pad);
        json_size(j, "stride", stride);
        json_size(j, "cin", panel[i].cin);
        json_size(j, "cout", panel[i].cout);
        json_text(j, "choice", choice);
        json_close(j, '}');
    }
    json_close(j, ']');
    json_close(j, '}');
    return true;
}
