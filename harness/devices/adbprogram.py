"""Which adb: the program that starts servers here, the one that a server of this machine is, and their versions."""

from __future__ import annotations

import contextlib
import re
import subprocess
from pathlib import Path

from adbutils import AdbError, adb_path

LOOPBACK = ("127.0.0.1", "localhost", "::1")
_LISTENING = "0A"  # of /proc/net/tcp


def own() -> str:
    """The adb that starts a server where none runs: $ADBUTILS_ADB_PATH, else that of PATH, else the adbutils wheel's.

    PATH comes before the wheel because adb ends a server of another version than its own: one that was started by
    another adb than the user's would end, in the middle of a run, with the next `adb` that the user types. Empty
    where there is none.
    """
    try:
        return str(adb_path())
    except AdbError:
        return ""


def version(program: str) -> str:
    """What ``adb version`` says of itself (``29.0.6-debian``); empty where it does not run."""
    try:
        done = subprocess.run(
            [program, "version"], stdin=subprocess.DEVNULL, capture_output=True, check=False, timeout=20
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    text = done.stdout.decode("utf-8", "replace")
    match = re.search(r"^Version (\S+)", text, re.MULTILINE) or re.search(r"version (\S+)", text)
    return match[1] if match else ""


def listening(port: int) -> str:
    """The program behind a listening TCP port of this machine; empty where the system does not tell us."""
    sockets = {f"socket:[{inode}]" for inode in _inodes(port)}
    if sockets:
        for link in Path("/proc").glob("[0-9]*/fd/*"):
            with contextlib.suppress(OSError):  # ended, or another user's
                if str(link.readlink()) in sockets:
                    return str((link.parent.parent / "exe").readlink())
    return ""


def _inodes(port: int) -> list[str]:
    found = []
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        with contextlib.suppress(OSError):
            for line in Path(table).read_text().splitlines()[1:]:
                fields = line.split()
                if fields[3] == _LISTENING and int(fields[1].rpartition(":")[2], 16) == port:
                    found.append(fields[9])
    return found


def serving(host: str, port: int) -> str:
    """Program and version of the adb server at host:port; empty where it runs elsewhere or the system does not tell.

    Only our own adb is run to ask for its version: another file may be anybody's.
    """
    program = listening(port) if host in LOOPBACK else ""
    ours = own()
    with contextlib.suppress(OSError):
        if program and ours and Path(program).samefile(ours):
            return f"{program} {version(program)}".strip()
    return program
