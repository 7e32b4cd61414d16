"""What a weakness may be looked for in: one cluster of one device."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from harness.judge import sample
from harness.results.aa import AaSummary
from harness.results.baseline import BaselineRow
from harness.results.faces import FaceRow
from harness.results.rows import Row
from harness.results.run import DeviceData
from harness.results.samples import Values
from harness.results.stream import Stream
from harness.store import records

Found = Iterator[tuple[str, str]]  # kind and text of each weakness
Check = Callable[["Scope"], Found]


@dataclass(frozen=True)
class Scope:
    """Its records and its rows."""

    device: DeviceData
    cluster: str
    streams: list[Stream]
    rows: list[Row]  # ours
    foreign: list[Row]  # of workers of somebody else
    baselines: Sequence[BaselineRow]
    faces: Sequence[FaceRow]
    aa: Sequence[AaSummary]
    in_steps: bool  # layers have as many launches as each needs
    most_clock_change: float  # within a sample, by the policy that judges
    answering: Mapping[str, str]  # the answer's cache mode, by category

    @property
    def place(self) -> str:
        """``Pixel 3, CPUs 4-7``."""
        return f"{self.device.model}, CPUs {self.cluster}"

    @property
    def count(self) -> int:
        """Of samples."""
        return sum(len(stream.samples) for stream in self.streams)

    @property
    def workers(self) -> list[records.Worker]:
        """The records of our own workers: what others tell of themselves is theirs."""
        builds = {row.key.build for row in self.foreign}
        return [each for stream in self.streams for each in stream.of(records.Worker) if each.build not in builds]

    def samples(self, *names: str) -> Iterator[Values]:
        """These fields of every sample."""
        return (values for stream in self.streams for values in stream.samples.zip(*names))

    def counted(self, test: Callable[[sample.Evidence], sample.Flags]) -> int:
        """How many samples pass a test of their evidence."""
        return sum(int(np.count_nonzero(test(stream.samples.evidence))) for stream in self.streams)
