"""What is going on, on stderr: a line per device, redrawn at most twice a second; plain lines without a terminal.

Nothing is coloured. A line that nobody redraws comes at most every _PLAIN_EVERY_S seconds, and holds text alone.
"""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import TYPE_CHECKING

from harness.measure.run.timeleft import TimeLeft
from harness.store import records

if TYPE_CHECKING:
    from rich.live import Live
    from rich.table import Table

_PLAIN_EVERY_S = 30.0

Say = Callable[[str], None]


def _on_stderr(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


class DeviceProgress:
    """The state of one device's session; written by its thread, read by the display."""

    def __init__(self, name: str, mark: str = "", say: Say = _on_stderr) -> None:
        """``say``: where remarks go, at once."""
        self.name = name
        self._say = say
        self._mark = f" ({mark})" if mark else ""
        self._text = "waiting"
        self._lost_until: float | None = None
        self.state = ""
        self._where = ""
        self._jobs = 0
        self._done = 0
        self._left = TimeLeft()
        self._told: tuple[int, float | None] | None = None  # percent and seconds left, by who measures elsewhere

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
        now = time.monotonic()
        self._lost_until = now + seconds
        self._left.pause(now)
        self._say(f"{self.name}: {_lost(seconds)}")

    def back(self) -> None:
        """The device answers again."""
        self._lost_until = None
        if self._where:
            self._left.begin(time.monotonic())
        self._say(f"{self.name}: connection back")

    def phase(self, text: str) -> None:
        """Names what is being done before measuring."""
        self.text = text

    def remark(self, text: str) -> None:
        """Says at once what the user may wonder about."""
        self.text = text
        self._say(f"{self.name}: {text}")

    def expect(self, jobs: int, most: Mapping[str, float], seconds: float) -> None:
        """How many jobs (launch x layer) the clusters to measure have in all.

        ``most``: how many each may come to have; ``seconds``: what the plan gives those.
        """
        self._jobs = jobs
        self._left.expect(most, seconds)

    def more(self, jobs: int) -> None:
        """So many jobs are measured again, or further."""
        self._jobs += jobs

    def cluster(self, label: str, jobs_done: int) -> None:
        """A cluster begins, with so many of its jobs on record already."""
        self._where = label
        self._done += jobs_done
        self.text = f"CPUs {label}: checking results"
        self._left.begin(time.monotonic())

    def cluster_done(self, label: str) -> None:
        """Nothing of that cluster is measured any more."""
        self._left.cluster_done(label)

    def take(self, record: records.Record) -> None:
        """Follows a record."""
        match record:
            case records.Gate():
                self.text = f"CPUs {self._where}: launch {record.launch + 1}"
            case records.Sample():
                self.text = f"CPUs {self._where}: launch {record.launch + 1}, {record.layer}, round {record.round + 1}"
            case records.Job():
                self._done += record.complete  # another attempt has the others again
                self._left.job_done(self._where, time.monotonic())
            case _:
                pass

    def told(self, percent: object, text: str, seconds: object) -> None:
        """What another host says of the device that it measures; whatever is no number is none."""
        left = float(seconds) if isinstance(seconds, int | float) else None
        self._told = (int(percent) if isinstance(percent, int | float) else 0, left)
        self.text = text

    def finish(self, state: str) -> None:
        """The session ended: ``done``, ``failed`` or ``stopped``."""
        self.state = self.text = state

    def percent(self) -> int:
        """Jobs on record, of all."""
        if self._told is not None:
            return max(0, min(100, self._told[0]))
        return min(100, 100 * self._done // self._jobs) if self._jobs else 0  # a job may be tried more than once

    def seconds_left(self) -> float | None:
        """At most what it was before; None before anything is measured, and while the device is away."""
        if self.state or self._lost_until is not None:
            return None
        if self._told is not None:
            return self._told[1]
        return self._left.seconds(time.monotonic())


class Display:
    """Shows all devices until its block ends; ``devices`` by their names, to which it adds. ``quiet``: nothing."""

    def __init__(self, devices: dict[str, DeviceProgress], say: Say = _on_stderr, *, quiet: bool = False) -> None:
        self._devices = devices
        self._say = say
        self._is_quiet = quiet
        self._live = _live() if not quiet and _redraws() else None
        self._quit = threading.Event()
        self._thread = threading.Thread(target=self._loop, name="display", daemon=True)

    def __enter__(self) -> Display:
        if self._live is not None:
            self._live.start()
        if not self._is_quiet:
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
        if not self._is_quiet:
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
                        self._say(_line(device))

    def _table(self) -> Table:
        from rich.table import Table  # noqa: PLC0415
        from rich.text import Text  # noqa: PLC0415

        table = Table.grid(padding=(0, 2))
        for device in list(self._devices.values()):
            cells = (device.name, f"{device.percent()} %", left(device), device.text)
            table.add_row(*(Text(_plain(cell)) for cell in cells))  # what a phone says is no markup
        return table


def _plain(text: str) -> str:
    return "".join(letter if letter.isprintable() else " " for letter in text)


def _redraws() -> bool:
    """Whether stderr is a terminal that can go back."""
    return sys.stderr.isatty() and os.environ.get("TERM", "") not in ("", "dumb")


def _live() -> Live:
    """Redrawn lines; only a terminal shows them, and only for one is rich loaded."""
    from rich.console import Console  # noqa: PLC0415
    from rich.live import Live  # noqa: PLC0415
    from rich.table import Table  # noqa: PLC0415, F401  not in the middle of measuring
    from rich.text import Text  # noqa: PLC0415, F401

    return Live(console=Console(stderr=True, color_system=None, highlight=False), auto_refresh=False, transient=True)


def left(device: DeviceProgress) -> str:
    """Time left as words; empty where unknown."""
    seconds = device.seconds_left()
    if seconds is None:
        return ""
    if seconds < 1:
        return "nearly done"
    return f"{seconds / 60:.0f} min left" if seconds >= 90 else f"{seconds:.0f} s left"


def _lost(seconds: float) -> str:
    return f"connection lost, trying again for {max(0.0, seconds):.0f} s"


def _line(device: DeviceProgress) -> str:
    rest = left(device)
    return f"{device.title}: {device.percent()} %, {device.text}{', ' + rest if rest else ''}"
