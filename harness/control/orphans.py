"""What dead runs left on a device: programs that run on, and folders. For who holds the device's lease: then no other
run is at work there, save for one that the lease could not tell of. Whose a folder is stands in a file in it.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from harness.control import phone_lock
from harness.control.holder import Holder
from harness.devices.base import Device, RemoteProcess

OWNER = "owner"  # a file in a run's folder on a device
_PREFIX = "harness-"
_ONCE = ("verify", "tune")
_NAME = r"[A-Za-z0-9_-]{1,200}"  # of a run
_LOCK = phone_lock.FOLDER.removeprefix(_PREFIX)


def folder_of(root: str, run: str) -> str:
    """A run's folder below the device's work folder."""
    return f"{root}/{_PREFIX}{run}"


def run_of(name: str) -> str:
    """The run whose folder has that name; empty where it is no run's."""
    match = re.fullmatch(f"{_PREFIX}({_NAME})", name)
    return match[1] if match and match[1] != _LOCK else ""


@dataclass(frozen=True)
class Leftover:
    """What is on a device of one run."""

    run: str
    programs: tuple[RemoteProcess, ...] = ()
    has_folder: bool = False
    has_records: bool = False  # of a run that can be resumed
    owner: Holder | None = None  # read from the device: a lie in it costs a folder its removal

    @property
    def title(self) -> str:
        """The run, and whose it is."""
        return f"run {self.run}{f' of host {self.owner.host}' if self.owner else ''}"


def leftovers(device: Device, own: str = "", *, deadline_s: float = 30.0) -> list[Leftover]:
    """What other runs than ``own`` left, as far as no living process of this host owns it.

    ``deadline_s``: of each question. Raises DeviceError.
    """
    root = device.work_root()
    begin = f"{root}/{_PREFIX}"
    programs: dict[str, list[RemoteProcess]] = {}
    ours = re.compile(f"{re.escape(begin)}({_NAME})/(?:convbench|convbench-.*|worker-.*)".encode(), re.DOTALL)
    for found in device.running(begin, deadline_s=deadline_s):
        named = next(filter(None, map(ours.fullmatch, found.arguments)), None)
        if named and (run := run_of(_PREFIX + named[1].decode())):
            programs.setdefault(run, []).append(found.process)
    names = [run for name in device.list_dir(root, deadline_s=deadline_s) if (run := run_of(name))]
    files = device.read_files([f"{folder_of(root, name)}/{OWNER}" for name in names])
    owners = {name: Holder.parse(data or b"") for name, data in zip(names, files.values(), strict=True)}
    return [
        Leftover(
            run,
            tuple(programs.get(run, ())),
            run in owners,
            run in owners and _has_records(device, root, run, deadline_s),
            owners.get(run),
        )
        for run in dict.fromkeys([*names, *programs])
        if run != own and not ((owner := owners.get(run)) and owner.is_alive)
    ]


def _has_records(device: Device, root: str, run: str, deadline_s: float) -> bool:
    if run.startswith(tuple(f"{command}-" for command in _ONCE)):
        return False  # nothing goes on with it
    return any(name.endswith(".jsonl") for name in device.list_dir(folder_of(root, run), deadline_s=deadline_s))


@dataclass(frozen=True)
class Swept:
    """What was done about leftovers."""

    stopped: int = 0  # programs
    removed: tuple[str, ...] = ()  # runs
    kept: tuple[Leftover, ...] = ()  # with records: for --resume, or to be dropped by name
    spared: tuple[Leftover, ...] = ()  # of which it is not known whether they are dead

    @property
    def lines(self) -> list[str]:
        """For the user."""
        count = self.stopped
        lines = (
            [f"{count} program{'s were' if count != 1 else ' was'} left running by dead runs, and stopped"]
            if count
            else []
        )
        lines += [f"run {run}: its folder was removed" for run in self.removed]
        lines += [
            f"{each.title} may be at work here, as no lock keeps it out: its programs and files were left alone"
            for each in self.spared
        ]
        return lines + [
            f"{each.title} has records here: go on with it (harness run --resume RUN), or drop them: "
            f"harness restore --drop {each.run}"
            for each in self.kept
        ]


def sweep(device: Device, own: str = "", drop: Sequence[str] = (), *, alone: bool = True) -> Swept:
    """Stops the programs of dead runs, removes their folders; those with records stay, save for the runs in ``drop``.

    ``alone``: the lease keeps every other harness from the device. Without that a run may be alive on another host:
    only what a process of this host owned that is dead, or what is in ``drop``, is touched.
    Raises DeviceError where the device does not let it.
    """
    others = leftovers(device, own)
    found = [each for each in others if alone or each.run in drop or (each.owner is not None and each.owner.is_dead)]
    spared = tuple(each for each in others if each not in found)
    for process in (process for each in found for process in each.programs):
        device.kill(process)
    kept = tuple(each for each in found if each.has_records and each.run not in drop)
    gone = [each.run for each in found if each.has_folder and each not in kept]
    for run in gone:
        device.remove_tree(folder_of(device.work_root(), run))
    return Swept(sum(len(each.programs) for each in found), tuple(gone), kept, spared)
