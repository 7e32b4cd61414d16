"""Rows and comparisons out of the samples; pure."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from benchmarks.peers.figures import expected, misconfigured
from benchmarks.peers.findings import ALONE, OURS, Findings, is_ours
from harness.model.layer import CATEGORIES, Layer
from harness.stats.estimate import LaunchLogs, geometric_mean, launch_logs, pair_log_ratios, ratio, time_of
from harness.stats.interval import Interval

ALL = "all but grouped"
_WINOGRAD = "winograd"
_NEAR = 0.02
_WORTH_SHARING = 50e6  # MACs
Pick = Callable[[Findings, int, Layer], str | None]


@dataclass(frozen=True)
class Row:
    """A variant on a layer. Times in nanoseconds net of the empty call; ``percent`` of FMA peak by nominal FLOP."""

    threads: int
    layer: str
    variant: str
    time: Interval
    gflops: float
    percent: float
    empty_ns: float
    mode: str
    error: float
    expected: float | None
    misconfigured: bool


@dataclass(frozen=True)
class Comparison:
    """The other's time over ours on a layer; over 1: ours is faster. ``again``: from the launches of the pair alone."""

    threads: int
    layer: str
    category: str
    ours: str
    other: str
    ratio: Interval
    means: LaunchLogs
    misconfigured: bool
    again: Interval | None = None

    @property
    def final(self) -> Interval:
        """What counts: the pair's own launches where there are some."""
        return self.again or self.ratio

    @property
    def close(self) -> bool:
        """Whether it deserves to be measured again."""
        return self.ratio.against_one() == 0 or abs(self.ratio.value - 1) <= _NEAR

    @property
    def verdict(self) -> str:
        """In a word."""
        if self.misconfigured:
            return "misconfigured"
        return {1: "faster", -1: "slower", 0: "undecided"}[self.final.against_one()]


@dataclass(frozen=True)
class Mean:
    """A geometric mean of ratios over layers; ``left_out``: layers whose peer is misconfigured."""

    threads: int
    what: str
    category: str
    ratio: Interval
    layers: int
    left_out: int


def rows(findings: Findings) -> list[Row]:
    """A row for each variant that ran, by threads and layer, fastest first."""
    found: list[Row] = []
    for threads in sorted(findings.peaks):
        for layer in findings.layers:
            here = [_row(findings, threads, layer, variant) for variant in findings.variants(threads, layer.name)]
            found += sorted(here, key=lambda row: row.time.value)
    return found


def _row(findings: Findings, threads: int, layer: Layer, variant: str) -> Row:
    time = time_of(findings.times(threads, layer.name, variant))
    assert time is not None, "only variants with samples are asked for"
    gflops = layer.flop / time.value
    percent = 100 * gflops / findings.peak(threads, layer.name)
    key = (threads, layer.name, variant)
    modes = Counter(findings.modes.get(key, [])).most_common(1)
    judged = findings.known_core and not is_ours(variant)
    return Row(
        threads,
        layer.name,
        variant,
        time,
        gflops,
        percent,
        findings.empty(threads, variant),
        modes[0][0] if modes else "",
        findings.errors.get(key, math.nan),
        expected(variant, layer) if judged else None,
        judged and misconfigured(variant, layer, percent, threads),
    )


def _fastest(findings: Findings, threads: int, layer: Layer, wanted: Callable[[str], bool]) -> str | None:
    times = {
        variant: _row(findings, threads, layer, variant).time.value
        for variant in findings.variants(threads, layer.name)
        if wanted(variant)
    }
    return min(times, key=lambda variant: times[variant]) if times else None


def our_choice(findings: Findings, threads: int, layer: Layer) -> str | None:
    """``auto`` where the library has it, else the fastest of ours (picked from the same samples: biased upwards)."""
    auto = f"{OURS} auto"
    found = findings.variants(threads, layer.name)
    return auto if auto in found else _fastest(findings, threads, layer, is_ours)


def our_im2col(findings: Findings, threads: int, layer: Layer) -> str | None:
    """The fastest im2col of ours."""
    return _fastest(findings, threads, layer, lambda variant: variant.startswith(f"{OURS} im2col/"))


def our_avx2(findings: Findings, threads: int, layer: Layer) -> str | None:
    """The fastest of ours on AVX2 kernels."""
    return _fastest(findings, threads, layer, lambda variant: is_ours(variant) and "/avx2_" in variant)


def best_peer(findings: Findings, threads: int, layer: Layer) -> str | None:
    """The fastest peer without Winograd."""
    return _fastest(findings, threads, layer, lambda variant: not is_ours(variant) and _WINOGRAD not in variant)


def compare(findings: Findings, threads: int, layer: Layer, ours: Pick, other: Pick | str) -> Comparison | None:
    """A comparison; None where one of both did not run."""
    mine = ours(findings, threads, layer)
    theirs = other if isinstance(other, str) else other(findings, threads, layer)
    if mine is None or theirs is None or theirs not in findings.variants(threads, layer.name):
        return None
    pairs = pair_log_ratios(
        findings.observations(threads, layer.name, mine), findings.observations(threads, layer.name, theirs)
    )
    means = launch_logs(pairs)
    value = ratio(means)
    if value is None:
        return None
    wrong = _row(findings, threads, layer, theirs).misconfigured and value.value > 1  # a loss stays a loss
    return Comparison(threads, layer.name, layer.category, mine, theirs, value, means, wrong)


QUESTIONS: tuple[tuple[str, Pick, Pick | str, Callable[[Layer], bool]], ...] = (
    ("ours / best peer", our_choice, best_peer, lambda _: True),
    ("ours / XNNPACK", our_choice, "xnnpack", lambda _: True),
    ("ours with AVX2 / best peer", our_avx2, best_peer, lambda _: True),
    ("ours with AVX2 / oneDNN with AVX2", our_avx2, "onednn_avx2", lambda _: True),
    ("ours on all threads / on one", our_choice, ALONE, lambda layer: layer.macs > _WORTH_SHARING),
    ("im2col / torch im2col, 3x3", our_im2col, "torch_im2col", lambda layer: (layer.kh, layer.kw) == (3, 3)),
)


def comparisons(findings: Findings) -> dict[str, list[Comparison]]:
    """Every question on every layer, by the question's name."""
    found: dict[str, list[Comparison]] = {}
    for what, ours, other, covers in QUESTIONS:
        answers = [
            compare(findings, threads, layer, ours, other)
            for threads in sorted(findings.peaks)
            for layer in findings.layers
            if covers(layer)
        ]
        found[what] = [answer for answer in answers if answer is not None]
    return found


def means(answers: dict[str, list[Comparison]]) -> list[Mean]:
    """Geometric means per category and over all, without layers whose peer is misconfigured."""
    found = []
    for what, each in answers.items():
        for threads in sorted({answer.threads for answer in each}):
            for category in (*CATEGORIES, ALL):
                here = [
                    a
                    for a in each
                    if a.threads == threads and (a.category == category if category != ALL else a.category != "grouped")
                ]
                sound = [a for a in here if not a.misconfigured]
                value = geometric_mean([a.means for a in sound])
                if value is not None:
                    found.append(Mean(threads, what, category, value, len(sound), len(here) - len(sound)))
    return found


def close_calls(answers: Sequence[Comparison]) -> list[Comparison]:
    """Those to be measured again as a pair."""
    return [answer for answer in answers if answer.close and not answer.misconfigured]
