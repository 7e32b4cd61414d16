/* SPDX-License-Identifier: Apache-2.0 */
#include "choice/schedule.h"

#include "core/core.h"
#include "core/error.h"
#include "fft/plan.h"
#include "kernels/table.h"

#include <stdio.h>
#include <string.h>

/* The naive algorithm has no micro-kernel; this is what it calls itself. */
static const char naive_kernel[] = "loops";

/* Reads fft's one option, its tile, at *text; moves *text to the end. */
static bool read_tile(const char **text, ic_schedule *schedule) {
    char printed[16];
    const char *at = *text;
    for (unsigned i = 0; ic_fft_tile(i) != 0; i++) {
        snprintf(printed, sizeof printed, "+t%u", ic_fft_tile(i));
        if (strcmp(at, printed) == 0) {
            schedule->tile = ic_fft_tile(i);
            *text = at + strlen(printed);
            return true;
        }
    }
    return false;
}

/* Winograd's one option, with the tile in it; 0 where it is none. A kernel's name alone takes F(4x4, 3x3). */
static unsigned read_winograd(const char *text) {
    const bool is_tile = strlen(text) == 3 && strncmp(text, "+f", 2) == 0 && strchr("246", text[2]) != NULL;
    return is_tile ? (unsigned)(text[2] - '0') : *text == '\0' ? IC_WINOGRAD_DEFAULT : 0;
}

/* Reads one option at *text, which ends at '+' or at the end; moves *text there. */
static bool read_option(const char **text, ic_algorithm algorithm, ic_schedule *schedule) {
    static const char regions[] = "+regions", taps[] = "+taps", block[] = "+block", ahead[] = "+ahead";
    static const char panels[] = "+panels", pixels[] = "+pixels";
    const bool has_order = schedule->order != IC_ORDER_BY_RULE, is_split = schedule->split != IC_SPLIT_NOT;
    const char *at = *text;
    if (algorithm == IC_ALGORITHM_FFT) {
        return read_tile(text, schedule);
    }
    if (strncmp(at, regions, sizeof regions - 1) == 0) {
        at += sizeof regions - 1;
        if (is_split || has_order || algorithm != IC_ALGORITHM_INDIRECT) {
            return false;
        }
        schedule->split = IC_SPLIT_REGIONS;
    } else if (strncmp(at, taps, sizeof taps - 1) == 0) {
        at += sizeof taps - 1;
        if (is_split || has_order || schedule->block_tiles != 0 || algorithm != IC_ALGORITHM_INDIRECT) {
            return false;
        }
        schedule->split = IC_SPLIT_TAPS;
    } else if (strncmp(at, block, sizeof block - 1) == 0) {
        at += sizeof block - 1;
        const char first = *at;
        unsigned tiles = 0;
        while (*at >= '0' && *at <= '9' && tiles < 100000) {
            tiles = tiles * 10 + (unsigned)(*at++ - '0');
        }
        if (tiles == 0 || first == '0' || has_order || schedule->block_tiles != 0 || schedule->split == IC_SPLIT_TAPS) {
            return false;
        }
        schedule->block_tiles = tiles;
    } else if (strncmp(at, panels, sizeof panels - 1) == 0 || strncmp(at, pixels, sizeof pixels - 1) == 0) {
        if (is_split || has_order || schedule->block_tiles != 0) {
            return false;
        }
        schedule->order = strncmp(at, panels, sizeof panels - 1) == 0 ? IC_ORDER_PANELS : IC_ORDER_PIXELS;
        at += sizeof panels - 1;
    } else if (strncmp(at, ahead, sizeof ahead - 1) == 0) {
        at += sizeof ahead - 1;
        if (schedule->ahead) {
            return false;
        }
        schedule->ahead = true;
    } else {
        return false;
    }
    *text = at;
    return *at == '\0' || *at == '+';
}

static ic_status unknown(const char *name, const char *why) {
    return ic_fail(IC_UNKNOWN_KERNEL, "kernel=%.80s: %s", name, why);
}

ic_status ic_parse_schedule(ic_algorithm algorithm, ic_type type, const char *name, ic_schedule *schedule) {
    *schedule = (ic_schedule){.kernel = NULL};
    if (algorithm == IC_ALGORITHM_NAIVE) {
        return strcmp(name, naive_kernel) == 0 ? IC_OK : unknown(name, "naive has loops alone");
    }
    const char *text = name + strcspn(name, "+");
    char kernel[IC_SCHEDULE_NAME];
    if ((size_t)(text - name) >= sizeof kernel) {
        return unknown(name, "no kernel of that name");
    }
    memcpy(kernel, name, (size_t)(text - name));
    kernel[text - name] = '\0';
    schedule->kernel = ic_kernel_find(kernel);
    if (schedule->kernel == NULL || schedule->kernel->type != type) {
        schedule->kernel = NULL;
        return unknown(name, "no kernel of that name and of the convolution's type");
    }
    if (algorithm == IC_ALGORITHM_WINOGRAD) {
        schedule->winograd = read_winograd(text);
        if (schedule->winograd == 0) {
            return unknown(name, "Winograd has +f2, +f4 and +f6 alone");
        }
        text = "";
    }
    while (*text != '\0') {
        if (!read_option(&text, algorithm, schedule)) {
            return unknown(name, "an option that is none, or not of this algorithm, or not beside the others");
        }
    }
    if ((schedule->kernel->needs & ~ic_core_features()) != 0) {
        return ic_fail(IC_UNSUPPORTED_HARDWARE, "kernel=%.80s needs %s, this CPU has %s", name,
                       schedule->kernel->features, ic_cpu_features());
    }
    return IC_OK;
}

void ic_print_schedule(const ic_schedule *schedule, char name[IC_SCHEDULE_NAME]) {
    if (schedule->kernel == NULL) {
        memcpy(name, naive_kernel, sizeof naive_kernel);
        return;
    }
    static const char *const splits[] = {
        [IC_SPLIT_NOT] = "", [IC_SPLIT_REGIONS] = "+regions", [IC_SPLIT_TAPS] = "+taps"};
    static const char *const orders[] = {
        [IC_ORDER_BY_RULE] = "", [IC_ORDER_PANELS] = "+panels", [IC_ORDER_PIXELS] = "+pixels"};
    char block[24] = "";
    if (schedule->block_tiles != 0) {
        snprintf(block, sizeof block, "+block%u", schedule->block_tiles);
    }
    if (schedule->tile != 0) {
        snprintf(block, sizeof block, "+t%u", schedule->tile);
    }
    if (schedule->winograd != 0) {
        snprintf(block, sizeof block, "+f%u", schedule->winograd);
    }
    snprintf(name, IC_SCHEDULE_NAME, "%s%s%s%s%s", schedule->kernel->name, splits[schedule->split], block,
             orders[schedule->order], schedule->ahead ? "+ahead" : "");
}
