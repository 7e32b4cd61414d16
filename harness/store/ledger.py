"""What a run has planned and what of it is on record: each line is read once, however often it is asked for.

plan.jsonl and the records of a device only grow while a run is at work, so that a file's size tells what is new.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

from harness.store.journal import objects
from harness.store.progress import Done, JobKey, done_by_cluster


class Ledger:
    """Of one run directory. Asked by the sessions of all devices at the same time."""

    def __init__(self, folder: Path) -> None:
        """``folder``: the run directory."""
        self._plan = _Plan(folder / "plan.jsonl")
        self._devices = folder / "devices"
        self._records: dict[str, _Records] = {}

    def clusters(self, device: str) -> list[str]:
        """The labels of a device's clusters in plan.jsonl, in their order."""
        return list(self._plan.read().get(device, ()))

    def jobs(self, device: str, cluster: str) -> list[JobKey]:
        """The planned jobs of a cluster, in their order."""
        return list(self._plan.read().get(device, {}).get(cluster, ()))

    def launches(self, device: str, cluster: str) -> dict[str, int]:
        """How many launches of each layer are planned on a cluster."""
        found: dict[str, int] = {}
        for launch, layer in self.jobs(device, cluster):
            found[layer] = max(found.get(layer, 0), launch + 1)
        return found

    def done(self, device: str) -> dict[str, Done]:
        """What is on record of a device, by cluster; for the one session that measures it, which may add to it."""
        return self._of(device).read()

    def added(self, device: str) -> None:
        """All that the device's records have got since was added to what ``done`` gave."""
        self._of(device).added()

    def _of(self, device: str) -> _Records:
        return self._records.setdefault(device, _Records(self._devices / device / "records.jsonl"))


class _Plan:
    """Jobs by device and cluster. A job is kept once: the plan of many phones is long, and they have the same jobs."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._lock = threading.Lock()
        self._forget()

    def _forget(self) -> None:
        self._known = 0  # bytes
        self._jobs: dict[str, dict[str, list[JobKey]]] = {}
        self._once: dict[JobKey, JobKey] = {}

    def read(self) -> dict[str, dict[str, list[JobKey]]]:
        with self._lock:
            size = _size(self._file)
            if size < self._known:
                self._forget()
            if size > self._known:
                self._take_new()
            return self._jobs

    def _take_new(self) -> None:
        for line in objects(self._new()):
            jobs = self._jobs.setdefault(str(line.get("device")), {}).setdefault(str(line.get("cluster")), [])
            if isinstance(launch := line.get("launch"), int) and "layer" in line:
                job = (launch, str(line["layer"]))
                jobs.append(self._once.setdefault(job, job))

    def _new(self) -> Iterator[bytes]:
        """The whole lines that were not read yet."""
        try:
            with self._file.open("rb") as file:
                file.seek(self._known)
                for line in file:
                    if line.endswith(b"\n"):
                        self._known += len(line)
                        yield line
        except OSError:
            return


class _Records:
    """What one device has on record."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._known = 0  # bytes
        self._done: dict[str, Done] = {}

    def read(self) -> dict[str, Done]:
        size = _size(self._file)
        if size != self._known:
            before, self._done, self._known = self._done, done_by_cluster(self._file), size
            for cluster, known in before.items():  # attempts without a record count as well
                done = self._done.setdefault(cluster, Done())
                done.attempts = max(done.attempts, known.attempts)
        return self._done

    def added(self) -> None:
        self._known = _size(self._file)


def _size(file: Path) -> int:
    try:
        return file.stat().st_size
    except OSError:
        return 0
