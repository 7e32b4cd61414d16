"""Follows one run of convbench on a device: its file becomes records of the run directory as it grows."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from harness.devices.base import Device, RemoteProcess
from harness.errors import DeviceError, DeviceLost, InfrastructureError
from harness.measure.lost_connection import Connection
from harness.store import records
from harness.store.journal import EventLog
from harness.store.recordsfile import LineCutter, RecordsFile, parsed

_POLL_S = 0.3


class Follower:
    """Takes over what convbench writes, until its end, its death, or a stop."""

    def __init__(
        self,
        device: Device,
        remote_file: str,
        target: RecordsFile,
        events: EventLog,
        take: Callable[[records.Record], None],
        connection: Connection | None = None,
    ) -> None:
        self._device = device
        self._remote = remote_file
        self._target = target
        self._events = events
        self._take = take
        self._connection = connection
        self._cutter = LineCutter()
        self.end: records.End | None = None
        self.overdue = False  # convbench had not ended when its time was over
        self._unwritable = False  # the rest stays on the device, for --resume

    def resume_after(self, known: bytes) -> None:
        """Skips what is in the run directory already (``known``: its bytes of this run of convbench).

        Raises DeviceError where the device's file does not begin with it.
        """
        data = self._device.read_from(self._remote, 0)
        if not data.startswith(known):
            raise DeviceError(
                f"{self._remote} on the device is not what the run directory took over",
                "measure again into a new directory",
            )
        self._cutter.feed(known)
        for record in parsed(known):
            if isinstance(record, records.End):
                self.end = record

    def pull_rest(self) -> None:
        """Takes over what is there now; a cut last line is noted as an event.

        Where lines could not be written before, nothing that follows them is: it would stand behind a hole.
        """
        if self._unwritable:
            return
        while self._step():
            pass
        if self._cutter.cut_tail:  # the end of its line may have arrived damaged
            self._cutter.back(b"")
            while self._step():
                pass
        tail = self._cutter.cut_tail
        if tail:
            self._events.add("cut tail", bytes=len(tail), begins=tail[:80].decode("utf-8", "replace"))

    def follow(self, process: RemoteProcess, stop: threading.Event, latest_s: float) -> None:
        """Returns when convbench ended or died, when ``stop`` is set, or after ``latest_s`` seconds (``overdue``).

        A broken connection is waited out. Raises DeviceLost when it stays broken, InfrastructureError when the run
        directory cannot be written.
        """
        connection = self._connection or Connection(self._events, stop)
        latest = time.monotonic() + latest_s
        while not stop.is_set():
            if time.monotonic() > latest:
                self.overdue = True
                return
            try:
                gone = not self._device.alive(process)  # asked before the last read, so that nothing is missed
                moved = self._step()
                connection.works()
            except DeviceLost as error:
                connection.broke(error)
                stop.wait(1.0)
                continue
            if self.end is not None or (gone and not moved):
                return
            if not moved:
                stop.wait(_POLL_S)

    def _step(self) -> bool:
        piece = self._device.read_from(self._remote, self._cutter.offset)
        lines = self._cutter.whole(piece)
        if any(isinstance(record, str) for record in parsed(lines)):  # damaged on the way, or written so
            self._cutter.back(b"")
            piece = self._device.read_from(self._remote, self._cutter.offset)
            lines = self._cutter.whole(piece)
        try:
            self._target.append(lines)
        except InfrastructureError:
            self._unwritable = True
            raise
        self._cutter.feed(piece)
        for record in parsed(lines):
            if isinstance(record, str):
                self._events.add("not a record", line=record)
            else:
                if isinstance(record, records.End):
                    self.end = record
                self._take(record)
        return bool(piece)
