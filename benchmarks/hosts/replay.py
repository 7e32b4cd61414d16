"""Phones that answer from memory, and whose convbench is a recording that goes by at the pace that it had."""

from __future__ import annotations

import hashlib
import json
import time
from bisect import bisect_right
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

from harness.devices import lock_scripts
from harness.devices.base import (
    Attached,
    Cluster,
    Completed,
    Device,
    Identity,
    Key,
    RemoteProcess,
    Running,
    Topology,
    parse_cpus,
)
from harness.errors import DeviceError

_SETTINGS = {"low_power": "0"}


@dataclass(frozen=True)
class Recording:
    """What one convbench run wrote. ``ends[i]``: bytes of the first i + 1 lines; ``times[i]``: when the last stood."""

    cluster: str
    data: bytes
    ends: Sequence[int]
    times: Sequence[float]

    @staticmethod
    def read(file: Path, seconds: float) -> Recording:
        """A device's records.jsonl with one run of records, stretched or pressed to so many seconds."""
        data = file.read_bytes()
        lines = data.splitlines(keepends=True)
        values = [json.loads(line) for line in lines]
        latest, raw = 0, []
        for value in values:
            latest = max(latest, int(value.get("t_ns") or 0))
            raw.append(latest)
        first = next(stamp for stamp in raw if stamp)
        scale = seconds / max(1, raw[-1] - first)
        ends, size = [], 0
        for line in lines:
            size += len(line)
            ends.append(size)
        return Recording(str(values[0]["cluster"]), data, ends, [max(0, stamp - first) * scale for stamp in raw])

    def at(self, seconds: float) -> int:
        """Bytes that are written after so many seconds."""
        count = bisect_right(self.times, seconds)
        return self.ends[count - 1] if count else 0


@dataclass
class ReplayPhone:
    """The methods of Device, as far as a run calls them. No call costs the time of a cable."""

    number: int
    recording: Recording
    files: dict[str, bytes] = field(default_factory=dict)
    settings: dict[str, str | None] = field(default_factory=lambda: dict(_SETTINGS))
    locks: dict[str, str] = field(default_factory=dict)
    begun: dict[int, tuple[str, float]] = field(default_factory=dict)  # by pid: its file, since when

    @property
    def serial(self) -> str:
        return f"R{self.number:05d}"

    @property
    def identity(self) -> Identity:
        return Identity(
            self.serial, "adb", model=f"Replay {self.number}", android="14", sdk=34, abis=("arm64-v8a",),
            boot_id="boot", serialno=f"8A9X{self.number:05d}", board="replay", host="memory:1",
        )  # fmt: skip

    silent_files: tuple[str, ...] = ()

    def confirm(self) -> None:
        pass

    def reconnect(self, only_if_forgotten: bool = False) -> None:
        pass

    def topology(self) -> Topology:
        cpus = parse_cpus(self.recording.cluster)
        return Topology((Cluster(cpus, core="Cortex-A76"),), cpus)

    def work_root(self) -> str:
        return "/data/local/tmp"

    def run(self, argv: Sequence[str], *, deadline_s: float = 30.0, stdin: bytes = b"") -> Completed:
        out = ""
        if len(argv) > 2 and argv[2] in (lock_scripts.SHOW, lock_scripts.TAKE):
            token, rest = argv[4], argv[6:]
            if argv[2] == lock_scripts.TAKE:
                self.locks[rest[0]] = rest[2]
            held = "".join(f"beat {n} boot 1\nheld {n} {line}\n" for n, line in self.locks.items())
            out = f"\n{token}\nnow boot 1\n{held}end {token}\n"
        elif len(argv) > 2 and argv[2] == lock_scripts.LET_GO:
            self.locks.pop(argv[6], None)
        elif len(argv) < 3 or argv[2] != lock_scripts.RENEW:
            return Completed(tuple(argv), 127, b"", b"not found")
        return Completed(tuple(argv), 0, out.encode(), b"")

    def push(self, source: Path, target: str, *, executable: bool = False) -> None:
        data = source.read_bytes()
        hashlib.sha256(data).hexdigest()  # as over adb
        self.files[target] = data

    def pull(self, source: str, target: Path) -> None:
        target.write_bytes(self._written(source))

    def _written(self, path: str) -> bytes:
        for file, since in self.begun.values():
            if file == path:
                return self.recording.data[: self.recording.at(time.monotonic() - since)]
        return self.files.get(path, b"")

    def read_from(self, path: str, offset: int) -> bytes:
        return self._written(path)[offset:]

    def read_files(self, paths: Sequence[str]) -> dict[str, bytes | None]:
        return {path: b"boot\n" if path.endswith("boot_id") else self.files.get(path) for path in paths}

    def list_dir(self, path: str, *, deadline_s: float = 30.0) -> tuple[str, ...]:
        return ("linker64",) if path == "/system/bin" else ()

    def make_dir(self, path: str) -> None:
        pass

    def remove_tree(self, path: str) -> None:
        self.files = {name: data for name, data in self.files.items() if not name.startswith(path)}

    def free_bytes(self, path: str) -> int:
        return 1 << 34

    def spawn(self, argv: Sequence[str], *, cwd: str, output: str) -> RemoteProcess:
        pid = 1000 + len(self.begun)
        self.begun[pid] = (argv[argv.index("--out") + 1], time.monotonic())
        return RemoteProcess(pid, pid, "boot")

    def alive(self, process: RemoteProcess) -> bool:
        return time.monotonic() - self.begun[process.pid][1] < self.recording.times[-1]

    def running(self, text: str, *, deadline_s: float = 30.0) -> list[Running]:
        return []

    def kill(self, process: RemoteProcess) -> None:
        pass

    def get_setting(self, namespace: str, key: str, *, like: str = ".+", deadline_s: float = 30.0) -> str | None:
        return self.settings.get(key)

    def put_setting(self, namespace: str, key: str, value: str | None, *, deadline_s: float = 30.0) -> None:
        self.settings[key] = value


@dataclass(frozen=True)
class Replays:
    """A host's phones (harness.hosts.source.Source)."""

    phones: Sequence[ReplayPhone]

    def attached(self) -> Attached:
        return Attached(devices=cast(tuple[Device, ...], tuple(self.phones)))

    def present(self) -> Collection[Key]:
        return {(phone.identity.host, phone.serial) for phone in self.phones}

    def newcomers(self, known: Collection[Key], beside: Sequence[Device]) -> Attached:
        return Attached()

    def again(self, device: Device) -> Attached:
        found: list[Any] = [phone for phone in self.phones if phone.serial == device.serial]
        if not found:
            raise DeviceError("no such phone")
        return Attached(devices=tuple(found))
