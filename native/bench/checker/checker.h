/* SPDX-License-Identifier: Apache-2.0
 * A process that judges results which other processes computed. It speaks the lines of the worker protocol (protocol.h)
 * on PROTOCOL_FD; the conductor starts it where a plan has foreign programs. Requests and answers:
 *
 *   hello protocol=2 memory=B
 *     hello protocol=2
 *   layer (the plan's fields) data=FOLDER
 *         Make the layer's data, and write them to FOLDER/input, FOLDER/weights and FOLDER/bias, raw.
 *     ok | skip reason=T bytes=B | failed reason=T
 *   judge by=reference|every output=FILE [dump=DIR as=NAME]
 *         reference, every: as `check` has them. dump: the tensors for a check by other means, as `check` writes them.
 *     judged outputs=N ok=0|1 error_over_bound=X
 *     failed reason=T [external=1]
 *         The file is no output of the layer; external: it could not be judged. */
#ifndef CONVBENCH_CHECKER_H
#define CONVBENCH_CHECKER_H

/* How much further from the exact result than a sum of the products in any order a foreign program may be: methods that
 * transform (Winograd, FFT) round more often, and their bound is some tens of times as wide in the worst case, though
 * they stay within a few of ours on data like these. A result that is wrong is off by thousands. */
#define CHECKER_SLACK 16

int checker_main(void); /* until the end of the conductor's connection */

#endif
