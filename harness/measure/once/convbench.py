"""A command of convbench that is run once on a device: installed, run to its end or stopped, nothing left behind."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from harness.devices.base import Device, RemoteProcess
from harness.errors import DeviceError, Unkillable
from harness.exit_codes import ExitCode
from harness.measure.context import Work
from harness.measure.device_folder import DeviceFolder
from harness.measure.holding import Holding, holding
from harness.measure.lost_connection import patient
from harness.measure.outcome import DeviceOutcome
from harness.measure.sweeping import quarantined, swept
from harness.store.journal import EventLog

NO_EVENTS = EventLog(Path("/dev/null"))  # there is no run directory

_GRACE_S = 60.0  # beyond the deadline that convbench keeps by itself
_POLL_S = 0.3


class Convbench:
    """convbench in a folder of its own on a device. Failures of what it runs go to ``done``."""

    def __init__(self, installed: DeviceFolder, done: DeviceOutcome, stop: threading.Event) -> None:
        self.device: Device = installed.device
        self.folder = installed.folder
        self.program = installed.program
        self._installed = installed
        self._done = done
        self._stop = stop
        self._process: RemoteProcess | None = None

    def run(
        self, command: str, plan: str, deadline_s: float, take: Callable[[bytes], bool], *options: str, of: str = ""
    ) -> None:
        """Runs ``convbench COMMAND PLAN OPTIONS``; ``take`` gets all that it printed, and tells whether it ended.

        ``of`` tells several runs of a command apart. Raises DeviceError.
        """
        stem = f"{self.folder}/{command}{of}"
        self._installed.put(plan.encode(), f"{command}{of}.plan")
        self._process = self.device.spawn(
            [self.program, command, f"{stem}.plan", *options], cwd=self.folder, output=f"{stem}.out"
        )
        in_time = self._wait(self._process, deadline_s + _GRACE_S)
        self.device.kill(self._process)
        said = self.device.read_from(f"{stem}.out", 0)
        ended = take(said)
        if not in_time:
            late = f"convbench {command} had not ended after {deadline_s + _GRACE_S:.0f} s and was stopped"
            self._done.fail(ExitCode.INFRASTRUCTURE, late)
        elif not ended and not self._stop.is_set():
            words = said.decode("utf-8", "replace").strip()[-300:] or "it said nothing"
            self._done.fail(ExitCode.INFRASTRUCTURE, f"convbench {command} stopped without an end: {words}")

    def clean_up(self) -> None:
        """Leaves nothing running and no file, also after a start of which nobody knows whether it happened."""
        try:
            if self._process is not None:
                self.device.kill(self._process)
            self._installed.stop_all()
            self._installed.remove()
        except DeviceError as error:
            self._done.fail(
                ExitCode.INFRASTRUCTURE,
                f"{self.folder} may be left on the device: {error.message}\n  remove it when the device is back",
            )
            quarantined(error, self.device, self._done)

    def _wait(self, process: RemoteProcess, latest_s: float) -> bool:
        """Waits for the program's end or a stop; False where it took longer than ``latest_s`` seconds."""
        latest = time.monotonic() + latest_s
        while self.device.alive(process) and not self._stop.wait(_POLL_S):
            if time.monotonic() > latest:
                return False
        return True


@contextmanager
def held(device: Device, done: DeviceOutcome, work: Work, run: str) -> Iterator[Holding]:
    """The device, this command's alone within the block, and without what dead runs left. Raises DeviceError."""

    def say(text: str) -> None:
        work.say(f"{done.name}: {text}")

    stamp = partial(done.stamp, events=NO_EVENTS)
    mine = patient(device, NO_EVENTS, work.stop)
    with holding(
        done.name, device, mine, work, run, say=say, stamp=stamp, stamp_later=stamp, confirm=mine.confirm
    ) as how:
        try:
            swept(mine, run, done, NO_EVENTS, say, alone=how.alone)
            yield how
        except Unkillable as error:
            quarantined(error, device, done)
            raise


@contextmanager
def convbench(device: Device, run_id: str, work: Work, done: DeviceOutcome) -> Iterator[Convbench]:
    """convbench on the device within the block. Raises DeviceError where it cannot be installed."""
    built = work.programs.of(device)
    installed = DeviceFolder(device, run_id, NO_EVENTS, partial(done.stamp, events=NO_EVENTS))
    made = Convbench(installed, done, work.stop)
    try:
        installed.install(built, work.request.on(work.programs.abi_of(device)).workers)
        yield made
    finally:
        made.clean_up()
