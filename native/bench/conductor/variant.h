/* SPDX-License-Identifier: Apache-2.0
 * What a variant of the plan is called in records.
 *
 * By what ran: face published: `<algorithm>/<schedule>` (`direct/avx2_6x16`); face best: the same, with `+best` behind
 * it where the schedule is no more than a kernel, so that no two faces share a name; auto:
 * `auto/<algorithm>_<schedule>`; a foreign program's: its name, and `/<schedule>` where it names one. Before that is
 * known: what the plan asks for. A label takes the place of either. */
#ifndef CONVBENCH_VARIANT_H
#define CONVBENCH_VARIANT_H

#include "wire/plan.h"

#define VARIANT_NAME 160 /* room for a name, with its end */

bool variant_chosen(const plan_variant *v); /* auto and best: the library chooses by layer and core; foreign: it does */
const char *variant_algorithm(const plan_variant *v); /* that the plan asks for */
const char *variant_face(const plan_variant *v);
/* What the plan asks for: `indirect`, `indirect/best`, `indirect/default+pixels`, `im2col/avx2_6x16+block4`, `auto`. */
void variant_asked(const plan_variant *v, char name[VARIANT_NAME]);
/* By what runs. Labels are not looked at. */
void variant_name(const plan_variant *v, const char *algorithm, const char *schedule, char name[VARIANT_NAME]);
/* The same as a part of a file's name: with a dot for the slash. */
void variant_file(const plan_variant *v, const char *algorithm, const char *schedule, char name[VARIANT_NAME]);

#endif
