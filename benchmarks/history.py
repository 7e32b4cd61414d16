"""Nightly runs with two steps and a drift of known size: what `harness history` finds, and after how many nights.

``python -m benchmarks.history [--nights 60] [--out DIR]``: prints what is told at the end beside the truth, and after
how many nights of its own each was told first. The runs, the store and its pages stay in DIR where that is given.
"""

from __future__ import annotations

import argparse
import math
import random
import tempfile
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

from benchmarks import synthetic
from harness.history.changes import chance_of_each, find
from harness.history.columns import rows_of
from harness.history.pages import write_pages
from harness.history.series import Series, all_series
from harness.history.store import Store
from harness.results.results import make_results

KEY = b"benchmark" * 4  # of pseudonyms
FIRST = datetime(2026, 9, 1, 2, tzinfo=UTC)
LAYERS = synthetic.LAYERS[1:3]
NIGHT_SD = 0.003  # what a night differs from others by, beyond its own noise


def truth(nights: int) -> list[float]:
    """im2col's true time by night, as a share of the first: 3 % slower, 2 % faster, then a drift by 4 %."""
    up, down, begin, end = (round(nights * share) for share in (0.25, 0.5, 0.7, 0.93))
    return [
        (1.03 if night >= up else 1.0)
        * (0.98 if night >= down else 1.0)
        * math.exp(math.log(1.04) * min(1.0, max(0.0, (night - begin) / (end - begin))))
        for night in range(nights)
    ]


def make_night(folder: Path, night: int, share: float, launches: int = 4, rounds: int = 2) -> Path:
    """The run of one night; indirect keeps its time, im2col takes ``share`` of its own."""
    dice = random.Random(night)  # noqa: S311  the same night again for the same number
    im2col = 1.3 * share * math.exp(dice.gauss(0, NIGHT_SD))
    of_night = synthetic.Truth({"larger": im2col}, spread=0.0, launch_sd=0.003, noise_sd=0.004)
    phone = synthetic.Phone(clusters=(("4-7", "Cortex-A75", 2803),), truth=of_night, drift=0.0)
    started = (FIRST + timedelta(days=night)).isoformat().replace("+00:00", "Z")
    name = f"night-{night:03d}"
    return synthetic.make_run(folder / name, [phone], LAYERS, launches, rounds, ["hot"], night, name, started)


def add_nights(folder: Path, shares: Sequence[float]) -> Store:
    """A store of these nights."""
    store = Store(folder / "history")
    for night, share in enumerate(shares):
        store.add(rows_of(make_results(make_night(folder / "runs", night, share)), KEY))
    return store


def first_told(series: Series, all_points: int) -> dict[str, int]:
    """By change as it is known at the end: after how many nights of its own it was told first, by sign and place."""
    logs = [math.log(point.ns) for point in series.points]
    errors = [point.log_se for point in series.points]
    found: dict[str, int] = {}
    for change in series.found.changes:
        for nights in range(change.first + 1, len(logs) + 1):
            chance = chance_of_each(all_points * nights // len(logs))
            seen = find(logs[:nights], errors[:nights], chance).changes
            if any(abs(each.first - change.first) <= 4 and each.is_slower == change.is_slower for each in seen):
                found[f"{change.kind} at night {change.first}"] = nights - change.first
                break
    return found


def main() -> None:
    """Makes the nights and prints what is found."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--nights", type=int, default=60)
    parser.add_argument("--out", type=Path)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = asked.out or Path(temporary)
        shares = truth(asked.nights)
        store = add_nights(folder, shares)
        series = all_series(store)
        pages = write_pages(series, folder / "pages")
        points = sum(len(each.points) for each in series)
        print(f"{asked.nights} nights, {len(series)} series, {points} points, {len(pages)} pages")
        for each in series:
            print(f"{each.key.layer} {each.key.variant}: noise {each.found.noise:.2%}, {len(each.found.odd)} left out")
            told = first_told(each, points)
            for change in each.found.changes:
                true = shares[min(change.last + 1, asked.nights - 1)] / shares[max(0, change.first - 1)]
                when = told.get(f"{change.kind} at night {change.first}")
                print(
                    f"  {change.kind} from night {change.first} to {change.last}: {change.ratio - 1:+.2%} "
                    f"[{change.low - 1:+.2%}, {change.high - 1:+.2%}], true {true - 1:+.2%}; told after {when} nights"
                )


if __name__ == "__main__":
    main()
