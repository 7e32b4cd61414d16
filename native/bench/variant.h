/* SPDX-License-Identifier: Apache-2.0
 * What a variant of the plan is called in records.
 *
 * Face `published`: a plain kernel, or the default one: `<algorithm>/<kernel>`. Face `best` is everything else:
 * `<algorithm>/<schedule>` by the schedule that ran, with `+best` behind it where that is a plain kernel, so that no
 * two faces share a name (a sample's identity has no face); auto: `auto/<algorithm>_<schedule>`. */
#ifndef CONVBENCH_VARIANT_H
#define CONVBENCH_VARIANT_H

#include "plan.h"

#define VARIANT_NAME 160 /* room for a name, with its end */

bool variant_chosen(const plan_variant *v); /* auto and best: the library chooses by layer and core */
const char *variant_face(const plan_variant *v);
/* Before it is known what runs: the algorithm alone, or with what the plan says of the kernel. */
void variant_asked(const plan_variant *v, char name[VARIANT_NAME]);
/* By what runs. Labels are not looked at. */
void variant_name(const plan_variant *v, const char *algorithm, const char *schedule, char name[VARIANT_NAME]);

#endif
