"""One run at a time on a device, and never `local` beside virtual phones: they run on its CPUs.

A device is held twice: on this host (host_lock.py), where the system gives it back when the process dies, and, if it is
a phone, on the phone itself (phone_lock.py), where harnesses of other hosts meet. Where one of the two is not to be
had, that is said and the other one counts.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

from harness.control.holder import Holder
from harness.control.host_lock import HostLock, Unlockable, holders
from harness.control.phone_lock import NoLock, PhoneLock
from harness.devices.base import Device, Identity
from harness.devices.phone_id import PhoneId
from harness.errors import DeviceError
from harness.model.condition import Condition

Say = Callable[[str], None]

Stamp = Callable[[Condition], None]

_AGAIN_S = 0.5
_ASKED_EVERY_S = 20.0  # a phone: whoever measures there is disturbed by each question
_HOST_CPUS = "host-cpus"
_REMEDY = "wait until it ends, or let this one wait for it: --wait S"


@dataclass(frozen=True)
class Lease:
    """How a device is held."""

    conditions: tuple[Condition, ...] = ()  # UNLOCKED where one of the two locks was not to be had
    alone: bool = True  # no other harness, of whatever host, is at work on it


@contextmanager
def leased(
    device: Device,
    *,
    wait_s: float = 0.0,
    stop: threading.Event | None = None,
    say: Say | None = None,
    run: str = "",
    renewed_by: Device | None = None,
    stamp: Stamp | None = None,
) -> Iterator[Lease]:
    """Holds the device within the block. Waits for it up to ``wait_s`` seconds, and tells ``say`` who has it.

    ``stamp`` gets UNLOCKED, from another thread, where somebody takes the phone's lock over within the block.
    ``run`` is what others are told that it is held for; ``renewed_by`` the same device for signs of life, whose calls
    are not repeated. Raises DeviceError where another run holds it, or ``stop`` is set meanwhile.
    """
    wait = _Wait(wait_s, stop or threading.Event(), say or _silent)
    me = Holder.me(run)
    with ExitStack() as stack:
        here = there = _hold_here(device, me, wait, stack)
        if device.identity.capabilities.has_lock:
            there = _hold_there(device, me, wait, stack, renewed_by, stamp)
        yield Lease(tuple(dict.fromkeys((*here, *there))), alone=not there)


def _silent(text: str) -> None:
    pass


class _Wait:
    """For a device that somebody else has."""

    def __init__(self, seconds: float, stop: threading.Event, say: Say) -> None:
        self._until = time.monotonic() + seconds
        self._seconds = seconds
        self._stop = stop
        self._told = ""
        self.say = say

    def again(self, holder: Holder | None, stale_in_s: float | None = None) -> None:
        """Returns when it is time to ask again. Raises DeviceError where the wait is over."""
        who = f"another harness run is using the device: {holder or 'it cannot be told which'}"
        left = self._until - time.monotonic()
        if left <= 0:
            remedy = _REMEDY
            if stale_in_s is not None:
                remedy += f"; if it is gone: its lock on the device counts for another {stale_in_s:.0f} s"
            after = f" (waited for {self._seconds:g} s)" if self._seconds > 0 else ""
            raise DeviceError(f"{who}{after}", remedy)
        if who != self._told:
            self._told = who
            self.say(f"waiting for up to {left:.0f} s: {who}")
        pause = _AGAIN_S if stale_in_s is None else max(_AGAIN_S, min(stale_in_s, _ASKED_EVERY_S))
        until = time.monotonic() + min(pause, left)
        while (rest := until - time.monotonic()) > 0:
            if self._stop.wait(min(_AGAIN_S, rest)):
                raise DeviceError(f"not done, because it was stopped while it waited: {who}")
            if holder is not None and holder.is_dead:  # it ran on this host: that disturbs no phone
                return


def _hold_here(device: Device, me: Holder, wait: _Wait, stack: ExitStack) -> list[Condition]:
    try:
        lock = HostLock(PhoneId.of(device.identity).digest, wait.say)
        stack.callback(lock.close)
        while not lock.acquire(me):
            wait.again(lock.holder())
        stack.callback(lock.release)
    except Unlockable as error:
        return [_unlocked(f"runs of this host cannot keep each other from the device: {error}")]
    return []


def _hold_there(
    device: Device, me: Holder, wait: _Wait, stack: ExitStack, renewed_by: Device | None, stamp: Stamp | None
) -> list[Condition]:
    def lost(text: str) -> None:
        if stamp is None:
            wait.say(text)
        else:
            stamp(Condition("UNLOCKED", text, "measure again what was measured since, with one run at a time"))

    lock = PhoneLock(device, me, wait.say, renewed_by, lost)
    stack.callback(lock.release)
    try:
        while not lock.acquire():
            wait.again(lock.holder, lock.stale_in_s)
    except NoLock as error:
        return [_unlocked(f"harnesses of other hosts cannot see that the device is in use: {error}")]
    return []


def _unlocked(what: str) -> Condition:
    return Condition("UNLOCKED", what)


@contextmanager
def host_cpus(identity: Identity, stop: threading.Event, say: Say, run: str = "") -> Iterator[tuple[Condition, ...]]:
    """Holds this host's CPUs, over all its processes and users: alone for `local`, together for virtual phones.

    Phones with CPUs of their own need none of it. Gives UNLOCKED where there is no lock to be had. Waits, and tells
    ``say`` so once; raises DeviceError where ``stop`` is set meanwhile. The system gives the CPUs back when the process
    dies.
    """
    alone = identity.capabilities.is_measured_alone
    if not alone and not identity.emulated:
        yield ()
        return
    lacking: tuple[Condition, ...] = ()
    others = (
        "virtual phones are in use by a run, and share this machine's CPUs"
        if alone
        else "this machine (`local`) is in use by a run, and shares its CPUs with virtual phones"
    )
    with ExitStack() as stack:
        try:
            lock = HostLock(_HOST_CPUS, say)
            stack.callback(lock.close)
            told = False
            while not lock.acquire(Holder.me(run), shared=not alone):
                if not told:
                    say(f"waiting: {others}{_who(lock)}")
                    told = True
                if stop.wait(_AGAIN_S):
                    raise DeviceError(f"not measured, because the run was stopped while it waited: {others}")
            stack.callback(lock.release)
        except Unlockable as error:
            lacking = (_unlocked(f"runs of this host cannot keep each other from its CPUs: {error}"),)
        yield lacking


def _who(lock: HostLock) -> str:
    """Holders that share it do not stand in the lock's own file, but each in that of its device."""
    alone = lock.holder()
    found = [alone] if alone is not None else [holder for name, holder in holders() if name != _HOST_CPUS]
    return f" ({'; '.join(sorted(map(str, found)))})" if found else ""
