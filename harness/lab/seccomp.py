"""The CPUs a phone has: a supervisor answers sched_setaffinity, sched_getaffinity and getcpu of its programs.

The filter is installed once in the phone's init and inherited by everything below.
/proc/<pid>/status goes on showing the host's CPUs.
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import fcntl
import os
import platform
import struct
from pathlib import Path

from harness.lab.namespaces import PR_SET_NO_NEW_PRIVS, set_control

# audit architecture, seccomp, sched_setaffinity, sched_getaffinity, getcpu
_MACHINES = {
    "x86_64": (0xC000003E, 317, 203, 204, 309),
    "aarch64": (0xC00000B7, 277, 122, 123, 168),
}
_SET_MODE_FILTER, _NEW_LISTENER, _WAIT_KILLABLE = 1, 8, 32
_ALLOW, _USER_NOTIFY = 0x7FFF0000, 0x7FC00000
_LOAD, _JUMP_EQUAL, _RETURN = 0x20, 0x15, 0x06
_RECEIVE, _SEND, _STILL_VALID = 0xC0502100, 0xC0182101, 0x40082102
_NOTICE = struct.Struct("<QII iIQ6Q")
_ANSWER = struct.Struct("<QqiI")
_WORD = 8  # bytes of an affinity mask: phones have at most 64 CPUs here


class _Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("filter", ctypes.c_char_p))


def install_filter() -> int:
    """Puts the filter on this process and its children to come; returns the descriptor the supervisor listens on."""
    architecture, seccomp, *calls = _MACHINES[platform.machine()]
    steps = [(_LOAD, 0, 0, 4), (_JUMP_EQUAL, 0, len(calls) + 1, architecture), (_LOAD, 0, 0, 0)]
    steps += [(_JUMP_EQUAL, len(calls) - i, 0, number) for i, number in enumerate(calls)]
    steps += [(_RETURN, 0, 0, _ALLOW), (_RETURN, 0, 0, _USER_NOTIFY)]
    code = b"".join(struct.pack("<HBBI", *step) for step in steps)
    program = _Program(len(steps), code)
    set_control(PR_SET_NO_NEW_PRIVS, 1)
    libc = ctypes.CDLL(None, use_errno=True)
    for flags in (_NEW_LISTENER | _WAIT_KILLABLE, _NEW_LISTENER):
        descriptor = libc.syscall(seccomp, _SET_MODE_FILTER, ctypes.c_uint(flags), ctypes.byref(program))
        if descriptor >= 0:
            return int(descriptor)
    number = ctypes.get_errno()
    raise OSError(number, os.strerror(number), "seccomp filter with user notification")


class CpuSupervisor:
    """Answers for the model's CPUs. Masks are kept per thread of the phone.

    A thread without one has its process's, else its parent's: a thread started by another than the main thread
    does not inherit that one's.
    """

    def __init__(self, cpus: tuple[int, ...], root_uid: int, *, pins: bool = False) -> None:
        """``pins``: threads also run on those CPUs of the host, as far as there are: programs of the host's own ABI ask
        the system without a call (vDSO) where they run."""
        self._cpus = cpus
        self._pins = pins
        self._root = root_uid  # the host's number of the phone's user 0
        self._all = self._online = self._allowed = sum(1 << cpu for cpu in cpus)
        self.obedience = ""  # affinity that is set is "ignored", or is "untrue": shown but not kept to
        self._masks: dict[int, tuple[int, int]] = {}  # thread id of the host: (start ticks, mask)
        _, _, self._set, self._get, self._getcpu = _MACHINES[platform.machine()]

    def set_online(self, cpus: tuple[int, ...]) -> None:
        """Unplugs the other CPUs. As in Linux, a thread that may run on none of the rest may run everywhere then."""
        self._online = sum(1 << cpu for cpu in cpus) & self._all
        if not self._online:
            raise ValueError("no CPU would be left")
        self._masks = {
            thread: (ticks, mask if mask & self._online else self._all) for thread, (ticks, mask) in self._masks.items()
        }

    def set_allowed(self, cpus: tuple[int, ...]) -> None:
        """Lets programs use these CPUs only, as a cpuset does."""
        allowed = sum(1 << cpu for cpu in cpus) & self._all
        if not allowed:
            raise ValueError("no CPU of the phone would be left")
        self._allowed = allowed

    def become(self, cpus: tuple[int, ...]) -> None:
        """Answers for other CPUs: another phone."""
        self._cpus = cpus
        self._all = self._online = self._allowed = sum(1 << cpu for cpu in cpus)
        self._masks = {}

    @property
    def _usable(self) -> int:
        return self._online & self._allowed or self._online

    def serve(self, listener: int) -> None:
        """Takes one notice and answers it."""
        notice = bytearray(_NOTICE.size)
        try:
            fcntl.ioctl(listener, _RECEIVE, notice)
        except OSError:
            return  # the caller died or was interrupted
        cookie, thread, _, number, _, _, *arguments = _NOTICE.unpack(notice)
        try:
            value, error = self._answer(listener, cookie, thread, number, arguments), 0
        except OSError as problem:
            value, error = 0, -(problem.errno or errno.EINVAL)
        try:
            fcntl.ioctl(listener, _SEND, _ANSWER.pack(cookie, value, error, 0))
        except OSError:
            return  # gone meanwhile

    def _answer(self, listener: int, cookie: int, thread: int, number: int, arguments: list[int]) -> int:
        memory = os.open(f"/proc/{thread}/mem", os.O_RDWR | os.O_CLOEXEC)
        try:
            # Only after this is it sure that the memory is the caller's, not that of a later owner of its number.
            fcntl.ioctl(listener, _STILL_VALID, struct.pack("<Q", cookie))
            if number == self._getcpu:
                return self._answer_getcpu(memory, thread, arguments)
            asked, length = arguments[0] & 0xFFFFFFFF, arguments[1] & 0xFFFFFFFF
            target = find_thread(thread, asked) if asked else thread
            if number == self._set:
                if _status(thread, "Uid")[1] not in (_status(target, "Uid")[0], self._root):
                    raise OSError(errno.EPERM, "another user's thread")
                mask = int.from_bytes(_read(memory, arguments[2], min(length, _WORD)), "little") & self._all
                if not mask & self._usable:
                    raise OSError(errno.EINVAL, "no CPU of the phone in the mask")
                if self.obedience != "ignored":
                    self._remember(target, mask)
                    self.pin(target, mask)
                return 0
            if length < _WORD or length % _WORD:
                raise OSError(errno.EINVAL, "mask length")
            _write(memory, arguments[2], self._effective(target).to_bytes(_WORD, "little"))
            return _WORD
        finally:
            os.close(memory)

    def _answer_getcpu(self, memory: int, thread: int, arguments: list[int]) -> int:
        mask = self._effective(thread)
        if self.obedience == "untrue":
            mask = self._usable & ~mask or mask
        allowed = [cpu for cpu in self._cpus if mask >> cpu & 1]
        if arguments[0]:
            _write(memory, arguments[0], struct.pack("<I", allowed[thread % len(allowed)]))
        if arguments[1]:
            _write(memory, arguments[1], struct.pack("<I", 0))
        return 0

    def _effective(self, thread: int) -> int:
        """Where a thread may run: in its mask, or anywhere that is usable where that is nowhere."""
        return self.mask_of(thread) & self._usable or self._usable

    def pin(self, thread: int, mask: int | None = None) -> None:
        """Keeps a thread of the host to the CPUs of a mask, or to all of the phone, where programs would notice."""
        mask = self._all if mask is None else mask
        here = {cpu for cpu in os.sched_getaffinity(0) if mask >> cpu & 1}
        if self._pins and here:
            with contextlib.suppress(OSError):  # it may have ended
                os.sched_setaffinity(thread, here)

    def _remember(self, thread: int, mask: int) -> None:
        if len(self._masks) > 4096:
            self._masks = {t: (ticks, m) for t, (ticks, m) in self._masks.items() if _stat(t)[1] == ticks}
        self._masks[thread] = (_stat(thread)[1], mask)

    def mask_of(self, thread: int) -> int:
        """The mask of a thread: its own, else that of its process, its parent and so on, else all CPUs."""
        current, mask = thread, self._all
        for _ in range(64):
            parent, ticks = _stat(current)
            known = self._masks.get(current)
            if known and known[0] == ticks:
                mask = known[1]
                break
            leader = _process_of(current)
            current = leader if leader != current else parent
            if current <= 1:
                break
        if current != thread:
            self._remember(thread, mask)
        return mask


def _read_proc(thread: int, name: str) -> bytes:
    file = os.open(f"/proc/{thread}/{name}", os.O_RDONLY | os.O_CLOEXEC)
    try:
        return os.read(file, 8192)
    finally:
        os.close(file)


def _stat(thread: int) -> tuple[int, int]:
    """(parent process, start ticks); (0, 0) if gone."""
    try:
        fields = _read_proc(thread, "stat").rpartition(b")")[2].split()
    except OSError:
        return 0, 0
    return int(fields[1]), int(fields[19])


def _status(thread: int, key: str) -> list[int]:
    try:
        text = _read_proc(thread, "status").decode(errors="replace")
    except OSError:
        return []
    for line in text.splitlines():
        if line.startswith(key + ":"):
            return [int(word) for word in line.split()[1:]]
    return []


def _process_of(thread: int) -> int:
    return (_status(thread, "Tgid") or [0])[0]


def find_thread(caller: int, number: int) -> int:
    """The host's id of thread ``number`` as the caller's pid namespace counts. OSError ESRCH."""
    level = len(_status(caller, "NSpid"))
    space = Path(f"/proc/{caller}/ns/pid").stat().st_ino
    for process in Path("/proc").iterdir():
        if not process.name.isdigit():
            continue
        try:
            if (process / "ns" / "pid").stat().st_ino != space:
                continue
            threads = [int(task.name) for task in (process / "task").iterdir()]
        except OSError:
            continue
        for thread in threads:
            numbers = _status(thread, "NSpid")
            if len(numbers) == level and numbers[-1] == number:
                return thread
    raise OSError(errno.ESRCH, "no such thread")


def _read(memory: int, address: int, length: int) -> bytes:
    try:
        data = os.pread(memory, length, address)
    except OSError as error:
        raise OSError(errno.EFAULT, "bad address") from error
    if len(data) != length:
        raise OSError(errno.EFAULT, "bad address")
    return data


def _write(memory: int, address: int, data: bytes) -> None:
    try:
        if os.pwrite(memory, data, address) != len(data):
            raise OSError(errno.EFAULT, "bad address")
    except OSError as error:
        raise OSError(errno.EFAULT, "bad address") from error
