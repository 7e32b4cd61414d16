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
 *     judged outputs=N ok=0|1 error_over_bound=X max_error=X bound=X
 *     failed reason=T [external=1]
 *         The file is no output of the layer; external: it could not be judged. */
#ifndef CONVBENCH_CHECKER_H
#define CONVBENCH_CHECKER_H

/* A foreign program may be so many times as far from the exact result as a sum of the products in any order: methods
 * that transform round more often. Winograd's F(4x4, 3x3) comes to 17 times that on a layer of one channel, to 2.4 on
 * one of three, and stays below it from 16 on; what is wrong is off by thousands. */
#define CHECKER_SLACK 32

int checker_main(void); /* until the end of the conductor's connection */

#endif
