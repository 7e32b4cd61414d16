"""The lock that lies on a phone itself: harnesses of other hosts meet there, whatever adb server they go by.

It counts by the phone's own boot id and uptime, never by a clock of a host or of the phone, which may be wrong or set
back. A holder gives a sign of life every RENEWED_S; without one for STALE_S, after a reboot, or where the holder ran on
this host and is dead, somebody else takes the lock over.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from harness.control.holder import Holder
from harness.devices import lock_scripts
from harness.devices.base import Device
from harness.devices.number import number
from harness.devices.scripts import new_token, script
from harness.errors import DeviceError, DeviceLost, TransientError

FOLDER = "harness-lock"  # in the device's work_root()
RENEWED_S = 20.0
STALE_S = 180.0  # longer than a lost connection is waited for
_AFTER_REBOOT_S = 2 * RENEWED_S  # a living holder has given a sign by then
_LARGEST = 10**8 - 1  # a shell of 32 bits can compare it
_FULL, _GONE = 73, 74  # exit codes of the scripts
_ANSWER_S = 15.0
_TRIES, _AGAIN_S = 3, 1.0

Say = Callable[[str], None]


class NoLock(Exception):
    """The phone has no place for a lock; the message says why."""


@dataclass(frozen=True)
class _Held:
    number: int
    holder: Holder | None  # None: its line is damaged
    boot_id: str
    uptime_s: float | None  # of its last sign of life


@dataclass(frozen=True)
class _Seen:
    boot_id: str
    uptime_s: float | None
    held: tuple[_Held, ...]  # by number

    @property
    def last(self) -> _Held | None:
        return self.held[-1] if self.held else None

    def stale_in_s(self, held: _Held) -> float:
        """Seconds until the holder counts as gone; 0 where it does."""
        if held.holder is not None and held.holder.is_dead:
            return 0.0
        if self.uptime_s is None:
            return 0.0 if held.holder is None else STALE_S
        if held.boot_id != self.boot_id:
            return max(0.0, _AFTER_REBOOT_S - self.uptime_s)
        if held.uptime_s is None or held.uptime_s > self.uptime_s:
            return 0.0  # no sign that a holder of this boot can have written
        return max(0.0, STALE_S - (self.uptime_s - held.uptime_s))


def parse(output: str, token: str) -> _Seen:
    """What SHOW printed behind its token. Raises TransientError where that is not all there."""
    text = output.partition(f"\n{token}\n")[2]
    lines, ended, _ = text.partition(f"end {token}\n")
    if not ended:
        raise TransientError("the phone's shell did not tell which harness holds the phone")
    boot_id, uptime_s = "", None
    beats: dict[int, tuple[str, float | None]] = {}
    held = []
    for line in lines.split("\n"):
        kind, _, rest = line.partition(" ")
        if kind == "now":
            boot_id, uptime_s = _beat(rest)
            continue
        word, _, value = rest.partition(" ")
        if (which := number(word, 1, _LARGEST)) is None:
            continue
        if kind == "beat":
            beats[which] = _beat(value)
        elif kind == "held":
            boot, at = beats.get(which, ("", None))
            held.append(_Held(which, Holder.parse(value), boot, at))
    return _Seen(boot_id, uptime_s, tuple(sorted(held, key=lambda each: each.number)))


def _beat(text: str) -> tuple[str, float | None]:
    boot_id, _, uptime = text.strip().rpartition(" ")
    try:
        seconds = float(uptime)
    except ValueError:
        return boot_id[:64], None
    return boot_id[:64], seconds if 0 <= seconds < 1e10 else None


class PhoneLock:
    """The lock of one phone for one holder."""

    def __init__(
        self, device: Device, me: Holder, say: Say, renewed_by: Device | None = None, lost: Say | None = None
    ) -> None:
        """``renewed_by``: the same device for signs of life, which are not repeated when they fail.

        ``lost`` is told, by another thread, where somebody else has the lock before it is released.
        """
        self._device = device
        self._lost = lost or say
        self._renewed_by = renewed_by or device
        self._me = me
        self._say = say
        self._folder = f"{device.work_root()}/{FOLDER}"
        self._number = 0
        self._taken_over: list[str] = []
        self._let_go = threading.Event()
        self._renewer: threading.Thread | None = None
        self.holder: Holder | None = None  # who had it when it was asked for last
        self.stale_in_s = 0.0

    def acquire(self) -> bool:
        """Takes the lock if it is free or stale; whether it is ours. Raises NoLock, DeviceError."""
        before = self._look(lock_scripts.SHOW)
        last = before.last
        if last is not None and self._is_mine(last):  # taken, but the answer was lost
            return self._have(last.number, before)
        if last is not None:
            self.holder, self.stale_in_s = last.holder, before.stale_in_s(last)
            if self.stale_in_s > 0:
                return False
            gone = "a damaged lock" if last.holder is None else f"the lock of a harness that is gone ({last.holder})"
            self._say(f"{gone} was left on the device: taken over")
        number = last.number + 1 if last is not None else 1
        after = self._look(lock_scripts.TAKE, str(number), self._me.token, self._me.line)
        now = after.last
        strangers = {each.number for each in after.held} - {each.number for each in before.held} - {number}
        if now is not None and self._is_mine(now) and not strangers:
            return self._have(number, before)
        self._run(lock_scripts.LET_GO, str(number), self._me.token)
        self.holder = now.holder if now is not None and not self._is_mine(now) else None
        self.stale_in_s = STALE_S
        return False

    def _have(self, number: int, before: _Seen) -> bool:
        self._number = number
        self._taken_over = [str(each.number) for each in before.held if each.number != number]
        self._renewer = threading.Thread(target=self._renew, name="phone lock", daemon=True)
        self._renewer.start()
        return True

    def release(self) -> None:
        """Gives it back, and leaves nothing on the phone. What fails is left to grow stale."""
        self._let_go.set()
        if self._renewer is not None:
            self._renewer.join(timeout=5)
        if not self._number:
            return
        try:
            self._run(lock_scripts.LET_GO, str(self._number), self._me.token, *self._taken_over)
        except DeviceError:
            return

    def _is_mine(self, held: _Held) -> bool:
        return held.holder is not None and held.holder.token == self._me.token

    def _renew(self) -> None:
        """Until it is let go: a sign of life, also after the connection was away."""
        while not self._let_go.wait(RENEWED_S):
            try:
                code = self._run(lock_scripts.RENEW, str(self._number), self._me.token)
            except DeviceError:
                continue
            if code == _GONE:
                self._lost("the lock on the phone is gone: another harness may have used it since")
                return

    def _run(self, text: str, *arguments: str) -> int:
        argv = script(text, "-", self._folder, *arguments)
        return self._renewed_by.run(argv, deadline_s=_ANSWER_S).code

    def _look(self, text: str, *arguments: str) -> _Seen:
        """Whoever gets no answer does not know that the phone is free: it is asked again, then the error goes on."""
        for left in reversed(range(_TRIES)):
            try:
                return self._ask(text, *arguments)
            except TransientError as error:
                if isinstance(error, DeviceLost) or not left:
                    raise
            time.sleep(_AGAIN_S)
        raise AssertionError

    def _ask(self, text: str, *arguments: str) -> _Seen:
        token = new_token()
        done = self._device.run(script(text, token, self._folder, *arguments), deadline_s=_ANSWER_S)
        if done.code == _FULL:
            reason = done.stderr.decode("utf-8", "replace").strip()[-200:] or "no reason given"
            raise NoLock(f"{self._folder} cannot be written: {reason}")
        return parse(done.text, token)
