"""convbench on a device: its folder, its start, its end; nothing of ours stays behind."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any

from harness.build.builder import Built
from harness.devices.base import Device, RemoteProcess
from harness.errors import DeviceError
from harness.store.journal import EventLog

_ROOM_BYTES = 16 << 20  # for records and plans, beside the program


class Installed:
    """The run's folder on the device, with the program in it."""

    def __init__(self, device: Device, run_id: str, events: EventLog) -> None:
        self.device = device
        self.folder = f"{device.work_root()}/harness-{run_id}"
        self.program = f"{self.folder}/convbench"
        self._events = events

    def install(self, built: Built) -> None:
        """Makes the folder and pushes the program. Raises DeviceError where there is too little space."""
        size = built.path.stat().st_size
        self.device.make_dir(self.folder)
        need, free = size + _ROOM_BYTES, self.device.free_bytes(self.folder)
        if free < need:
            raise DeviceError(
                f"too little space in {self.device.work_root()}: {free >> 10} KiB free, {need >> 10} KiB needed",
                "free some space on the device",
            )
        self.device.push(built.path, self.program, executable=True)
        self._events.add("installed", program=built.build_id[:12], bytes=size)

    def info(self) -> dict[str, Any]:
        """What ``convbench info`` says on this device."""
        return self.json("info")

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
        """Starts a plan detached, and writes down how to find it again."""
        process = self.device.spawn(
            [self.program, "run", f"{self.folder}/{plan}", "--out", f"{self.folder}/{output}"],
            cwd=self.folder,
            output=f"{self.folder}/{log_name(output)}",
        )
        self._events.add("spawned", cluster=cluster, attempt=attempt, output=output, **asdict(process))
        return process

    def last_words(self, output: str) -> str:
        """The end of what convbench printed."""
        return self.device.read_from(f"{self.folder}/{log_name(output)}", 0).decode("utf-8", "replace").strip()[-500:]

    def remove(self) -> None:
        """Removes the folder."""
        self.device.remove_tree(self.folder)
        self._events.add("removed")


def log_name(output: str) -> str:
    """The file that takes convbench's own messages, beside its records."""
    return output.removesuffix(".jsonl") + ".log"
