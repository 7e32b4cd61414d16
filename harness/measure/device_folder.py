"""convbench on a device: its folder, its start, its end; nothing of ours stays behind."""

from __future__ import annotations

import json
import os
import posixpath
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from harness.control.holder import Holder
from harness.control.orphans import OWNER, folder_of
from harness.devices.base import Device, RemoteProcess
from harness.errors import DeviceError, DeviceLost, TransientError, WrongDevice
from harness.measure.planning import other_program, worker_folder
from harness.model.condition import Condition
from harness.model.worker import Worker
from harness.store.journal import EventLog, write_atomically
from harness.toolchain.builder import Built

_ROOM_BYTES = 16 << 20  # for records and plans, beside the program
_LOOKS, _LOOK_S = 3, 1.0  # for a program whose start was cut: its shell may need a moment


class DeviceFolder:
    """The run's folder on the device, with the program in it."""

    def __init__(
        self, device: Device, run_id: str, events: EventLog, stamp: Callable[[Condition], None] = lambda condition: None
    ) -> None:
        self.device = device
        self.folder = folder_of(device.work_root(), run_id)
        self._run_id = run_id
        self.program = f"{self.folder}/convbench"
        self._events = events
        self._stamp = stamp
        self.others: list[str] = []  # other builds that were installed, as records call them

    def install(self, built: Built, workers: Sequence[Worker] = (), others: Sequence[tuple[str, Path]] = ()) -> None:
        """Makes the folder and pushes the program, other builds by what records call them, workers with their files.

        Workers of one folder have the same files.

        Raises DeviceError where there is too little space.
        """
        folders = {each.folder: each for each in workers if not each.absence}
        further = [*(path for _, path in others), *(path for each in folders.values() for path in each.every)]
        size = sum(path.stat().st_size for path in (built.path, *further))
        self.device.make_dir(self.folder)
        need, free = size + _ROOM_BYTES, self._free_bytes()
        if free is not None and free < need:
            raise DeviceError(
                f"too little space in {self.device.work_root()}: {free >> 10} KiB free, {need >> 10} KiB needed",
                "free some space on the device",
            )
        self.put(Holder.me(self._run_id).line.encode(), OWNER)
        self.device.push(built.path, self.program, executable=True)
        for build, path in others:
            self.device.push(path, other_program(self.program, build), executable=True)
        self.others = [build for build, _ in others]
        for folder, worker in folders.items():
            place = worker_folder(self.folder, folder)
            self.device.make_dir(place)
            for path in worker.every:
                runs = path is worker.program or os.access(path, os.X_OK)
                self.device.push(path, f"{place}/{path.name}", executable=runs)
        names = {"workers": [worker.name for worker in workers]} if workers else {}
        names |= {"others": self.others} if others else {}
        self._events.add("installed", program=built.build_id[:12], bytes=size, **names)

    def put(self, data: bytes, name: str) -> None:
        """Writes a small file in the folder."""
        with tempfile.TemporaryDirectory() as place:
            file = Path(place) / "file"
            write_atomically(file, data)
            self.device.push(file, f"{self.folder}/{name}")

    def _free_bytes(self) -> int | None:
        """None where the device does not say: then a full disk shows when something is written."""
        try:
            return self.device.free_bytes(self.folder)
        except (DeviceLost, WrongDevice):
            raise
        except DeviceError as error:
            self._stamp(Condition("SPACE_UNKNOWN", error.message))
            return None

    def json(self, *argv: str, deadline_s: float = 120.0) -> dict[str, Any]:
        """Runs a convbench command that prints one JSON object."""
        done = self.device.run([self.program, *argv], deadline_s=deadline_s)
        try:
            value = json.loads(done.stdout)
        except ValueError:
            value = None
        if done.code != 0 or not isinstance(value, dict):
            said = (done.stderr or done.stdout).decode("utf-8", "replace").strip()[-300:]
            raise DeviceError(
                f"convbench {argv[0]} failed on the device (exit {done.code}): {said or 'no output'}",
                "check that the program's ABI fits the device",
            )
        return value

    def start(self, plan: str, output: str, cluster: str, attempt: int) -> RemoteProcess:
        """Starts a plan detached; an event stands before and after, so that no program runs that nobody knows of.

        Raises TransientError where the connection was lost meanwhile and no such program is found when it is back.
        """
        self._events.add("spawning", cluster=cluster, attempt=attempt, output=output)
        target = f"{self.folder}/{output}"
        try:
            process = self.device.spawn(
                [self.program, "run", f"{self.folder}/{plan}", "--out", target],
                cwd=self.folder,
                output=f"{self.folder}/{log_name(output)}",
            )
        except DeviceLost as error:
            process = self._found_again(target, error)
        try:
            self._events.add("spawned", cluster=cluster, attempt=attempt, output=output, **asdict(process))
        except BaseException:
            self.device.kill(process)
            raise
        return process

    def _found_again(self, target: str, error: DeviceLost) -> RemoteProcess:
        """The program that was started while the connection broke; it would be wrong to start a second one."""
        for _ in range(_LOOKS):
            for found in self.device.running(target):
                is_shell = found.arguments[1:2] == (b"-c",)  # which starts it
                if found.arguments[-1] == target.encode() and not is_shell:
                    return found.process
            time.sleep(_LOOK_S)
        raise TransientError(f"{error.message}; the program is not found, so it was not started")

    def stop_all(self) -> list[int]:
        """Kills every convbench of this folder, by whomever it was started; the process ids."""
        found = programs_of(self.device, self.program)
        for process in found:
            self.device.kill(process)
        return [process.pid for process in found]

    def last_words(self, output: str) -> str:
        """The end of what convbench printed."""
        return self.device.read_from(f"{self.folder}/{log_name(output)}", 0).decode("utf-8", "replace").strip()[-500:]

    def remove(self) -> None:
        """Removes the folder."""
        self.device.remove_tree(self.folder)
        self._events.add("removed")


def programs_of(device: Device, program: str) -> list[RemoteProcess]:
    """The living processes with that path, or one of a worker or another build beside it, among their arguments.

    An emulator, or a script's interpreter, puts its own ones before it.
    """
    folder = posixpath.dirname(program)
    beside = (worker_folder(folder).encode(), other_program(program, "").encode())
    return [
        found.process
        for found in device.running(f"{folder}/")
        if any(word == program.encode() or word.startswith(beside) for word in found.arguments)
    ]


def log_name(output: str) -> str:
    """The file that takes convbench's own messages, beside its records."""
    return output.removesuffix(".jsonl") + ".log"
