"""Which worker protocol a program speaks: it is started here as a worker, where it can be, and greeted."""

from __future__ import annotations

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from urllib.parse import unquote

from harness.devices.local import own_cpus
from harness.errors import UsageError

_DEADLINE_S = 20.0
_LONGEST = 8192  # of an answer
# A worker's socket is descriptor 3, which a child gets in no other way without touching our own.
_AS_WORKER = "import os, sys; os.dup2(int(sys.argv[1]), 3); os.execv(sys.argv[2], sys.argv[2:])"
_HELLO = "hello protocol={} cpu={} memory=67108864 llc=8388608 min_ns=1000000 max_khz=0 probe=0\n"
_REFUSED = re.compile(r"protocol=\d+ is not a whole number from \d+ to (\d+)")  # how builds of ours do, by their own
_EMULATORS = {  # by e_machine: of Debian's packages, static ones first
    "EM_AARCH64": ("qemu-aarch64-static", "qemu-aarch64"),
    "EM_ARM": ("qemu-arm-static", "qemu-arm"),
}
_PROTOCOL = re.compile(r"^#define PROTOCOL_VERSION (\d+)$", re.MULTILINE)


def protocol_in(tree: Path) -> str:
    """The version that the sources of a tree speak; empty where nothing tells it."""
    for file in sorted((tree / "native").rglob("protocol.h")):
        if found := _PROTOCOL.search(file.read_text("utf-8", "replace")):
            return found[1]
    return ""


def check_protocol(what: str, theirs: str, ours: str) -> None:
    """Raises UsageError where that is another version than ours."""
    if theirs != ours:
        speaks = f"speaks worker protocol {theirs}" if theirs else "tells no version of the worker protocol"
        raise UsageError(
            f"{what}: {speaks}, this checkout protocol {ours}: one run cannot measure both",
            "name a build whose protocol is the same",
        )


def greet(what: str, program: Path, ours: str) -> None:
    """Raises UsageError unless the program answers as a worker of our protocol."""
    answer = _greeted([str(program)], ours)
    if (told := _told_in(answer)) is not None:
        check_protocol(what, told, ours)
        return
    said = f"said {answer[:120]!r}" if answer else "gave no answer"
    raise UsageError(
        f"{what}: is no convbench of worker protocol {ours}: greeted as a worker it {said}",
        "name a convbench whose protocol is the same",
    )


def greet_emulated(what: str, program: Path, machine: str, ours: str) -> None:
    """Raises UsageError where a program for another machine tells another protocol, run by an emulator.

    Without an emulator, and where the program does not run in it, nothing is known, and nothing is raised.
    """
    names = _EMULATORS.get(machine, ())
    emulator = next((path for name in names if (path := shutil.which(name))), None)
    if emulator is not None and (told := _told_in(_greeted([emulator, str(program)], ours))):
        check_protocol(what, told, ours)


def _greeted(command: Sequence[str], ours: str) -> str:
    return unquote(_answer(command, _HELLO.format(ours, min(own_cpus()))))


def _told_in(answer: str) -> str | None:
    """The protocol that an answer tells; empty where it greets without, None where it is no answer of a worker."""
    if answer.startswith("hello "):
        found = re.search(r" protocol=(\d+)", answer)
        return found[1] if found else ""
    refused = _REFUSED.search(answer)
    return refused[1] if refused else None


def _answer(command: Sequence[str], request: str) -> str:
    """Its first line; empty where it gives none."""
    mine, other = socket.socketpair()
    with mine, other:
        argv = [sys.executable, "-c", _AS_WORKER, str(other.fileno()), *command, "worker"]
        null = subprocess.DEVNULL
        with subprocess.Popen(
            argv, stdin=null, stdout=null, stderr=null, pass_fds=[other.fileno()], start_new_session=True
        ) as process:
            other.close()
            try:
                said = _said(mine, request.encode(), time.monotonic() + _DEADLINE_S)
            except OSError:
                return ""
            finally:
                mine.close()
                with suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)  # whatever it has started, too
    return said.partition(b"\n")[0].decode("utf-8", "replace")


def _said(mine: socket.socket, request: bytes, over_at: float) -> bytes:
    """What is answered until its first line is whole. Raises TimeoutError when that time is over, OSError."""

    def with_the_rest() -> None:
        mine.settimeout(max(over_at - time.monotonic(), 1e-3))  # 0 would not wait at all

    with_the_rest()
    mine.sendall(request)
    said = b""
    while b"\n" not in said and len(said) < _LONGEST:
        if time.monotonic() > over_at:
            raise TimeoutError
        with_the_rest()
        more = mine.recv(_LONGEST)
        if not more:
            break
        said += more
    return said
