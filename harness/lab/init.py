"""The phone's process 1 and its adbd: enters the root, registers qemu, puts the CPU filter on, drops to user shell."""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import socket
from pathlib import Path
from typing import Any, NoReturn

from harness.lab import namespaces
from harness.lab.adbd import Adbd
from harness.lab.namespaces import MS_NODEV, MS_NOEXEC, MS_NOSUID, MS_REC, bind, mount
from harness.lab.root import EMULATORS, SHELL_GROUPS, SHELL_UID
from harness.lab.seccomp import install_filter

# By ABI: what the kernel calls the machine, and the bytes of an ELF file that tell it: class and e_machine.
_MACHINES = {"arm64-v8a": ("aarch64", 2, 0xB7), "armeabi-v7a": ("arm", 1, 0x28), "x86_64": ("x86_64", 2, 0x3E)}
_ELF_MAGIC = r"\x7fELF\x{kind:02x}\x01\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x02\x00\x{machine:02x}\x00"
_ELF_MASK = rb"\xff\xff\xff\xff\xff\xff\xff\x00\xff\xff\xff\xff\xff\xff\xff\xff\xfe\xff\xff\xff"


def run(root: Path, spec: dict[str, Any], supervisor: socket.socket, control: socket.socket) -> NoReturn:
    """Never returns. ``supervisor`` gets one message: the CPU filter's descriptor, or why there is no phone."""
    _close_all_but({0, 1, 2, supervisor.fileno(), control.fileno()})
    # What whoever started the phone ignores (nohup: SIGHUP, a shell's background: SIGINT) its programs would as well.
    for number in (signal.SIGHUP, signal.SIGINT, signal.SIGQUIT, signal.SIGTERM):
        signal.signal(number, signal.SIG_DFL)
    try:
        supervisor.recv(1)  # user numbers are mapped
        os.setgroups([])
        os.setresgid(0, 0, 0)
        os.setresuid(0, 0, 0)
        namespaces.set_control(namespaces.PR_SET_PDEATHSIG, 9)
        os.setsid()
        _enter(root, spec["abi"], spec["tools"].get(EMULATORS.get(spec["abi"], "")))
        _rename("init")
        listener = install_filter()
        child = os.fork()
        if child == 0:
            supervisor.close()
            os.close(listener)
            _serve(spec, control)
        control.close()
        socket.send_fds(supervisor, [b"ok"], [listener])
        os.close(listener)
        supervisor.close()
        while os.wait()[0] != child:
            pass
    except OSError as error:
        supervisor.send(f"{error.filename or error}: {error.strerror}".encode())
    finally:
        os._exit(0)


def _close_all_but(kept: set[int]) -> None:
    for number in [int(name) for name in os.listdir("/proc/self/fd")]:  # noqa: PTH208
        if number not in kept:
            with contextlib.suppress(OSError):
                os.close(number)


def _enter(root: Path, abi: str, qemu: str | None) -> None:
    namespaces.set_hostname("localhost")
    # Bound onto itself it is a mount of this namespace, which pivot_root asks for.
    mount(root, root, None, namespaces.MS_BIND | MS_REC)
    mount("proc", root / "proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC)
    kernel = root / "dev" / "__kernel__"
    for name, place in (("cpuinfo", "cpuinfo"), ("boot_id", "sys/kernel/random/boot_id")):
        bind(kernel / name, root / "proc" / place, read_only=True, flags=MS_NOSUID | MS_NODEV | MS_NOEXEC)
    mount("devpts", root / "dev" / "pts", "devpts", MS_NOSUID | MS_NOEXEC, "newinstance,ptmxmode=0666,mode=0600")
    if qemu:
        _register(root / "dev" / "__binfmt__", abi, qemu)
    namespaces.pivot_root(root)


def _register(place: Path, abi: str, qemu: str) -> None:
    """Lets this user namespace, and no other, run programs of the ABI; the emulator is opened now (F), outside it."""
    name, kind, machine = _MACHINES[abi]
    magic = _ELF_MAGIC.format(kind=kind, machine=machine).encode()
    try:
        mount("binfmt_misc", place, "binfmt_misc", MS_NOSUID | MS_NODEV | MS_NOEXEC)
        rule = b":".join((b"", f"qemu-{name}".encode(), b"M", b"", magic, _ELF_MASK, os.fsencode(qemu), b"FP"))
        (place / "register").write_bytes(rule)
    except OSError as error:
        if _host_runs(name):
            return
        raise OSError(
            error.errno, f"{abi} programs cannot run: binfmt_misc per user namespace needs Linux 6.7"
        ) from error


def _host_runs(machine: str) -> bool:
    """True where the host's own table has a handler for the machine that works in another root (flag F)."""
    for entry in Path("/proc/sys/fs/binfmt_misc").glob(f"*-{machine}"):
        lines = entry.read_text().splitlines()
        if lines[:1] == ["enabled"] and any(line.startswith("flags:") and "F" in line for line in lines):
            return True
    return False


def _serve(spec: dict[str, Any], control: socket.socket) -> NoReturn:
    try:
        _rename("adbd")
        os.setgroups(list(SHELL_GROUPS))
        os.setresgid(SHELL_UID, SHELL_UID, SHELL_UID)
        os.setresuid(SHELL_UID, SHELL_UID, SHELL_UID)
        os.umask(0)
        Adbd(spec["banner"], spec["environment"]).serve(control)
    finally:
        os._exit(1)


def _rename(name: str) -> None:
    """What ps shows: the host's command line is none of the phone's business."""
    namespaces.set_control(namespaces.PR_SET_NAME, name.encode())
    fields = Path("/proc/self/stat").read_bytes().rpartition(b")")[2].split()
    start, end = int(fields[45]), int(fields[46])  # arg_start, arg_end
    if end - start > len(name):
        ctypes.memset(start, 0, end - start)
        ctypes.memmove(start, name.encode(), len(name))
