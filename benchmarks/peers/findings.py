"""What was measured: samples of variants, and what is known of each."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from statistics import median

from harness.model.layer import Layer
from harness.stats.estimate import Observation

OURS = "ours"
ALONE = f"{OURS} auto/one thread"  # measured beside those with more threads
EMPTY = "empty-call"  # a layer of one product: what a peer's framework costs


@dataclass(frozen=True)
class Sample:
    """One sample: nanoseconds per call as measured."""

    variant: str  # a peer's name, or "ours ALGORITHM/KERNEL"
    layer: str
    threads: int
    launch: int
    round: int
    ns: float


@dataclass
class Findings:
    """All of a run. Keys with a layer are (threads, layer, variant)."""

    layers: list[Layer]
    samples: list[Sample] = field(default_factory=list)
    skipped: dict[tuple[int, str, str], str] = field(default_factory=dict)  # why there is no row; layer "": everywhere
    errors: dict[tuple[int, str, str], float] = field(default_factory=dict)  # largest error as a share of the allowed
    modes: dict[tuple[int, str, str], list[str]] = field(default_factory=dict)  # the mode that won, per launch
    empty_ns: dict[tuple[int, str], list[float]] = field(default_factory=dict)  # (threads, variant), per launch
    peaks: dict[int, list[float]] = field(default_factory=dict)  # GFLOP/s by threads
    peaks_of: dict[tuple[int, str], list[float]] = field(default_factory=dict)  # (threads, layer)
    versions: dict[str, dict[str, str]] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    avx512: bool = True  # False: it was hidden from all programs
    known_core: bool = True  # False: peers are not judged, for no figures are known (figures.py)
    _by_variant: dict[tuple[int, str, str], list[Sample]] = field(default_factory=dict, init=False, repr=False)
    _sorted: int = field(default=0, init=False, repr=False)  # how many samples are in there

    def _of(self, threads: int, layer: str, variant: str) -> list[Sample]:
        """The samples of a variant."""
        for sample in self.samples[self._sorted :]:
            self._by_variant.setdefault((sample.threads, sample.layer, sample.variant), []).append(sample)
        self._sorted = len(self.samples)
        return self._by_variant.get((threads, layer, variant), [])

    def observations(self, threads: int, layer: str, variant: str) -> list[Observation]:
        """The variant's samples, net of the framework's empty call, for pairing within rounds."""
        empty = self.empty(threads, variant)
        return [Observation(s.launch, s.round, 0, max(s.ns - empty, 1.0)) for s in self._of(threads, layer, variant)]

    def empty(self, threads: int, variant: str) -> float:
        """What an empty call costs in the variant's framework, nanoseconds; 0 for ours, which has none.

        The median of all launches: a framework whose threads wait for a busy CPU in one launch would seem to need more
        for its empty call than for a layer.
        """
        return median(self.empty_ns.get((threads, variant), [0.0]))

    def times(self, threads: int, layer: str, variant: str) -> dict[int, list[float]]:
        """The variant's net times by launch."""
        found: dict[int, list[float]] = {}
        for seen in self.observations(threads, layer, variant):
            found.setdefault(seen.launch, []).append(seen.value)
        return found

    def variants(self, threads: int, layer: str) -> list[str]:
        """All that have samples of the layer, in order of appearance."""
        self._of(threads, layer, "")
        return [variant for at, where, variant in self._by_variant if (at, where) == (threads, layer)]

    def peak(self, threads: int, layer: str) -> float:
        """Median FMA peak, GFLOP/s: of the readings around the layer, else of all; NaN for none."""
        believed = _believed(self.peaks_of.get((threads, layer)) or self.peaks.get(threads) or [])
        return believed[len(believed) // 2] if believed else math.nan

    def peaks_note(self, threads: int) -> str:
        """All readings of the FMA peak in a few words."""
        readings = self.peaks[threads]
        believed = _believed(readings)
        doubted = f", {len(readings) - len(believed)} of {len(readings)} readings not believed"
        if not believed:
            return f"{threads} thread(s) unknown{doubted}"
        said = f"{threads} thread(s) {believed[len(believed) // 2]:.1f} (lowest {believed[0]:.1f})"
        return said + (doubted if len(believed) < len(readings) else "")


def _believed(readings: Sequence[float]) -> list[float]:
    return sorted(value for value in readings if math.isfinite(value))


def is_ours(variant: str) -> bool:
    """Whether it is a variant of this library."""
    return variant.startswith(OURS + " ")
