"""What changed in a series of times, and when: steps by optimal partitioning (ruptures), drifts as what they imitate.

The noise of a series is known: each run's interval tells of it, and where runs differ by more than their intervals do,
so do neighbours in time. So the penalty of a change needs no tuning. It is the square of the normal quantile that noise
alone passes at any place of any series with a chance of 5 % in all (Bonferroni over all points of the store).
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from harness.extras import needed

LEAST = 3  # runs before and behind a change: two disturbed ones in a row are none
LEAST_POINTS = 2 * LEAST
CHANCE = 0.05  # of any change anywhere that is none
_ODD = 4.0  # standard deviations from the median of its neighbours, from where on a run is left out as disturbed
_NEIGHBOURS = 2  # on each side
_FINEST = 1e-4  # least noise, as a share: clocks tick, and copies of one run have none
_NORMAL_MAD = 1.4826  # of a normal distribution: standard deviation over median absolute deviation
_MOST_ENDS = 40  # places that a drift's start, or end, is looked for at
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Change:
    """From point ``first`` on the time is another one; a drift is over at point ``last``. Ratios over 1: slower."""

    kind: Literal["step", "drift"]
    first: int
    last: int
    ratio: float  # time after over time before
    low: float  # of its 95 % interval, by the series' noise
    high: float

    @property
    def is_slower(self) -> bool:
        """Whether times grew."""
        return self.ratio > 1


@dataclass(frozen=True)
class Level:
    """The fitted time between two points, as natural logarithms at both."""

    first: int
    last: int
    begin: float
    end: float


@dataclass(frozen=True)
class Found:
    """``noise``: standard deviation of a point's logarithm; ``odd``: points that were left out as disturbed."""

    noise: float = 0.0
    changes: tuple[Change, ...] = ()
    levels: tuple[Level, ...] = ()
    odd: tuple[int, ...] = ()


def chance_of_each(points: int) -> float:
    """How likely one place of one series may show a change that is none, where a store has so many points."""
    return CHANCE / max(1, points)


def find(logs: Sequence[float], errors: Sequence[float | None], chance: float) -> Found:
    """The changes of a series. ``logs``: logarithms of times; ``errors``: their standard errors, None where unknown.

    ``chance``: see ``chance_of_each``. Raises UsageError where ruptures is not installed.
    """
    values = np.asarray(logs, dtype=np.float64)
    noise = noise_of(values, errors)
    odd = _odd(values, noise)
    kept = np.flatnonzero(~odd)
    if len(kept) < LEAST_POINTS:
        return Found(noise, (), (), tuple(map(int, np.flatnonzero(odd))))
    scaled = values[kept] / noise
    penalty = _quantile(chance / 2) ** 2
    ends = _steps(scaled, penalty)
    pieces = list(_pieces(scaled, ends))
    return Found(
        noise,
        tuple(_change(piece, scaled, noise, kept, before, after) for before, piece, after in _between(pieces)),
        tuple(_level(piece, noise, kept) for piece in pieces),
        tuple(map(int, np.flatnonzero(odd))),
    )


def noise_of(values: Floats, errors: Sequence[float | None]) -> float:
    """Standard deviation of a point about its level: within runs by their intervals, or between neighbours in time.

    The greater one: intervals tell of launches, not of what two runs differ by as a whole. Both are robust: few steps
    among many points hardly move the median of differences.
    """
    known = [error for error in errors if error is not None and math.isfinite(error)]
    within = math.sqrt(math.fsum(error * error for error in known) / len(known)) if known else 0.0
    between = 0.0
    if len(values) > LEAST_POINTS:
        steps = np.diff(values)
        between = _NORMAL_MAD * float(np.median(np.abs(steps - np.median(steps)))) / math.sqrt(2)
    return max(within, between, _FINEST)


def _odd(values: Floats, noise: float) -> npt.NDArray[np.bool_]:
    """Points far from their neighbours' median: Hampel's identifier. One at the end may be a step: more will tell."""
    found = np.zeros(len(values), dtype=bool)
    if len(values) < LEAST_POINTS:
        return found
    for n, value in enumerate(values):
        around = values[max(0, n - _NEIGHBOURS) : n + _NEIGHBOURS + 1]
        found[n] = abs(value - np.median(around)) > _ODD * noise
    return found


def _steps(scaled: Floats, penalty: float) -> list[int]:
    """Ends of the pieces of equal level whose squares, with a penalty for each change, sum up to the least."""
    ruptures: Any = needed("ruptures", "harness history")
    found = ruptures.KernelCPD(kernel="linear", min_size=LEAST).fit(scaled.reshape(-1, 1)).predict(pen=penalty)
    return [int(end) for end in found]


