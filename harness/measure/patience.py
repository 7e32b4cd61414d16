"""A broken connection is waited out: an adb server brings a phone back within a minute, or not at all."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any, cast

from harness.devices.base import Device
from harness.errors import DeviceLost
from harness.store.journal import EventLog

LOST_FOR_GOOD_S = 120.0
_STOPPING_S = 15.0  # somebody waits at a terminal: only as long as an adb server takes for one more try
_AGAIN_S = 1.0
_ONCE = "spawn"  # done twice it would leave a second program


def patient(device: Device, events: EventLog, stop: threading.Event) -> Device:
    """The device with every call repeated while the connection is away, save for ``spawn``.

    So each command run through it must be one that may be done twice. Calls raise DeviceLost when the phone has been
    away for LOST_FOR_GOOD_S, or for some seconds after ``stop``.
    """
    return cast(Device, _Patient(device, events, stop))


class _Patient:
    def __init__(self, device: Device, events: EventLog, stop: threading.Event) -> None:
        self._device = device
        self._events = events
        self._stop = stop
        self._lost_since: float | None = None

    def __getattr__(self, name: str) -> Any:
        value = getattr(self._device, name)
        if not callable(value) or name == _ONCE:
            return value
        return lambda *positional, **named: self._keep_trying(lambda: value(*positional, **named))

    def _keep_trying(self, call: Callable[[], Any]) -> Any:
        while True:
            try:
                result = call()
            except DeviceLost as error:
                self._wait(error)
            else:
                if self._lost_since is not None:
                    self._events.add("connection back", lost_s=round(time.monotonic() - self._lost_since, 1))
                    self._lost_since = None
                return result

    def _wait(self, error: DeviceLost) -> None:
        now = time.monotonic()
        if self._lost_since is None:
            self._lost_since = now
            self._events.add("connection lost", reason=error.message)
        if now - self._lost_since > (_STOPPING_S if self._stop.is_set() else LOST_FOR_GOOD_S):
            raise error
        time.sleep(_AGAIN_S)
