"""Verdicts: which samples count, by what stands beside them. Pure, and the same for all variants.

A sample is tainted by what the device did, never by its own time: what decides is measured beside the window or by the
system, and held against what this device does at its best in this run, whatever variant was running. So a slow sample
that nothing explains stays, and an explained one leaves with its partners: a pair counts where both are valid
(harness.results.pairs). Where windows are too short it is all of a variant's, by their median: else the fast ones alone
would go.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from harness.judge import sample
from harness.judge.reason import OF_THE_DEVICE, Reason
from harness.judge.sample import Evidence, Flags
from harness.model.policy import Policy

VERSION = 3  # of the rules below: grows when the same evidence may give another verdict

_BEST = 0.95  # the quantile of what was seen that stands for the best: a few readings of garbage are none
_HAS_CLOCK = 0.5  # share of samples with a clock from which on those without are an exception

Masks = NDArray[np.uint16]
Numbers = NDArray[np.float64]
Groups = NDArray[np.int64]


@dataclass(frozen=True)
class Setting:
    """What a sample was taken in, beside its own evidence: columns as long as the evidence; NaN where unknown."""

    row: Groups  # which variant of which layer in which cache mode
    build: Groups  # the program that took it
    cap_khz: Numbers  # of the clock, by the system: the least around the sample
    rise_c: Numbers  # of the temperature, above where the device rests
    start_c: Numbers  # the same at the launch's start, where its gate gave up
    rebooted: Flags  # the device restarted before the round was done
    cpu: NDArray[np.int64]  # that is measured
    threads: NDArray[np.int64]  # that shared a call: the CPU and the time of one of several tell nothing
    asleep: Numbers  # 1: the screen was off before and after; 0: on; a half: it changed in between
    saving: Numbers  # the same of battery saver
    thermal_status: Numbers  # the system's, 0 to 6: the highest around the sample
    round_khz: Numbers  # the mean frequency in its round
    emulated: bool

    @classmethod
    def joined(cls, parts: Sequence[Setting]) -> Setting:
        """Several of one device one behind the other; at least one."""
        columns = [field.name for field in fields(cls) if field.name != "emulated"]
        joined = {name: np.concatenate([getattr(part, name) for part in parts]) for name in columns}
        return cls(**joined, emulated=parts[0].emulated)


@dataclass(frozen=True)
class Verdicts:
    """``masks``: the reasons of each sample. ``seen``: by build, those that its evidence could have shown at all."""

    masks: Masks
    seen: dict[int, int]


def judge(evidence: Evidence, setting: Setting, policy: Policy) -> Verdicts:
    """The verdict on each sample of one cluster of one device."""
    with np.errstate(all="ignore"):  # of garbage comes infinity or NaN, which is not known and below nothing
        return _judge(evidence, setting, policy)


def _judge(evidence: Evidence, setting: Setting, policy: Policy) -> Verdicts:
    masks = np.zeros(len(setting.row), dtype=np.uint16)
    builds = [int(build) for build in np.unique(setting.build)]
    if not policy.verdicts:
        return Verdicts(masks, dict.fromkeys(builds, 0))
    _mark(masks, Reason.REBOOTED, setting.rebooted)
    _mark(masks, Reason.MIGRATED, _migrated(evidence, setting))
    _mark(masks, Reason.CAPPED, setting.cap_khz < policy.least_cap * _best(setting.cap_khz))
    _mark(masks, Reason.FAULTED, np.asarray(evidence.faults > policy.most_faults, dtype=np.bool_))
    _mark(masks, Reason.SHORT, _short(evidence, setting.row, policy))
    _mark(masks, Reason.SCREEN_OFF, _unlike_others(setting.asleep))
    _mark(masks, Reason.LOW_POWER, _unlike_others(setting.saving))
    seen = {}
    for build in builds:
        of_build = setting.build == build
        seen[build] = int(_judge_build(masks, evidence, setting, policy, of_build))
    if setting.emulated:
        masks &= np.uint16(OF_THE_DEVICE)
    return Verdicts(masks, seen)


def _judge_build(masks: Masks, evidence: Evidence, setting: Setting, policy: Policy, of_build: Flags) -> Reason:
    """Marks what is held against the best of the same program, and what depends on what it tells of at all."""
    seen = Reason.REBOOTED | Reason.CAPPED | Reason.SHORT | Reason.SCREEN_OFF | Reason.LOW_POWER
    if np.any(evidence.cpu_after[of_build] >= 0):
        seen |= Reason.MIGRATED
    if np.any(evidence.faults[of_build] >= 0):
        seen |= Reason.FAULTED
    known = sample.clock_known(evidence)
    throttles = np.asarray(setting.thermal_status > policy.most_thermal_status, dtype=np.bool_)
    if np.mean(known[of_build]) >= _HAS_CLOCK:
        seen |= Reason.CLOCK_UNKNOWN | Reason.CLOCK_DROP | Reason.THROTTLED | Reason.UNSETTLED
        _mark(masks, Reason.CLOCK_UNKNOWN, ~known & of_build)
        _mark(masks, Reason.UNSETTLED, sample.settling_capped(evidence) & of_build)
        lowest = np.where(known & of_build, np.fmin(evidence.mhz_before, evidence.mhz_after), np.nan)
        low = lowest < policy.least_clock * _best(lowest)
        hot = (setting.rise_c > policy.most_warmth_c) | throttles
        _mark(masks, Reason.THROTTLED, low & hot)
        moved = sample.clock_moved(evidence, policy.most_clock_change)
        _mark(masks, Reason.CLOCK_DROP, (low & ~hot) | (moved & of_build))
        cycles = np.where(known, evidence.mhz_before, np.nan), np.where(known, evidence.mhz_after, np.nan)
    else:
        seen |= Reason.HOT  # the clock decides, where there is one
        if np.any(np.isfinite(setting.round_khz[of_build])):
            seen |= Reason.SLOW_ROUND  # not CLOCK_DROP: it does not see the short drops that a clock sees
        _mark(masks, Reason.HOT, ((setting.start_c > policy.most_warmth_c) | throttles) & of_build)
        _mark(masks, Reason.SLOW_ROUND, (setting.round_khz < policy.least_clock * _best(setting.round_khz)) & of_build)
        cycles = np.ones(len(masks)), np.ones(len(masks))
    lost, told = _lost(evidence, setting, policy)
    if np.any(told & of_build):
        seen |= Reason.PREEMPTED
        _mark(masks, Reason.PREEMPTED, lost & of_build)
    did = _least(evidence.gflops_before / cycles[0], evidence.gflops_after / cycles[1], of_build)
    read = _least(evidence.gbps_before, evidence.gbps_after, of_build)
    if np.any(np.isfinite(did)) or np.any(np.isfinite(read)):
        seen |= Reason.CONTENDED
        slow = (did < policy.least_throughput * _best(did)) | (read < policy.least_bandwidth * _best(read))
        _mark(masks, Reason.CONTENDED, slow)
    return seen


def _mark(masks: Masks, reason: Reason, where: Flags) -> None:
    masks[where] |= np.uint16(reason)


def _unlike_others(share: Numbers) -> Flags:
    """Where the device was in another state than beside most samples of the run, or changed just then.

    Of two states the rarer one, so that one reading taints no more than its own samples; of equally many the state 1.
    """
    is_on, is_off = share == 1, share == 0
    rarer = is_on if np.count_nonzero(is_on) <= np.count_nonzero(is_off) else is_off
    return np.asarray((share == 0.5) | rarer, dtype=np.bool_)


def _best(values: Numbers) -> float:
    """NaN where none is known: nothing is below it."""
    known = values[np.isfinite(values) & (values > 0)]
    return float(np.quantile(known, _BEST)) if len(known) else float("nan")


def _least(before: Numbers, after: Numbers, where: Flags) -> Numbers:
    """The lower one of two readings of samples there; NaN elsewhere, and where neither is known."""
    least = np.fmin(before, after)
    return np.where(where & np.isfinite(least) & (least > 0), least, np.nan)


def _migrated(evidence: Evidence, setting: Setting) -> Flags:
    elsewhere = (evidence.cpu_after >= 0) & (setting.cpu >= 0) & (evidence.cpu_after != setting.cpu)
    return np.asarray((sample.cpu_changed(evidence) | elsewhere) & (setting.threads <= 1), dtype=np.bool_)


def _lost(evidence: Evidence, setting: Setting, policy: Policy) -> tuple[Flags, Flags]:
    """Whose thread did not run for too much of the time; and of whom that is told.

    Without CPU times (older records) by involuntary context switches: how long they took is not known.
    """
    alone = setting.threads <= 1
    known = np.isfinite(evidence.cpu_ns) & np.isfinite(evidence.span_ns) & (evidence.span_ns > 0)
    share = np.divide(evidence.cpu_ns, evidence.span_ns, out=np.ones(len(known)), where=known)
    lost = np.where(known, 1 - share > policy.most_lost, evidence.nivcsw > 0) & alone
    return np.asarray(lost, dtype=np.bool_), np.asarray((known | (evidence.nivcsw >= 0)) & alone, dtype=np.bool_)


def _short(evidence: Evidence, row: Groups, policy: Policy) -> Flags:
    """Samples of variants whose median window is too short; windows of unknown length by their own flag."""
    least = policy.least_window * policy.min_ms * 1e6
    unknown = np.isnan(evidence.window_ns)
    windows = np.where(unknown, np.where(sample.window_short(evidence), 0, np.inf), evidence.window_ns)
    order = np.lexsort((windows, row))
    starts = np.flatnonzero(np.diff(row[order], prepend=np.nan))  # of each row's samples in that order
    counts = np.diff(starts, append=len(order))
    medians = windows[order][starts + counts // 2]
    numbers = row[order][starts]
    return np.asarray(np.isin(row, numbers[medians < least]), dtype=np.bool_)