@dataclass(frozen=True)
class _Piece:
    """Points from ``first`` to before ``end``: a level, or a line from ``begin`` to ``to``."""

    first: int
    end: int
    begin: float
    to: float
    error: float = 0.0  # of a line: standard error of its height, in standard deviations

    @property
    def is_drift(self) -> bool:
        return self.error > 0


def _pieces(scaled: Floats, ends: Sequence[int]) -> Iterator[_Piece]:
    """Levels, and lines in the place of steps in one direction that a line does at least as well as."""
    bounds = [0, *ends]
    levels = [float(np.mean(scaled[a:b])) for a, b in pairwise(bounds)]
    signs = [math.copysign(1, after - before) for before, after in pairwise(levels)]
    n = 0
    while n < len(levels):
        run = 0
        while n + run < len(signs) and signs[n + run] == signs[n]:
            run += 1
        drift = None
        for count in range(run, 0, -1):  # as many of the steps as one line can stand for
            drift = _line(scaled, bounds[n : n + count + 2])
            if drift is not None:
                yield from drift
                n += count + 1
                break
        if drift is None:
            yield _Piece(bounds[n], bounds[n + 1], levels[n], levels[n])
            n += 1


def _line(scaled: Floats, bounds: Sequence[int]) -> list[_Piece] | None:
    """A level, a line, a level over these pieces; None where their steps do better.

    That something changed is settled; of two shapes of it the better one is that of the lower BIC. A line has two
    places, its start and its end, a step has one.
    """
    first, end = bounds[0], bounds[-1]
    steps = len(bounds) - 2
    y = scaled[first:end]
    penalty = math.log(len(y))
    cost_of_steps = sum(_squares(scaled[a:b]) for a, b in pairwise(bounds)) + steps * penalty
    best: tuple[float, int, int, float, float, float] | None = None
    for start in _some(first, bounds[2] - 1):
        for stop in _some(max(start + LEAST, bounds[-3]), end):
            shape = np.clip((np.arange(first, end) - start) / (stop - start), 0, 1)
            design = np.column_stack([np.ones(len(y)), shape])
            fit, *_ = np.linalg.lstsq(design, y, rcond=None)
            cost = float(np.sum((y - design @ fit) ** 2)) + 2 * penalty
            if best is None or cost < best[0]:
                spread = float(np.sum((shape - shape.mean()) ** 2))
                error = 1 / math.sqrt(spread) if spread > 0 else math.inf
                best = cost, start, stop, float(fit[0]), float(fit[0] + fit[1]), error
    if best is None or best[0] > cost_of_steps or not math.isfinite(best[-1]):
        return None
    _, start, stop, low, high, error = best
    found = [_Piece(start, min(stop + 1, end), low, high, error)]
    if start > first:
        found.insert(0, _Piece(first, start, low, low))
    if stop + 1 < end:
        found.append(_Piece(stop + 1, end, high, high))
    return found


def _some(first: int, end: int) -> list[int]:
    """Places from first to before end, no more than _MOST_ENDS of them."""
    step = max(1, math.ceil((end - first) / _MOST_ENDS))
    return list(range(first, end, step))


def _squares(values: Floats) -> float:
    return float(np.sum((values - values.mean()) ** 2))


def _between(pieces: Sequence[_Piece]) -> Iterator[tuple[_Piece | None, _Piece, _Piece | None]]:
    """Each piece that is another than the one before; with what is before and behind it."""
    for n, piece in enumerate(pieces):
        before = pieces[n - 1] if n else None
        if piece.is_drift or (before is not None and not before.is_drift):
            yield before, piece, pieces[n + 1] if n + 1 < len(pieces) else None


def _change(
    piece: _Piece, scaled: Floats, noise: float, kept: npt.NDArray[np.intp], before: _Piece | None, after: _Piece | None
) -> Change:
    first = int(kept[piece.first])
    if piece.is_drift:
        height, error, last = piece.to - piece.begin, piece.error, int(kept[piece.end - 1])
        kind: Literal["step", "drift"] = "drift"
    else:
        ours = piece.end - piece.first
        theirs = ours if before is None else before.end - before.first
        height, error, last = (
            piece.begin - (before.to if before else piece.begin),
            math.sqrt(1 / ours + 1 / theirs),
            first,
        )
        kind = "step"
    half = _quantile(0.025) * error
    return Change(kind, first, last, *(math.exp(noise * value) for value in (height, height - half, height + half)))


def _level(piece: _Piece, noise: float, kept: npt.NDArray[np.intp]) -> Level:
    return Level(int(kept[piece.first]), int(kept[piece.end - 1]), noise * piece.begin, noise * piece.to)


@cache
def _quantile(share: float) -> float:
    """How far above its mean a normal value lies with that chance, in standard deviations."""
    from scipy.special import ndtri  # noqa: PLC0415  slow to load

    return -float(ndtri(share))
