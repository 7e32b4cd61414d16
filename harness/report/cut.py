"""A run that did not come to its end: how it ended, how much of it was measured, and how it goes on."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from harness.results.results import Results
from harness.results.run import DeviceData, RunData
from harness.store import records
from harness.store.manifest import KeptScheduler, resume_command
from harness.store.rundir import ABOUT_BUNDLE

_ENDINGS = {
    "running": "the run did not come to its end (it says “running”: it was killed, or is still measuring)",
    "interrupted": "the run was interrupted",
    "failed": "the run failed before its end",
}


@dataclass(frozen=True)
class Cut:
    """A run that did not come to its end."""

    ending: str
    measured: int  # jobs
    planned: int
    path: Path
    is_of_bundle: bool
    scheduler: KeptScheduler | None = None  # of the hosts that measured it

    @property
    def is_short(self) -> bool:
        """Whether anything of its plan was not measured, as far as there was one."""
        return self.measured < self.planned or not self.planned

    @property
    def text(self) -> str:
        """``the run was interrupted: 30 of 96 jobs (a layer in a launch) were measured``."""
        if not self.is_short:
            return f"{self.ending}, after all {self.planned} planned jobs (a layer in a launch) had been measured"
        return f"{self.ending}: {_counted(self.measured, self.planned)}"

    @property
    def command(self) -> str:
        """What goes on with it; empty for a bundle, which cannot be gone on with."""
        return "" if self.is_of_bundle else resume_command(self.path, self.scheduler)


def find_cut(results: Results) -> Cut | None:
    """None where the run came to its end, and where it failed with nothing of its plan left to measure."""
    run = results.run
    if run.status == "done":
        return None
    planned = sum(map(len, run.jobs.values()))
    done = sum(_measured(run, device, cluster) for device in run.devices for cluster in run.clusters_of(device))
    if run.status == "failed" and done >= planned:
        return None
    ending = _ENDINGS.get(run.status, f"the run's status is “{run.status}”: it did not come to its end")
    scheduler = KeptScheduler.of(run.manifest.get("scheduler"))
    return Cut(ending, done, planned, run.path.resolve(), (run.path / ABOUT_BUNDLE).is_file(), scheduler)


def cut_text(run: RunData, device: DeviceData, cluster: str) -> str:
    """How much of a cluster was measured, where the run was cut short and did not measure all of it."""
    if run.status == "done":
        return ""
    planned, done = len(run.jobs.get((device.name, cluster), ())), _measured(run, device, cluster)
    return _counted(done, planned) if done < planned else ""


def _counted(done: int, planned: int) -> str:
    return f"{done} of {planned} jobs (a layer in a launch) were measured"


def _measured(run: RunData, device: DeviceData, cluster: str) -> int:
    """The planned jobs of which there are samples, or of which a record says that they ended."""
    found: set[tuple[int, str]] = set()
    for stream in device.streams_of(cluster):
        found.update(stream.samples.zip("launch", "layer"))
        found.update((job.launch, job.layer) for job in stream.of(records.Job))
    return len(found & run.jobs.get((device.name, cluster), set()))
