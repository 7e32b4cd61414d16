/* SPDX-License-Identifier: Apache-2.0
 * The best of all candidates, by measuring: all of them twice, the nearest to the best in turn with the model's choice,
 * and the winner alone against it. */
#include "choice/candidates.h"
#include "choice/trial.h"
#include "core/error.h"
#include "core/layout.h"
#include "core/memory.h"
#include "core/pool.h"

#include <stdlib.h>

enum { FINALISTS = 4, ROUNDS = 15, FEWEST_ROUNDS = 3 };

static const double default_budget_s = 1;

/* Shares of the budget that are used up at the end of each stage, and of the time that a winner may take. */
static const double screen_share = 0.5, final_share = 0.8, clearly = 0.98;

typedef struct {
    ic_tuned_choice choice;
    char schedule[IC_SCHEDULE_NAME];
    double ns; /* least of its visits; 0: none */
    bool out;
} candidate;

typedef struct {
    ic_trial trial;
    double start_ns, budget_ns;
    candidate *candidates; /* the model's choice first */
    unsigned count;
} tuning;

static double left_ns(const tuning *t, double share) {
    return t->start_ns + share * t->budget_ns - ic_now_ns();
}

/* The model's choice has to run, whatever memory it needs; another one may need less. */
static ic_status visit(const tuning *t, const candidate *c, double slice, double hopeless, double *ns) {
    return ic_try_calls(&t->trial, c->choice.algorithm, c->schedule, c == t->candidates, slice, hopeless, ns);
}

/* All candidates twice. */
static ic_status screen(tuning *t) {
    double best = 0;
    for (unsigned round = 0; round < 2; round++) {
        const ic_kernel *slow = NULL; /* whose first schedule takes three times as long as the best */
        for (unsigned i = 0; i < t->count; i++) {
            candidate *c = &t->candidates[i];
            const bool starts = i == 1 || (i > 1 && c->choice.schedule.kernel != c[-1].choice.schedule.kernel);
            c->out |= c->choice.schedule.kernel == slow;
            if (c->out) {
                continue;
            }
            const double left = left_ns(t, screen_share);
            if (left <= 0 && (i > 0 || round > 0)) {
                return IC_OK;
            }
            double ns;
            const double slice = left / (double)((2 - round) * t->count - i);
            const ic_status status = visit(t, c, slice, 2 * best, &ns);
            if (status != IC_OK) {
                return status;
            }
            c->ns = c->ns != 0 && c->ns < ns ? c->ns : ns;
            best = best == 0 || (ns != 0 && ns < best) ? ns : best;
            c->out |= ns == 0 || (i > 0 && ns > 1.5 * best);
            if (round == 0 && starts && ns > 3 * best) {
                slow = c->choice.schedule.kernel;
            }
        }
    }
    return IC_OK;
}

/* Visits the `count` in turn, the model's choice being the first, until `share` of the budget is used; the medians of
 * each and of its ratio to the first. *rounds: how many were whole. */
static ic_status in_turn(const tuning *t, candidate *const *some, unsigned count, double share, double *ns,
                         double *ratio, unsigned *rounds) {
    double all[FINALISTS + 1][ROUNDS], ratios[ROUNDS];
    const double slice = left_ns(t, share) / (double)(count * (ROUNDS + 1) / 2);
    *rounds = 0;
    for (unsigned round = 0; round < ROUNDS; round++) {
        for (unsigned i = 0; i < count; i++) {
            const unsigned at = (i + round) % count;
            if (left_ns(t, share) <= 0) {
                goto ended;
            }
            const ic_status status = visit(t, some[at], slice, 0, &all[at][round]);
            if (status != IC_OK) {
                return status;
            }
            if (all[at][round] == 0) {
                goto ended; /* the memory that it had before is gone */
            }
        }
        *rounds += 1;
    }
ended:
    for (unsigned i = 0; i < count && *rounds >= FEWEST_ROUNDS; i++) {
        for (unsigned round = 0; round < *rounds; round++) {
            ratios[round] = all[i][round] / all[0][round];
        }
        ratio[i] = ic_median(ratios, *rounds);
    }
    for (unsigned i = 0; i < count && *rounds >= FEWEST_ROUNDS; i++) {
        ns[i] = ic_median(all[i], *rounds);
    }
    return IC_OK;
}

