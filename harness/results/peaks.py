"""Shares of the FMA peak, by the probe that each worker ran."""

from __future__ import annotations

import math
from collections.abc import Iterable

from harness.results.stream import Stream
from harness.stats.estimate import peak_share
from harness.store import records


def peaks_of(stream: Stream) -> dict[tuple[int, str, int], float]:
    """FLOP per cycle of each worker's peak probe, where it and the clock can be believed: by launch, build, pid."""
    return {
        (worker.launch, worker.build, worker.pid): worker.peak.flop_per_cycle
        for worker in stream.of(records.Worker)
        if worker.clock.available and worker.peak.ok and worker.peak.flop_per_cycle
    }


def share_of(flop: int, ns: float, mhz: Iterable[float | None], peak: float) -> float | None:
    """A sample's share of the FMA peak; None where the clock is unknown. Only for samples of cache mode ``hot``.

    ``flop``, ``ns``: of one call; ``mhz``: clocks around the sample; ``peak``: FLOP per cycle.
    """
    clocks = [each for each in mhz if each is not None]
    if not clocks:
        return None
    return peak_share(flop, ns, math.fsum(clocks) / len(clocks), peak)
