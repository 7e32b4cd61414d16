/* SPDX-License-Identifier: Apache-2.0
 * Why hardware counters tell nothing: COUNTER_ERROR(name, word), numbered from 0 on. `count_error` of a sample is the
 * number, `error` of a worker's counters the word; harness.model.counters.CounterError has the same.
 */
COUNTER_ERROR(OK, "")
COUNTER_ERROR(FORBIDDEN, "forbidden")     /* EACCES, EPERM: perf_event_paranoid, SELinux, a sandbox */
COUNTER_ERROR(ABSENT, "absent")           /* ENOENT, ENODEV, EOPNOTSUPP: no PMU counts it */
COUNTER_ERROR(UNSUPPORTED, "unsupported") /* ENOSYS: a kernel without perf events, an emulator */
COUNTER_ERROR(EXHAUSTED, "exhausted")     /* EMFILE, ENFILE, ENOMEM, ENOSPC */
COUNTER_ERROR(BUSY, "busy")               /* EBUSY: somebody has the PMU for himself */
COUNTER_ERROR(REFUSED, "refused")         /* any other errno */
COUNTER_ERROR(UNREADABLE, "unreadable")   /* a reading that failed, was short, or went backwards */
COUNTER_ERROR(ZERO, "zero")               /* nothing was counted: the PMU of another cluster, or a stub */
COUNTER_ERROR(SHARED, "shared")           /* multiplexed: it counted for a part of the time only */