static int by_ns(const void *a, const void *b) {
    const double x = (*(candidate *const *)a)->ns, y = (*(candidate *const *)b)->ns;
    return (x > y) - (x < y);
}

/* The candidate that beats the model's choice clearly, or that one. */
static ic_status decide(tuning *t, ic_tuning *result, candidate **best) {
    candidate *near[IC_MOST_CANDIDATES + 1];
    double ns[FINALISTS + 1], ratio[FINALISTS + 1];
    unsigned count = 0, rounds;
    *best = &t->candidates[0];
    for (unsigned i = 0; i < t->count; i++) {
        result->candidates += t->candidates[i].ns != 0;
        if (i > 0 && !t->candidates[i].out && t->candidates[i].ns != 0) {
            near[++count] = &t->candidates[i];
        }
    }
    near[0] = &t->candidates[0];
    qsort(near + 1, count, sizeof near[0], by_ns);
    count = count > FINALISTS ? FINALISTS : count;
    while (count > 0 && near[count]->ns > 1.1 * near[1]->ns) {
        count--;
    }
    if (count == 0) {
        result->model_ns = result->best_ns = near[0]->ns;
        return IC_OK;
    }
    ic_status status = in_turn(t, near, count + 1, final_share, ns, ratio, &rounds);
    if (status != IC_OK || rounds < FEWEST_ROUNDS) {
        return status;
    }
    unsigned winner = 0;
    for (unsigned i = 1; i <= count; i++) {
        winner = ratio[i] < ratio[winner] ? i : winner;
    }
    result->model_ns = ns[0];
    result->best_ns = ns[0];
    if (winner == 0 || ratio[winner] > clearly) {
        return IC_OK;
    }
    candidate *const pair[2] = {near[0], near[winner]};
    status = in_turn(t, pair, 2, 1, ns, ratio, &rounds);
    if (status != IC_OK || rounds < FEWEST_ROUNDS) {
        return status;
    }
    result->model_ns = result->best_ns = ns[0];
    if (ratio[1] <= clearly && ns[1] <= clearly * ns[0]) { /* on a busy machine the two medians may disagree */
        result->best_ns = ns[1];
        *best = near[winner];
    }
    return IC_OK;
}

/* The model's choice, then all others. */
static ic_status enumerate(tuning *t, ic_tuned_choice *choices) {
    ic_conv2d *conv;
    ic_conv2d_info info;
    ic_tuned_choice model;
    const ic_status status = ic_try_object(&t->trial, IC_ALGORITHM_AUTO, NULL, &conv, &info);
    if (status != IC_OK) {
        return status;
    }
    model.algorithm = info.algorithm;
    ic_parse_schedule(info.algorithm, t->trial.desc->type, info.kernel, &model.schedule); /* it printed it */
    ic_conv2d_destroy(conv);
    const ic_core core = ic_core_here();
    const unsigned count =
        ic_candidates(&core, t->trial.desc, &t->trial.geometry, ic_pool_threads(t->trial.pool), choices);
    t->candidates[t->count++] = (candidate){.choice = model};
    for (unsigned i = 0; i < count; i++) {
        const ic_schedule *s = &choices[i].schedule;
        if (choices[i].algorithm != model.algorithm || s->kernel != model.schedule.kernel ||
            s->split != model.schedule.split || s->ahead != model.schedule.ahead ||
            s->block_tiles != model.schedule.block_tiles || s->order != model.schedule.order) {
            t->candidates[t->count++] = (candidate){.choice = choices[i]};
        }
    }
    for (unsigned i = 0; i < t->count; i++) {
        ic_print_schedule(&t->candidates[i].choice.schedule, t->candidates[i].schedule);
    }
    return IC_OK;
}

