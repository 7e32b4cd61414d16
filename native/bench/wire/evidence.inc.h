/* SPDX-License-Identifier: Apache-2.0
 * What a worker tells of a sample, and what the sample's record has of it: EVIDENCE(name, kind) for each value,
 * EVIDENCE_ADDRESS(name) for each buffer. The `sampled` reply, its reading and the record are made of these lines
 * (evidence.c); harness.store.records.Sample has the same fields. Times are nanoseconds. Kinds:
 *
 *   u64          a whole number from 0 on
 *   count        a whole number from 1 on
 *   i64          a whole number; -1: the system does not tell
 *   f64          a number
 *   f64_or_null  a number; below 0 in the reply, and null in the record: there is none
 *   bool         0 or 1 in the reply, false or true in the record
 *   f64_if_told  as f64_or_null, and may be missing: null in the record, as of a build that is older than the field
 *   f64_if_turned
 *                as f64_if_told, and absent from the record where there is none: of a variant whose layout is the
 * layer's i64_if_counted, f64_if_counted as those, and absent from the record, as all of their kind are, where
 * count_error is below 0: a worker without counters says why once, and no sample is the longer for it
 *
 * Of a foreign worker's all but calls, ns and window_ns may be missing: null in the record.
 */
#ifndef EVIDENCE
#define EVIDENCE(name, kind)
#endif
#ifndef EVIDENCE_ADDRESS
#define EVIDENCE_ADDRESS(name)
#endif
EVIDENCE(calls, count)              /* timed */
EVIDENCE(ns, f64)                   /* a call: hot: the window over the calls, rotate: the median call */
EVIDENCE(window_ns, f64)            /* all timed calls together */
EVIDENCE(window_short, bool)        /* the window is under the minimum */
EVIDENCE(copy_ns, f64_or_null)      /* im2col's copy alone, a call */
EVIDENCE(to_nchw_ns, f64_if_turned) /* bringing the input to the variant's layout alone, once a call; */
EVIDENCE(to_nhwc_ns, f64_if_turned) /* bringing the output back */
EVIDENCE(copies, count)             /* instances that were called in turn */
EVIDENCE(settle_ns, f64)            /* untimed calls before the window */
EVIDENCE(settle_capped, bool)       /* the clock was not steady yet */
EVIDENCE(mhz_before, f64_or_null)   /* the clock before the window; none: not to be believed */
EVIDENCE(mhz_after, f64_or_null)
EVIDENCE(cpu_before, i64)
EVIDENCE(cpu_after, i64)
EVIDENCE(repinned, u64)        /* times found on another CPU or free to go there, pinned again and taken anew */
EVIDENCE(nivcsw, i64)          /* involuntary context switches in the window */
EVIDENCE(faults, i64)          /* page faults in the window */
EVIDENCE(t_ns, u64)            /* CLOCK_MONOTONIC at the window's start */
EVIDENCE(cpu_ns, f64_if_told)  /* the thread's CPU time from before the window's untimed call to the window's end */
EVIDENCE(span_ns, f64_if_told) /* the time of the same stretch */
/* What the core did right before and after it: GFLOP/s of independent multiply-adds, GB/s read from beyond the caches
 * (of layers that outgrow the L2 cache, and in rotate). */
EVIDENCE(gflops_before, f64_if_told)
EVIDENCE(gflops_after, f64_if_told)
EVIDENCE(gbps_before, f64_if_told)
EVIDENCE(gbps_after, f64_if_told)
EVIDENCE(probe_ns, f64_if_told) /* that this evidence took, beside the settling and the window */
/* Hardware counters of the thread over the window and its untimed call (probes/counters.h). */
EVIDENCE(count_error, i64_if_counted) /* why they tell nothing, by counter_errors.inc.h; 0: they do; -1: not asked */
EVIDENCE(cycles, f64_if_counted)
EVIDENCE(instructions, f64_if_counted)
EVIDENCE(refills, f64_if_counted) /* of the L2 cache on arm64, of the last one elsewhere */
/* Decimal in the reply, 0: there is no such buffer; hexadecimal in the record, "" for none. */
EVIDENCE_ADDRESS(input)
EVIDENCE_ADDRESS(weights)
EVIDENCE_ADDRESS(output)
EVIDENCE_ADDRESS(pointers)
EVIDENCE_ADDRESS(matrix)
#undef EVIDENCE
#undef EVIDENCE_ADDRESS
