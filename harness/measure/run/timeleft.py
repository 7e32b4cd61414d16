"""How long a device's part of a run will still take: an estimate that never rises."""

from __future__ import annotations

from collections.abc import Mapping

_PLANNED = 3.0  # jobs' worth of trust in the plan: what the first ones take tells little of the others


class TimeLeft:
    """From the plan at first, then from the pace of the jobs that were done. Times are of one monotonic clock.

    A job is a layer in a launch. ``most``: of each cluster as many as it may come to have, with further launches and
    with rounds that are measured again; what it turns out not to need is dropped when the cluster ends. So the estimate
    is late at first rather than early; where it was early all the same, it stands still until it is true again.
    """

    def __init__(self) -> None:
        self._left: dict[str, float] = {}  # jobs, by cluster
        self._planned_s = 0.0  # of a job
        self._took_s, self._done = 0.0, 0
        self._since: float | None = None  # when the job in progress began
        self._shown: float | None = None

    def expect(self, most: Mapping[str, float], seconds: float) -> None:
        """The jobs of each cluster, and the seconds that the plan gives all of them together."""
        self._left = {label: max(0.0, jobs) for label, jobs in most.items()}
        self._planned_s = max(0.0, seconds) / max(1.0, sum(self._left.values()))

    def begin(self, now: float) -> None:
        """Jobs are measured from now on, as they are again after a pause."""
        if self._since is None:
            self._since = now

    def pause(self, now: float) -> None:
        """The device is away: that time is not the jobs'."""
        if self._since is not None:
            self._took_s += now - self._since
            self._since = None

    def job_done(self, label: str, now: float) -> None:
        """A job of that cluster is done."""
        if self._since is not None:
            self._took_s += now - self._since
        self._since = now
        self._done += 1
        self._left[label] = max(0.0, self._left.get(label, 0.0) - 1)

    def cluster_done(self, label: str) -> None:
        """The cluster needs no more."""
        self._left.pop(label, None)

    def seconds(self, now: float) -> float | None:
        """From now to the end, no more than was told before; None where nothing is known, or during a pause."""
        if self._since is None or not (self._planned_s or self._done):
            return None
        trust = _PLANNED if self._planned_s else 0.0
        pace = (self._took_s + trust * self._planned_s) / (self._done + trust)
        jobs = sum(self._left.values())
        rest = max(0.0, jobs - 1) * pace
        found = rest + max(0.0, min(jobs, 1) * pace - (now - self._since))
        self._shown = found if self._shown is None else min(self._shown, found)
        return self._shown
