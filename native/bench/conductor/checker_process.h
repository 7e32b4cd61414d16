/* SPDX-License-Identifier: Apache-2.0
 * The conductor's end of the checker (checker/checker.h), and the files by which tensors are handed over: input,
 * weights and bias, written by the checker, and one output, written by a worker. */
#ifndef CONVBENCH_CHECKER_PROCESS_H
#define CONVBENCH_CHECKER_PROCESS_H

#include "conductor/run.h"

/* Starts the checker if it doesn't run, and has the layer's files written if they are not there. False: the answer is a
 * skip, or of no use, and then not the variant's doing. */
bool checker_layer(run *r, unsigned layer);
/* What a foreign worker is told of a layer beside the plan's line: the output's extents, and the files. */
void checker_append_files(const run *r, unsigned layer, char *request, size_t room);
/* Where a worker writes its output; what lies there is removed. */
const char *checker_new_output(const run *r);
/* Judges that output; the answer is in r->a. Like checker_layer, which has to come first. */
bool checker_judge(run *r, unsigned layer, const char *by, const char *dump, const char *as);
void checker_forget_layer(run *r); /* removes the files */
void checker_stop(run *r);         /* ends the process, and removes files and folder */

#endif
