"""A broken connection is waited out: an adb server brings a phone back within a minute, or not at all."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from itertools import count
from typing import Any, cast

from harness.devices.base import Device
from harness.errors import DeviceLost, WrongDevice
from harness.model.policy import LOST_CAP_S
from harness.store.journal import EventLog

LOST_FOR_GOOD_S = LOST_CAP_S  # where no policy says less
_STOPPING_S = 15.0  # somebody waits at a terminal: only as long as an adb server takes for one more try
_AGAIN_S = 1.0
_RECONNECT_EVERY_S = 10.0  # an adb server finds most phones again by itself before that
_ONCE = "spawn"  # done twice it would leave a second program


Reconnect = Callable[[bool], None]  # whether only if the server has forgotten it


class Connection:
    """Whether a device answers, as seen by all who talk to it for one run."""

    def __init__(
        self,
        events: EventLog,
        stop: threading.Event,
        lost: Callable[[float], None] = lambda seconds: None,
        back: Callable[[], None] = lambda: None,
        reconnect: Reconnect = lambda only_if_forgotten: None,
        cap_s: float | None = None,
    ) -> None:
        """``lost`` is told at once how many seconds the device is waited for, ``back`` when it answers again.

        ``reconnect`` is called in each loss that lasts: once for the device, then only if the server has forgotten it.
        ``cap_s``: after which it is lost for good.
        """
        self._cap_s = cap_s
        self._events = events
        self._stop = stop
        self._lost, self._back = lost, back
        self._since: float | None = None
        self._until = 0.0
        self._hurried = False
        self._reconnect, self._again = reconnect, _RECONNECT_EVERY_S
        self.is_doubtful = False  # since it broke nobody has asked whether the same phone answers

    def broke(self, error: DeviceLost) -> None:
        """A call failed. Raises ``error`` where the device has been away for too long."""
        now = time.monotonic()
        self.is_doubtful = True
        if self._since is None:
            cap_s = LOST_FOR_GOOD_S if self._cap_s is None else self._cap_s
            self._since, self._until = now, now + cap_s
            self._hurried, self._again = False, _RECONNECT_EVERY_S
            self._events.add("connection lost", reason=error.message)
            self._lost(cap_s)
        if self._stop.is_set() and not self._hurried:
            self._hurried = True
            self._until = min(self._until, now + _STOPPING_S)
            self._lost(max(0.0, self._until - now))
        if now > self._until:
            raise error
        if now - self._since >= self._again:
            is_first = self._again == _RECONNECT_EVERY_S
            self._again = now - self._since + _RECONNECT_EVERY_S
            if is_first:
                self._events.add("reconnecting")
            self._reconnect(not is_first)

    def works(self) -> None:
        """A call succeeded."""
        if self._since is not None:
            self._events.add("connection back", lost_s=round(time.monotonic() - self._since, 1))
            self._since = None
            self._back()


def patient(device: Device, events: EventLog, stop: threading.Event, connection: Connection | None = None) -> Device:
    """The device with every call repeated while the connection is away, save for ``spawn``.

    So each command run through it must be one that may be done twice. A setting is written again only where it is seen
    that the first time had no effect. Calls raise DeviceLost when the phone has been
    away for LOST_FOR_GOOD_S, or for some seconds after ``stop``, and WrongDevice while another phone has its address.
    """
    return cast(Device, _Patient(device, connection or Connection(events, stop, reconnect=device.reconnect)))


class _Patient:
    def __init__(self, device: Device, connection: Connection) -> None:
        self._device = device
        self._connection = connection

    def __getattr__(self, name: str) -> Any:
        value = getattr(self._device, name)
        if not callable(value) or name == _ONCE:
            return value
        return lambda *positional, **named: self._keep_trying(lambda: value(*positional, **named))

    def put_setting(self, namespace: str, key: str, value: str | None, **named: Any) -> None:
        tries = count()

        def write() -> None:
            if next(tries) == 0 or self._device.get_setting(namespace, key) != value:
                self._device.put_setting(namespace, key, value, **named)

        self._keep_trying(write)

    def _keep_trying(self, call: Callable[[], Any]) -> Any:
        while True:
            try:
                if self._connection.is_doubtful:
                    self._device.confirm()
                    self._connection.is_doubtful = False
                result = call()
            except DeviceLost as error:
                self._connection.broke(error)
                time.sleep(_AGAIN_S)
            except WrongDevice:
                self._connection.is_doubtful = True
                raise
            else:
                self._connection.works()
                return result
