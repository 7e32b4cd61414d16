/* clang-format off */
/* SPDX-License-Identifier: Apache-2.0
 * What conductor and worker say to each other (docs/workers.md is the same as a page). Any program may be a worker: it is
 * started as `PROGRAM worker` with a stream socket as file descriptor 3 and answers each request with one line. Lines end
 * in LF and have the plan's syntax (fields.h): `word key=value ...`, values percent-encoded. Times are nanoseconds, sizes
 * bytes, numbers as printf %.17g. A worker waits in read between requests; end of file means: exit. Requests, each
 * followed by its answers; what only a foreign program is sent, or may leave out of an answer, stands in {braces}:
 *
 *   hello protocol=2 cpu=N [cpus=LIST] memory=B llc=B min_ns=N max_khz=N probe=0|1 [tuned=FILE]
 *         Pin yourself to the CPU and read it back (a foreign program was pinned to cpus before it began; the priority of
 *         every one was raised then, as far as the system allows); with probe=1
 *         measure clock and peak there. cpus: for objects of several threads, cpu among them; cpu alone where there is
 *         none. Absent, as threads in create, from what one of our own builds is told that has none: it may be older
 *         than the keys. From then on auto goes by the tuned table in FILE, if it fits.
 *     hello protocol=2 {build=HEX pid=N cpus=LIST}
 *           [clock_available=0|1 clock_reason=T clock_mhz=X peak_isa=T peak_ok=0|1 peak_flop_per_cycle=X
 *            peak_fmas_per_cycle=X peak_gflops=X peak_reason=T]
 *           [counters_error=WORD counters_pmu=T counters_reason=T]
 *           [table_sha256=HEX table_refused=T]
 *         protocol: another number, or none, and the program is refused. table_refused empty: it is used.
 *           counters_error: of counter_errors.inc.h; empty: it counts, and `sampled` has what.
 *     failed reason=T
 *
 *   layer (the plan's fields, type and layout among them) {out_h=N out_w=N input=FILE weights=FILE bias=FILE}
 *         Forget the layer before, make inputs and weights of this one. A foreign program reads them from files, raw
 *         little-endian f32 as NHWC, OHWI (I: a group's) and [cout]; they are there until it has answered.
 *     ok | skip reason=T bytes=B | failed reason=T
 *
 *   create object=N algorithm=T schedule=T [threads=N]
 *         Try it; the number names it from now on. Algorithm and schedule are the plan's (plan.h), or what was `created`
 *         before. threads: that share a call, of which one is the worker's own, on cpu.
 *     created {algorithm=T} [threads=N] [cpus=LIST] [method=T] {kernel=T schedule=T} [chosen_by=table|model]
 *             [order=panels|pixels]
 *             {input_bytes=B output_bytes=B weights_bytes=B pointer_bytes=B matrix_bytes=B padding_bytes=B
 *             object_bytes=B create_ns=X reshape_ns=X}
 *         algorithm, schedule: that run from now on, whatever was asked; kernel: the micro-kernel alone; method: how they
 *         are computed (naive, tiled, depthwise, nchw, fft). chosen_by: with algorithm=auto. order: the outer one of the loops
 *         around the micro-kernel. threads: as asked for; absent: 1. cpus: where they were found, each held to one.
 *     skip reason=T [bytes=B] | failed reason=T
 *
 *   check object=N by=reference|every|checksum [dump=DIR as=NAME]
 *         reference: borders and 4,096 seeded outputs against double precision; every: all of them; checksum: none.
 *         as: the output is NAME.output.npy behind the layer's name.
 *     checked outputs=N ok=0|1 error_over_bound=X [max_error=X bound=X] checksum=N
 *         max_error: how far an output lies from the exact one at most, as a share of its own |bias| + sum
 *         |input||weight|; bound: how far it may, as the method tells.
 *     skip reason=T [bytes=B] | failed reason=T
 *   {check object=N by=file compute=0|1 output=FILE}
 *         Of a foreign program: write the whole output, raw, to FILE, which does not exist. compute=1: run once for it;
 *         0: as the last call of the object's latest sample left it; this is asked before another object of the program
 *         is created, checked or sampled. checker/checker.h judges it.
 *     checked [checksum=N]
 *
 *   sample object=N cache=hot|rotate calls=N settle_ns=N [placement=N]
 *         calls=0: choose, and say so; in rotate it may then still be refused as too short. Else exactly so many, and
 *         the window is what it is. settle_ns: cap of the settling. placement: a seed; buffers of equal size, asked for in
 *         the same order, then lie at the same places. A foreign program is never sent it.
 *     sampled {checksum=N} (all of evidence.inc.h; of a foreign program calls, ns and window_ns, in rotate copies)
 *         checksum: of the last call's output, as `check` gives it.
 *     skip reason=T [bytes=B] | failed reason=T
 *
 * `failed` may have a further field, external=1: it is not the variant's doing (the CPU was taken away), so it is measured
 * again. At any time before an answer: `busy [ns=N]` (I am alive; give me another worker_timeout_s, and N more). */
/* clang-format on */
#ifndef CONVBENCH_PROTOCOL_H
#define CONVBENCH_PROTOCOL_H

#define PROTOCOL_VERSION 2
#define PROTOCOL_FD 3
#define PROTOCOL_LINE 8192
#define PROTOCOL_OBJECTS 4096 /* their numbers lie below it */

#endif
