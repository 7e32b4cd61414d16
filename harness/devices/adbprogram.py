"""Which adb: the program that starts servers here, the one that a server of this machine is, and their versions."""

from __future__ import annotations

import contextlib
import re
import subprocess
from collections.abc import Collection
from pathlib import Path

from adbutils import AdbError, adb_path

from harness.devices import processes

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
    text = _said(program)
    match = re.search(r"^Version (\S+)", text, re.MULTILINE) or re.search(r"version (\S+)", text)
    return match[1] if match else ""


def protocol(program: str) -> int:
    """The protocol's version that it speaks (41 of ``Android Debug Bridge version 1.0.41``). Raises ValueError."""
    match = re.search(r"Android Debug Bridge version \d+\.\d+\.(\d{1,6})", _said(program))
    if not match:
        raise ValueError(f"{program} does not tell its version")
    return int(match[1])


def _said(program: str) -> str:
    """What ``adb version`` prints; empty where it does not run."""
    try:
        done = subprocess.run(
            [program, "version"], stdin=subprocess.DEVNULL, capture_output=True, check=False, timeout=20
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.decode("utf-8", "replace")


def port_here(address: str) -> int | None:
    """The port of a server of this machine, by its HOST:PORT; None for one elsewhere."""
    host, _, port = address.rpartition(":")
    return int(port) if host.strip("[]") in LOOPBACK and port.isdecimal() else None


def is_tunnel(program: str) -> bool:
    """Whether what listens is ssh: the adb server behind it runs on another host."""
    return Path(program).name in ("ssh", "sshd")


def user_of(port: int) -> int | None:
    """The user id that listens on a TCP port of this machine; None where the system does not tell."""
    if processes.IS_MAC:
        found = processes.listener_by_lsof(port)
        return None if found is None else found[1]
    return next((int(fields[7]) for fields in _sockets(port) if fields[7].isdecimal()), None)


def listening(port: int) -> str:
    """The program behind a listening TCP port of this machine; empty where the system does not tell us."""
    if processes.IS_MAC:
        found = processes.listener_by_lsof(port)
        return "" if found is None else found[0]
    sockets = {f"socket:[{inode}]" for inode in _inodes(port)}
    for process in Path("/proc").iterdir() if sockets else ():
        if process.name.isdigit():
            with contextlib.suppress(OSError):  # ended meanwhile, or another user's
                if any(_links_to(link, sockets) for link in (process / "fd").iterdir()):
                    return str((process / "exe").readlink())
    return ""


def _links_to(link: Path, names: Collection[str]) -> bool:
    try:
        return str(link.readlink()) in names
    except OSError:  # closed meanwhile
        return False


def _inodes(port: int) -> list[str]:
    return [fields[9] for fields in _sockets(port)]


def _sockets(port: int) -> list[list[str]]:
    """The fields of /proc/net/tcp of the sockets that listen on a port."""
    found = []
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        with contextlib.suppress(OSError):
            for line in Path(table).read_text().splitlines()[1:]:
                fields = line.split()
                if fields[3] == _LISTENING and int(fields[1].rpartition(":")[2], 16) == port:
                    found.append(fields)
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
