/* SPDX-License-Identifier: Apache-2.0 */
#include "choice/chooser.h"

#include "choice/model.h"
#include "choice/winograd_cost.h"
#include "core/error.h"
#include "kernels/table.h"

#include <limits.h>
#include <string.h>

/* The kernel of the published algorithms: the first of its type that this CPU can run. */
static const ic_kernel *default_kernel(ic_type type) {
    const unsigned features = ic_core_features();
    unsigned index = 0;
    const ic_kernel *kernel;
    do {
        kernel = ic_kernel_table(index++); /* the last one needs nothing */
    } while (kernel->type != type || (kernel->needs & ~features) != 0);
    return kernel;
}

ic_status ic_begin_choice(const ic_conv2d_desc *desc, const ic_options *options, ic_chooser *chooser,
                          ic_schedule *schedule) {
    const bool is_auto = options->algorithm == IC_ALGORITHM_AUTO;
    const bool is_best =
        options->kernel != NULL && strcmp(options->kernel, "best") == 0 && options->algorithm != IC_ALGORITHM_NAIVE;
    *chooser = (ic_chooser){.asked = options->algorithm,
                            .tuned = is_auto ? options->tuned : NULL,
                            .allowed_error = is_auto ? options->allowed_error : 0};
    *schedule = (ic_schedule){.kernel = NULL};
    if (options->kernel != NULL && !is_best) {
        if (is_auto) {
            return ic_fail(IC_INVALID_ARGUMENT, "options.kernel=%.80s: auto chooses it, or takes best",
                           options->kernel);
        }
        const ic_status status = ic_parse_schedule(options->algorithm, desc->type, options->kernel, schedule);
        chooser->core = ic_core_here();
        return status;
    }
    if (options->algorithm == IC_ALGORITHM_NAIVE) {
        return IC_OK;
    }
    chooser->core = ic_core_here();
    if (options->algorithm == IC_ALGORITHM_FFT) { /* the rest, by the input's size, is the method's */
        schedule->kernel = ic_choose_kernel(&chooser->core, desc->type, ic_columns_of(desc), IC_MANY_PIXELS);
        return IC_OK;
    }
    if (is_auto || is_best) {
        const size_t outputs = options->algorithm == IC_ALGORITHM_IM2COL ? ic_group_outputs(desc) : ic_columns_of(desc);
        const bool turns = desc->layout == IC_LAYOUT_NCHW; /* columns are pixels there, rows output channels */
        chooser->model_kernel = ic_choose_kernel(&chooser->core, desc->type, turns ? IC_MANY_PIXELS : outputs,
                                                 turns ? outputs : IC_MANY_PIXELS);
        schedule->kernel = chooser->model_kernel;
    } else {
        schedule->kernel = default_kernel(desc->type);
    }
    if (options->algorithm == IC_ALGORITHM_WINOGRAD && !is_best) {
        schedule->winograd = IC_WINOGRAD_DEFAULT;
    }
    return IC_OK;
}

bool ic_may_have_regions(const ic_chooser *chooser, const ic_schedule *schedule) {
    return chooser->asked == IC_ALGORITHM_AUTO ||
           (chooser->asked == IC_ALGORITHM_INDIRECT &&
            (chooser->model_kernel != NULL || schedule->split == IC_SPLIT_REGIONS));
}

ic_tuned_choice ic_choose(ic_chooser *chooser, const ic_conv2d_desc *desc, const ic_geometry *geometry,
                          unsigned threads) {
    const ic_tuned_choice *known = ic_tuned_find(chooser->tuned, desc, geometry, threads);
    if (known != NULL && ic_is_depthwise(desc) && known->schedule.split != IC_SPLIT_REGIONS) {
        known = NULL; /* written by hand: the weights are packed for what ic_candidates offers */
    }
    const unsigned most = ic_winograd_allowed(chooser->allowed_error);
    if (known != NULL && known->schedule.winograd > most) {
        known = NULL;
    }
    chooser->is_from_table = known != NULL;
    if (known != NULL) {
        return *known;
    }
    ic_tuned_choice made = {chooser->asked, {.kernel = chooser->model_kernel}};
    const bool is_asked = chooser->asked == IC_ALGORITHM_WINOGRAD;
    if (is_asked || (most != 0 && ic_winograd_covers(desc) && !ic_is_depthwise(desc))) {
        made.schedule.winograd = ic_choose_winograd(&chooser->core, desc, geometry, made.schedule.kernel,
                                                    is_asked ? UINT_MAX : most, !is_asked);
        if (made.schedule.winograd != 0) {
            made.algorithm = IC_ALGORITHM_WINOGRAD;
            return made;
        }
    }
    ic_choose_schedule(&chooser->core, desc, geometry, threads, &made.algorithm, &made.schedule);
    return made;
}