static ic_status measure(tuning *t, ic_tuned_choice *choices, ic_tuning *result) {
    ic_status status = enumerate(t, choices);
    candidate *best;
    if (status == IC_OK) {
        ic_print_choice(t->candidates[0].choice.algorithm, t->candidates[0].schedule, result->model);
        status = screen(t);
    }
    if (status == IC_OK) {
        status = decide(t, result, &best);
    }
    if (status == IC_OK) {
        ic_print_choice(best->choice.algorithm, best->schedule, result->entry.choice);
    }
    return status;
}

static ic_status with_buffers(tuning *t, ic_tuning *result) {
    const size_t list_bytes = (IC_MOST_CANDIDATES + 1) * sizeof(candidate);
    const size_t choice_bytes = IC_MOST_CANDIDATES * sizeof(ic_tuned_choice);
    const ic_allocator *own = &t->trial.allocator;
    ic_tuned_choice *choices = own->allocate(own->context, choice_bytes, IC_ALIGNMENT, IC_MEMORY_OBJECT);
    t->candidates = own->allocate(own->context, list_bytes, IC_ALIGNMENT, IC_MEMORY_OBJECT);
    ic_status status;
    if (choices != NULL && t->candidates != NULL) {
        status = ic_take_tensors(&t->trial);
    } else {
        status = ic_fail_memory("the candidates of ic_autotune", list_bytes + choice_bytes);
    }
    if (status == IC_OK) {
        status = measure(t, choices, result);
        ic_give_back_tensors(&t->trial);
    }
    if (t->candidates != NULL) {
        own->release(own->context, t->candidates, list_bytes, IC_MEMORY_OBJECT);
    }
    if (choices != NULL) {
        own->release(own->context, choices, choice_bytes, IC_MEMORY_OBJECT);
    }
    return status;
}

ic_status ic_autotune(const ic_conv2d_desc *given, size_t batch, size_t height, size_t width,
                      const ic_tune_options *options, ic_tuning *result) {
    if (options == NULL || result == NULL) {
        return ic_fail(IC_INVALID_ARGUMENT, "%s is NULL", options == NULL ? "options" : "tuning");
    }
    if (options->struct_size != sizeof *options || result->struct_size != sizeof *result) {
        return ic_fail(IC_INVALID_ARGUMENT, "options.struct_size=%zu and tuning.struct_size=%zu are not %zu and %zu",
                       options->struct_size, result->struct_size, sizeof *options, sizeof *result);
    }
    if (!(options->budget_s >= 0)) {
        return ic_fail(IC_INVALID_ARGUMENT, "options.budget_s=%g is not 0 or more", options->budget_s);
    }
    const double budget_s = options->budget_s > 0 ? options->budget_s : default_budget_s;
    tuning t = {.start_ns = ic_now_ns(), .budget_ns = budget_s * 1e9};
    ic_conv2d_desc desc;
    ic_geometry geometry;
    ic_allocator allocator;
    ic_status status = ic_read_allocator(options->allocator, &allocator);
    if (status == IC_OK) {
        status = ic_read_desc(given, &desc);
    }
    if (status == IC_OK && desc.layout != IC_LAYOUT_NHWC) {
        status = ic_fail_unchosen("desc", desc.layout);
    }
    if (status == IC_OK) {
        status = ic_make_geometry(&desc, batch, height, width, &geometry);
    }
    if (status != IC_OK) {
        return status;
    }
    t.trial = ic_make_trial(&desc, &geometry, &allocator, options->pool);
    ic_tuning made = {.struct_size = sizeof made,
                      .entry = {.struct_size = sizeof made.entry,
                                .desc = desc,
                                .batch = batch,
                                .height = height,
                                .width = width,
                                .threads = ic_pool_threads(options->pool)}};
    status = with_buffers(&t, &made);
    if (status == IC_OK) {
        *result = made;
    }
    return status;
}
