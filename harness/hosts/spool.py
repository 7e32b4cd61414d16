"""The run directory of one device on its host: it stays until the front end has all of it, also over a kill."""

from __future__ import annotations

import re
import shutil
import time
from contextlib import suppress
from pathlib import Path
from typing import TypeVar

from harness.devices.phone_id import PhoneId
from harness.errors import InfrastructureError
from harness.hosts import artefacts
from harness.hosts.content import Content
from harness.hosts.schema import Job
from harness.measure.other_builds import kept_program, with_others
from harness.measure.programs import Programs
from harness.paths import state_folder
from harness.store.manifest import KeptComparator, KeptWorker, Manifest
from harness.store.replacing import INCOMING, recover, replace_folder
from harness.store.rundir import RunDir
from harness.toolchain.builder import Built

_KEPT_S = 30 * 24 * 3600.0
W = TypeVar("W", bound=KeptWorker)


class Spool:
    """Of one run and device."""

    def __init__(self, job: Job) -> None:
        self._job = job
        self.run = RunDir(state_folder("hosts/runs") / job.device / job.manifest.run)

    def open(self, phone: PhoneId, data: bytes, whose: str) -> None:
        """Makes it what the front end has on record, or what this host has measured beyond that of the same phone.

        ``data``: what the front end has, as of ``artefacts.packed``; empty: nothing. Raises DeviceError where that is
        refused.
        """
        name = self._job.device
        self.run.path.mkdir(parents=True, exist_ok=True)
        recover(self.run)
        if data:
            with artefacts.opened(data, whose, self.run.path / INCOMING) as part:
                if not self._goes_on(part, phone):
                    artefacts.write_plan(self.run, part.plan)
                    replace_folder(self.run, name, part.files)
        else:
            nothing = artefacts.Part({})
            if not self._goes_on(nothing, phone):
                artefacts.write_plan(self.run, b"")
                replace_folder(self.run, name, nothing.files)

    def _goes_on(self, theirs: artefacts.Part, phone: PhoneId) -> bool:
        """Whether what is here is of the same phone, and holds all that the front end has."""
        here = artefacts.part_of(self.run, self._job.device)
        owner = artefacts.phone_of(here)
        if owner is None or not owner.is_same(phone):
            return False
        try:
            artefacts.check_continues(here, theirs, self._job.device, "")
        except InfrastructureError:
            return False
        return True

    def prepare(self, content: Content) -> Programs:
        """Writes the manifest, with the files of workers and other builds as they lie here; the programs of the run.

        Raises InfrastructureError where a file is not here, or the manifest is not of a run.
        """
        kept, run = self._job.manifest, self.run
        workers = [self._worker(each, content) for each in kept.workers]
        comparators = [self._comparator(each, content) for each in kept.comparators]
        here = {"workers": workers, "comparators": comparators, "status": "running"}
        run.write_manifest(kept.model_copy(update=here))
        for other in kept.against:
            for abi, program in other.programs.items():
                if abi == self._job.abi:
                    content.put(program.sha256, kept_program(run, abi, program))
        programs = Programs({self._job.abi: self._own(kept, content)}, self._job.abi)
        return with_others(programs, run, kept.against)

    def _own(self, kept: Manifest, content: Content) -> Built:
        info = kept.toolchain.get(self._job.abi)
        if info is None:
            raise InfrastructureError(f"the run has no program for {self._job.abi[:40]!r}")
        program = self.run.path / "program" / "convbench"
        content.put(str(info.get("sha256")), program)
        build_id, toolchain = str(info.get("build_id")), str(info.get("toolchain"))
        return Built(program, program, build_id, toolchain, self._job.abi, 0.0, True, info)

    def _comparator(self, comparator: KeptComparator, content: Content) -> KeptComparator:
        """As it is on this phone's devices; those of other ABIs are of no use here."""
        one = comparator.by_abi.get(self._job.abi)
        found = {} if one is None else {self._job.abi: one if one.lack else self._worker(one, content)}
        return comparator.model_copy(update={"by_abi": found})

    def _worker(self, worker: W, content: Content) -> W:
        folder = self.run.path / "workers" / Path(worker.name).name
        names = [Path(path).name for path in (worker.program, *worker.files)]
        for name in names:
            if name in ("", ".", ".."):
                raise InfrastructureError(f"a worker's file is called {name!r}")
            content.put(worker.sha256.get(name, ""), folder / name)
        return worker.model_copy(
            update={"program": str(folder / names[0]), "files": [str(folder / name) for name in names[1:]]}
        )

    def packed(self) -> bytes:
        """What is on record, for the front end."""
        return artefacts.packed(artefacts.part_of(self.run, self._job.device))


def forget(run: str, device: str) -> None:
    """The front end has all of it."""
    if not (re.fullmatch(r"[A-Za-z0-9_-]{1,200}", run) and re.fullmatch(r"[a-z0-9-]{1,60}", device)):
        return
    folder = state_folder("hosts/runs") / device
    shutil.rmtree(folder / run, ignore_errors=True)
    with suppress(OSError):
        folder.rmdir()


def clear_old() -> None:
    """Removes what nobody has asked for in a long time."""
    for folder in state_folder("hosts/runs").glob("*/*"):
        with suppress(OSError):
            newest = max(path.stat().st_mtime for path in (folder, *folder.glob("devices/*/*")))
            if time.time() - newest > _KEPT_S:
                shutil.rmtree(folder, ignore_errors=True)
