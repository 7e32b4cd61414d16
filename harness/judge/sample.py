"""What the evidence beside samples can tell: predicates over the columns of many samples at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

Flags = NDArray[np.bool_]
LEAST_CLOCK = 0.9  # of the highest one, over all samples
MANY = 0.25  # share of samples from which on the device was disturbed


@dataclass(frozen=True)
class Evidence:
    """Columns of equal length, one item a sample; clocks in MHz, times in ns, rates in GFLOP/s and GB/s, NaN where
    unknown; CPUs and counts -1 where unknown."""

    settle_capped: NDArray[Any]
    cpu_before: NDArray[Any]
    cpu_after: NDArray[Any]
    repinned: NDArray[Any]
    window_short: NDArray[Any]
    nivcsw: NDArray[Any]
    faults: NDArray[Any]
    mhz_before: NDArray[np.float64]
    mhz_after: NDArray[np.float64]
    window_ns: NDArray[np.float64]
    cpu_ns: NDArray[np.float64]
    span_ns: NDArray[np.float64]
    gflops_before: NDArray[np.float64]
    gflops_after: NDArray[np.float64]
    gbps_before: NDArray[np.float64]
    gbps_after: NDArray[np.float64]

    @classmethod
    def joined(cls, parts: Sequence[Evidence]) -> Evidence:
        """Several one behind the other; at least one."""
        return cls(*(np.concatenate([getattr(part, field.name) for part in parts]) for field in fields(cls)))


def settling_capped(evidence: Evidence) -> Flags:
    """The settling before the sample hit its cap."""
    return np.asarray(evidence.settle_capped, dtype=np.bool_)


def cpu_changed(evidence: Evidence) -> Flags:
    """The sample began on one CPU and ended on another; not where one of them is unknown (below 0)."""
    before, after = evidence.cpu_before, evidence.cpu_after
    return np.asarray((before != after) & (before >= 0) & (after >= 0), dtype=np.bool_)


def repinned(evidence: Evidence) -> Flags:
    """The CPU was taken away; the sample was taken anew."""
    return np.asarray(evidence.repinned > 0, dtype=np.bool_)


def window_short(evidence: Evidence) -> Flags:
    """The timed window was shorter than the policy's minimum."""
    return np.asarray(evidence.window_short, dtype=np.bool_)


def switched(evidence: Evidence) -> Flags:
    """The kernel switched to other work (involuntary context switch)."""
    return np.asarray(evidence.nivcsw > 0, dtype=np.bool_)


def faulted(evidence: Evidence) -> Flags:
    """Pages were faulted in."""
    return np.asarray(evidence.faults > 0, dtype=np.bool_)


def clock_known(evidence: Evidence) -> Flags:
    """The clock was measured on both sides."""
    before, after = evidence.mhz_before, evidence.mhz_after
    return np.asarray(~(np.isnan(before) | np.isnan(after) | (before == 0) | (after == 0)), dtype=np.bool_)


def clock_moved(evidence: Evidence, most: float) -> Flags:
    """The clock changed by over that share between both sides; not where it is unknown."""
    known = clock_known(evidence)
    ratio = np.divide(evidence.mhz_before, evidence.mhz_after, out=np.ones(len(known)), where=known)
    return np.asarray(np.abs(ratio - 1) > most, dtype=np.bool_)


def clock_wandered(low_mhz: float, high_mhz: float) -> bool:
    """The lowest clock of all samples is far from the highest."""
    return low_mhz < LEAST_CLOCK * high_mhz


def is_many(count: int, total: int) -> bool:
    """So many samples are concerned that a quiet device may answer otherwise."""
    return count >= MANY * total
