"""What waiting for a cool device cost, by device and cluster."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from harness.results.run import DeviceData, RunData
from harness.results.stream import Stream
from harness.store import records


@dataclass(frozen=True)
class Waits:
    """The gates of one cluster, or of a whole device. Times in seconds."""

    device: DeviceData
    cluster: str  # empty: all of them
    waited_s: float
    measured_s: float  # behind them
    longest_s: float
    statuses: Counter[str] = field(default_factory=Counter)

    @property
    def count(self) -> int:
        """Of gates."""
        return self.statuses.total()

    @property
    def share(self) -> float:
        """Of the time of gates and jobs together."""
        total = self.waited_s + self.measured_s
        return self.waited_s / total if total > 0 else 0.0

    @property
    def text(self) -> str:
        """``6 gates waited 12 s, 8 % of the time (6 passed)``."""
        how = ", ".join(f"{count} {status}" for status, count in self.statuses.most_common())
        many = f"{self.count} gates" if self.count != 1 else "1 gate"
        return f"{many} waited {self.waited_s:.0f} s, {100 * self.share:.0f} % of the time ({how})"


def waits_of(run: RunData) -> list[Waits]:
    """Of each device, and after it of each of its clusters where it has several; none where there is no gate."""
    found: list[Waits] = []
    for device in run.devices:
        clusters = run.clusters_of(device)
        by_cluster = [_waits(device, cluster, device.streams_of(cluster)) for cluster in clusters]
        whole = _waits(device, "", device.streams)
        if whole.count:
            found.append(whole)
            found += [each for each in by_cluster if each.count] if len(clusters) > 1 else []
    return found


def _waits(device: DeviceData, cluster: str, streams: Iterable[Stream]) -> Waits:
    streams = list(streams)
    gates = [gate for stream in streams for gate in stream.of(records.Gate)]
    return Waits(
        device,
        cluster,
        sum(gate.waited_s for gate in gates),
        sum(job.elapsed_s for stream in streams for job in stream.of(records.Job)),
        max((gate.waited_s for gate in gates), default=0.0),
        Counter(gate.status for gate in gates),
    )
