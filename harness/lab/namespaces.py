"""Linux system calls that Python lacks: namespaces, mounts, process controls. Errors are OSError."""

from __future__ import annotations

import ctypes
import os
import platform
import time
from collections.abc import Callable
from pathlib import Path

CLONE_NEWTIME = 0x00000080
CLONE_NEWNS = 0x00020000
CLONE_NEWUTS = 0x04000000
CLONE_NEWIPC = 0x08000000
CLONE_NEWUSER = 0x10000000
CLONE_NEWPID = 0x20000000
PHONE_NAMESPACES = CLONE_NEWNS | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWUSER | CLONE_NEWPID

MS_RDONLY, MS_NOSUID, MS_NODEV, MS_NOEXEC = 1, 2, 4, 8
MS_REMOUNT, MS_BIND, MS_REC, MS_PRIVATE = 32, 4096, 16384, 1 << 18
MNT_DETACH = 2

PR_SET_PDEATHSIG, PR_SET_NAME, PR_SET_NO_NEW_PRIVS = 1, 15, 38
_SIGCHLD = 17
_CLOCK_BOOTTIME = 7

# clone, pivot_root
_SYSCALLS = {"x86_64": (56, 155), "aarch64": (220, 41)}

_libc = ctypes.CDLL(None, use_errno=True)


def supported_machine() -> bool:
    """True on the host architectures whose system call numbers are known here."""
    return platform.machine() in _SYSCALLS


def _check(result: int, what: str) -> int:
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number), what)
    return result


def _bytes(path: str | Path | None) -> bytes | None:
    return None if path is None else os.fsencode(path)


def mount(source: str | Path | None, target: str | Path, kind: str | None, flags: int = 0, options: str = "") -> None:
    """mount(2); ``target`` is named in the error."""
    result = _libc.mount(
        _bytes(source), _bytes(target), _bytes(kind), ctypes.c_ulong(flags), os.fsencode(options) if options else None
    )
    _check(result, f"mount {kind or 'bind'} at {target}")


def bind(source: str | Path, target: str | Path, *, read_only: bool = False, flags: int = 0) -> None:
    """Shows ``source`` (file or folder) at ``target``, with further MS_ flags where wanted."""
    mount(source, target, None, MS_BIND)
    if read_only or flags:
        mount(None, target, None, MS_REMOUNT | MS_BIND | flags | (MS_RDONLY if read_only else 0))


def unmount(target: str | Path) -> None:
    """Detaches a mount and all below it."""
    _check(_libc.umount2(_bytes(target), MNT_DETACH), f"umount {target}")


def unshare(flags: int) -> None:
    """unshare(2)."""
    _check(_libc.unshare(ctypes.c_int(flags)), "unshare")


def in_mounts_of(pid: int, action: Callable[[], None]) -> None:
    """Does something in a child that sees the mounts of another process. Raises OSError with the child's reason."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            space = os.open(f"/proc/{pid}/ns/mnt", os.O_RDONLY | os.O_CLOEXEC)
            _check(_libc.setns(space, CLONE_NEWNS), f"entering the mounts of {pid}")
            action()
        except OSError as error:
            os.write(writing, f"{error.errno or 5} {error.filename or ''} {error.strerror or error}".encode())
        finally:
            os._exit(0)
    os.close(writing)
    with os.fdopen(reading, "rb") as answers:
        said = answers.read().decode(errors="replace")
    os.waitpid(child, 0)
    if said:
        number, _, reason = said.partition(" ")
        raise OSError(int(number), reason.strip())


def clone_process(flags: int) -> int:
    """fork() into new namespaces: 0 in the child, its process id in the parent. The caller must have one thread."""
    number = _SYSCALLS[platform.machine()][0]
    return _check(int(_libc.syscall(number, ctypes.c_ulong(flags | _SIGCHLD), 0, 0, 0, 0)), "clone")


def pivot_root(new_root: str | Path) -> None:
    """Makes ``new_root`` (a mount of this namespace) the root and lets go of the old one."""
    os.chdir(new_root)
    _check(int(_libc.syscall(_SYSCALLS[platform.machine()][1], b".", b".")), f"pivot_root to {new_root}")
    unmount(".")  # the old root lies on top of the new one now
    os.chdir("/")


def set_control(option: int, value: int | bytes) -> None:
    """prctl(2) with one argument."""
    argument = ctypes.c_char_p(value) if isinstance(value, bytes) else ctypes.c_ulong(value)
    _check(_libc.prctl(option, argument, 0, 0, 0), f"prctl {option}")


def set_hostname(name: str) -> None:
    """sethostname(2)."""
    data = name.encode()
    _check(_libc.sethostname(data, ctypes.c_size_t(len(data))), "sethostname")


def map_ids(pid: int, base: int, count: int = 65536) -> None:
    """Maps users and groups 0..count-1 of ``pid``'s new user namespace to base.. of this one."""
    for name in ("uid_map", "gid_map"):
        Path(f"/proc/{pid}/{name}").write_text(f"0 {base} {count}\n")


def restart_boot_clock() -> bool:
    """Lets /proc/uptime begin at 0 for processes forked from now on; False where the kernel has no time namespaces."""
    try:
        unshare(CLONE_NEWTIME)
        uptime = int(time.clock_gettime(time.CLOCK_BOOTTIME))
        Path("/proc/self/timens_offsets").write_text(f"{_CLOCK_BOOTTIME} -{uptime} 0\n")
    except OSError:
        return False
    return True


def start_ticks(pid: int) -> int:
    """Start time of a process (field 22 of its stat), by which a later owner of the number is told apart; 0 if gone."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_bytes().rpartition(b")")[2].split()
    except OSError:
        return 0
    return 0 if fields[0] in (b"Z", b"X") else int(fields[19])
