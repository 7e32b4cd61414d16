"""Series: the time of one variant of a layer on one cluster of one phone in one cache mode, run after run."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from harness.history.changes import Found, chance_of_each, find
from harness.history.store import Store

_KEY = ("phone", "cluster", "threads", "cache", "layer", "asked", "face", "type", "layout")
_COLUMNS = (
    *_KEY,
    *("run", "started", "device", "model", "core", "status", "median_ns", "log_se", "build", '"commit"', "variant"),
    *("emulated", "run_status"),
)


@dataclass(frozen=True)
class SeriesKey:
    """What is followed. ``phone``: a pseudonym; ``asked``: what was asked for, whatever kernel ran."""

    phone: str
    cluster: str
    threads: int
    cache: str
    layer: str
    asked: str
    face: str
    type: str
    layout: str

    @property
    def variant(self) -> str:
        """What was asked for, with what tells it from others of that name."""
        threads = f" on {self.threads} threads" if self.threads != 1 else ""
        kind = "" if (self.type, self.layout) == ("f32", "nhwc") else f" {self.type} {self.layout}"
        return f"{self.asked}{kind}{threads}"


@dataclass(frozen=True)
class Point:
    """One run's time: ``ns`` per call, ``log_se`` the standard error of its logarithm, None where unknown."""

    run: str
    started: datetime
    ns: float
    log_se: float | None
    build: str
    commit: str
    variant: str


@dataclass
class Series:
    """Points by time. ``missing``: runs in which it has no time that counts; ``found``: what changed."""

    key: SeriesKey
    device: str = ""  # as the newest run calls it
    model: str = ""
    core: str = ""
    emulated: bool = False
    points: list[Point] = field(default_factory=list)
    missing: list[tuple[str, str]] = field(default_factory=list)  # run, status
    found: Found = field(default_factory=Found)

    @property
    def place(self) -> str:
        """``pixel-3 CPUs 4-7, hot``."""
        return f"{self.device} CPUs {self.key.cluster}, {self.key.cache}"


def all_series(store: Store) -> list[Series]:
    """Every series of the store with what changed in it. Raises UsageError for a damaged store."""
    found: dict[SeriesKey, Series] = {}
    for row in store.newest(_COLUMNS):
        _add(found, row)
    series = list(found.values())
    looked_at = [each for each in series if len(each.points) > 1]
    chance = chance_of_each(sum(len(each.points) for each in looked_at))
    for each in looked_at:
        logs = [math.log(point.ns) for point in each.points]
        each.found = find(logs, [point.log_se for point in each.points], chance)
    return series


def _add(found: dict[SeriesKey, Series], row: tuple[Any, ...]) -> None:
    key = SeriesKey(*row[: len(_KEY)])
    run, started, device, model, core, status, ns, log_se, build, commit, variant, emulated, _ = row[len(_KEY) :]
    if status == "skip" or not key.phone or not key.cache:
        return
    series = found.setdefault(key, Series(key))
    series.device, series.model, series.core = device, model or "", core or ""
    series.emulated |= bool(emulated)
    if status == "ok" and ns and ns > 0 and math.isfinite(ns):
        series.points.append(Point(run, started, ns, log_se, build or "", commit or "", variant or ""))
    else:
        series.missing.append((run, status))
