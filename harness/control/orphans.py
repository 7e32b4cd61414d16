"""What dead runs left on a device: programs that run on, and folders. For who holds the device's lease: then no other
run is at work there, save for one that the lease could not tell of, which its owner's file shows to be alive.
"""

from __future__ import annotations

import json
import os
import re
import socket
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from harness.control import phone_lock
from harness.devices.base import Device, RemoteProcess
from harness.devices.identity import BOOT_ID
from harness.devices.scripts import parse_stat

OWNER = "owner"  # a file in a run's folder on a device
_PREFIX = "harness-"
_RUN = "run"
_ONCE = ("verify", "tune")
_NAME = r"[A-Za-z0-9_-]{1,200}"  # of a run
_LOCK = phone_lock.FOLDER.removeprefix(_PREFIX)


def folder_of(root: str, run: str) -> str:
    """A run's folder below the device's work folder."""
    return f"{root}/{_PREFIX}{run}"


@dataclass(frozen=True)
class Owner:
    """The process of a host that made a folder. Read from a device: a lie in it costs a folder its removal."""

    run: str
    host: str
    boot_id: str
    pid: int
    start_ticks: int

    @staticmethod
    def here(run: str) -> Owner:
        """This process."""
        return Owner(run, socket.gethostname(), _read(BOOT_ID), os.getpid(), _start_ticks(os.getpid()))

    @staticmethod
    def parse(data: bytes | None) -> Owner | None:
        """From the file; None where it is none."""
        try:
            value: dict[str, Any] = json.loads(data or b"")
            host = "".join(filter(str.isprintable, str(value["host"])))[:64]
            return Owner(str(value["run"]), host, str(value["boot_id"]), int(value["pid"]), int(value["start_ticks"]))
        except (ValueError, KeyError, TypeError, OverflowError, RecursionError):
            return None

    def as_bytes(self) -> bytes:
        """The file."""
        return json.dumps(asdict(self)).encode()

    @property
    def is_alive(self) -> bool:
        """Whether it is a process of this host that lives."""
        return bool(self.boot_id) and self.boot_id == _read(BOOT_ID) and 0 < self.start_ticks == _start_ticks(self.pid)


@dataclass(frozen=True)
class Leftover:
    """What is on a device of one run."""

    run: str
    programs: tuple[RemoteProcess, ...] = ()
    has_folder: bool = False
    has_records: bool = False  # of a run that can be resumed
    owner: Owner | None = None

    @property
    def title(self) -> str:
        """The run, and whose it is."""
        return f"run {self.run}{f' of host {self.owner.host}' if self.owner else ''}"


def leftovers(device: Device, own: str = "") -> list[Leftover]:
    """What other runs than ``own`` left. Raises DeviceError."""
    root = device.work_root()
    begin = f"{root}/{_PREFIX}"
    programs: dict[str, list[RemoteProcess]] = {}
    ours = re.compile(f"{re.escape(begin)}({_NAME})/(?:convbench|worker-.*)".encode(), re.DOTALL)
    for found in device.running(begin):
        if named := next(filter(None, map(ours.fullmatch, found.arguments)), None):
            programs.setdefault(named[1].decode(), []).append(found.process)
    names = [match[1] for name in device.list_dir(root) if (match := re.fullmatch(f"{_PREFIX}({_NAME})", name))]
    files = device.read_files([f"{folder_of(root, name)}/{OWNER}" for name in names])
    owners = {name: Owner.parse(data) for name, data in zip(names, files.values(), strict=True)}
    return [
        Leftover(
            run,
            tuple(programs.get(run, ())),
            run in owners,
            run in owners and _has_records(device, root, run),
            owners.get(run),
        )
        for run in dict.fromkeys([*names, *programs])
        if run not in (own, _LOCK) and not ((owner := owners.get(run)) and owner.is_alive)
    ]


def _has_records(device: Device, root: str, run: str) -> bool:
    if run.startswith(tuple(f"{command}-" for command in _ONCE)):
        return False  # nothing goes on with it
    return any(name.endswith(".jsonl") for name in device.list_dir(folder_of(root, run)))


@dataclass(frozen=True)
class Swept:
    """What was done about leftovers."""

    stopped: int = 0  # programs
    removed: tuple[str, ...] = ()  # runs
    kept: tuple[Leftover, ...] = ()  # with records: for --resume, or to be dropped by name

    @property
    def lines(self) -> list[str]:
        """For the user."""
        lines = [f"{self.stopped} programs of dead runs were stopped"] if self.stopped else []
        lines += [f"run {run}: its folder was removed" for run in self.removed]
        return lines + [
            f"{each.title} has records here: go on with it (harness run --resume), or drop them: "
            f"harness restore --drop {each.run}"
            for each in self.kept
        ]


def sweep(device: Device, own: str = "", drop: Sequence[str] = ()) -> Swept:
    """Stops the programs of dead runs, removes their folders; those with records stay, save for the runs in ``drop``.

    Raises DeviceError where the device does not let it.
    """
    found = leftovers(device, own)
    for process in (process for each in found for process in each.programs):
        device.kill(process)
    kept = tuple(each for each in found if each.has_records and each.run not in drop)
    gone = [each.run for each in found if each.has_folder and each not in kept]
    for run in gone:
        device.remove_tree(folder_of(device.work_root(), run))
    return Swept(sum(len(each.programs) for each in found), tuple(gone), kept)


def _read(path: str) -> str:
    try:
        return Path(path).read_text("utf-8", "replace").strip()
    except OSError:
        return ""


def _start_ticks(pid: int) -> int:
    stat = parse_stat(_read(f"/proc/{pid}/stat"))
    return stat[1] if stat else 0
