"""What is going on, on stderr: a line per device, redrawn at most twice a second; plain lines without a terminal."""

from __future__ import annotations

import sys
import threading
import time
from types import TracebackType
from typing import TYPE_CHECKING

from harness.store import records

if TYPE_CHECKING:
    from rich.live import Live
    from rich.table import Table

_PLAIN_EVERY_S = 10.0


class DeviceProgress:
    """The state of one device's session; written by its thread, read by the display."""

    def __init__(self, name: str, mark: str = "") -> None:
        self.name = name
        self._mark = f" ({mark})" if mark else ""
        self._text = "waiting"
        self._lost_until: float | None = None
        self.state = ""
        self._where = ""
        self._jobs = 0
        self._done = 0
        self._fresh = 0
        self._began: float | None = None

    @property
    def title(self) -> str:
        """Its name, and its mark where it has one."""
        return self.name + self._mark

    @property
    def text(self) -> str:
        """What is being done, or waited for."""
        if self._lost_until is None or self.state:
            return self._text
        return _lost(self._lost_until - time.monotonic())

    @text.setter
    def text(self, text: str) -> None:
        self._text = text

    def lost(self, seconds: float) -> None:
        """The device is away, and waited for so many seconds: said at once."""
        self._lost_until = time.monotonic() + seconds
        print(f"{self.name}: {_lost(seconds)}", file=sys.stderr, flush=True)

    def back(self) -> None:
        """The device answers again."""
        self._lost_until = None
        print(f"{self.name}: connection back", file=sys.stderr, flush=True)

    def phase(self, text: str) -> None:
        """Names what is being done before measuring."""
        self.text = text

    def remark(self, text: str) -> None:
        """Says at once what the user may wonder about."""
        self.text = text
        print(f"{self.name}: {text}", file=sys.stderr, flush=True)

    def expect(self, jobs: int) -> None:
        """How many jobs (launch x layer) all clusters have in all."""
        self._jobs = jobs

    def more(self, jobs: int) -> None:
        """So many jobs are measured again."""
        self._jobs += jobs

    def cluster(self, label: str, jobs_done: int) -> None:
        """A cluster begins, with so many of its jobs on record already."""
        self._where = label
        self._done += jobs_done
        self.text = f"CPUs {label}: checking results"
        if self._began is None:
            self._began = time.monotonic()

    def take(self, record: records.Record) -> None:
        """Follows a record."""
        match record:
            case records.Gate():
                self.text = f"CPUs {self._where}: launch {record.launch + 1}"
            case records.Sample():
                self.text = f"CPUs {self._where}: launch {record.launch + 1}, {record.layer}, round {record.round + 1}"
            case records.Job():
                self._done += 1
                self._fresh += 1
            case _:
                pass

    def finish(self, state: str) -> None:
        """The session ended: ``done``, ``failed`` or ``stopped``."""
        self.state = self.text = state

    def percent(self) -> int:
        """Jobs on record, of all."""
        return min(100, 100 * self._done // self._jobs) if self._jobs else 0  # a job may be tried more than once

    def seconds_left(self) -> float | None:
        """From the pace so far; None before a job is done, and while the device is away."""
        if self._began is None or not self._fresh or self.state or self._lost_until is not None:
            return None
        return (time.monotonic() - self._began) / self._fresh * max(0, self._jobs - self._done)


class Display:
    """Shows all devices until its block ends; ``devices`` by their names, to which it adds."""

    def __init__(self, devices: dict[str, DeviceProgress]) -> None:
        self._devices = devices
        self._live = _live() if sys.stderr.isatty() else None
        self._quit = threading.Event()
        self._thread = threading.Thread(target=self._loop, name="display", daemon=True)

    def __enter__(self) -> Display:
        if self._live is not None:
            self._live.start()
        self._thread.start()
        return self

    def add(self, device: DeviceProgress) -> DeviceProgress:
        """One more, which joined."""
        self._devices[device.name] = device
        return device

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._quit.set()
        self._thread.join()
        if self._live is not None:
            self._live.stop()

    def _loop(self) -> None:
        every = _PLAIN_EVERY_S if self._live is None else 0.5
        while not self._quit.wait(every):
            if self._live is not None:
                self._live.update(self._table(), refresh=True)
            else:
                for device in list(self._devices.values()):
                    if not device.state:
                        print(_line(device), file=sys.stderr, flush=True)

    def _table(self) -> Table:
        from rich.table import Table  # noqa: PLC0415

        table = Table.grid(padding=(0, 2))
        for device in list(self._devices.values()):
            table.add_row(device.name, f"{device.percent()} %", left(device), device.text)
        return table


def _live() -> Live:
    """Redrawn lines; only a terminal shows them, and only for one is rich loaded."""
    from rich.console import Console  # noqa: PLC0415
    from rich.live import Live  # noqa: PLC0415
    from rich.table import Table  # noqa: PLC0415, F401  not in the middle of measuring

    return Live(console=Console(stderr=True), auto_refresh=False, transient=True)


def left(device: DeviceProgress) -> str:
    """Time left as words; empty where unknown."""
    seconds = device.seconds_left()
    if seconds is None:
        return ""
    return f"{seconds / 60:.0f} min left" if seconds >= 90 else f"{seconds:.0f} s left"


def _lost(seconds: float) -> str:
    return f"connection lost, trying again for {max(0.0, seconds):.0f} s"


def _line(device: DeviceProgress) -> str:
    rest = left(device)
    return f"{device.title}: {device.percent()} %, {device.text}{', ' + rest if rest else ''}"
