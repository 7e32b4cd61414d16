"""This host: its adb, its NDK, its disk, the locks of its runs."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from harness.control.conditions import left
from harness.control.conditions.known import NotKnown, known
from harness.devices.base import AdbServer
from harness.errors import HarnessError, UsageError
from harness.model.condition import Condition
from harness.paths import build_root, state_root
from harness.toolchain import ndk

LEAST_BYTES = 1 << 30


@dataclass(frozen=True)
class Server:
    """An adb server: its protocol's version; of one on this machine its program, its owner's user id."""

    address: str
    protocol: int | NotKnown
    is_here: bool = False
    program: str = ""  # with its version; empty where the system does not tell
    user: int | None = None


@dataclass(frozen=True)
class Adb:
    """Our own adb, and the servers that were asked."""

    program: str
    protocol: int | NotKnown  # that it speaks; a server of another one is ended by it
    servers: tuple[Server, ...]


@dataclass(frozen=True)
class HostFacts:
    """What is known of this host; ``adb`` None: none was asked."""

    adb: Adb | NotKnown | None
    ndk: str | NotKnown  # the one that would be used, empty for none
    ndk_refused: tuple[str, ...]  # what was passed over, and why
    free_bytes: Mapping[str, int]  # by folder
    holders: tuple[str, ...]  # who holds devices
    unlockable: str  # why devices cannot be reserved; empty where they can
    user: int


def read(servers: Sequence[AdbServer]) -> HostFacts:
    """Asks everything of this host that can be asked at once."""
    holders, unlockable = left.leases()
    refused: list[str] = []
    try:
        found = ndk.find(None, say=refused.append)
        name: str | NotKnown = "" if found is None else f"{found.path} ({found.revision})"
    except UsageError as error:
        refused.append(error.message)
        name = ""
    return HostFacts(
        adb=_adb(servers) if servers else None,
        ndk=name,
        ndk_refused=tuple(refused),
        free_bytes=_free([Path.cwd(), state_root(), build_root()]),
        holders=holders,
        unlockable=unlockable,
        user=os.getuid(),
    )


def _adb(servers: Sequence[AdbServer]) -> Adb | NotKnown:
    from harness.devices import adbprogram  # noqa: PLC0415  adb's modules are not loaded for "local"
    from harness.devices.servers import protocol_of  # noqa: PLC0415

    def server(asked: AdbServer) -> Server:
        port = None if adbprogram.is_tunnel(asked.adb) else adbprogram.port_here(asked.address)
        user = None if port is None else adbprogram.user_of(port)
        return Server(asked.address, _number(lambda: protocol_of(asked.address)), port is not None, asked.adb, user)

    program = adbprogram.own()
    return Adb(program, _number(lambda: adbprogram.protocol(program)), tuple(map(server, servers)))


def _number(question: Callable[[], int]) -> int | NotKnown:
    try:
        return question()
    except (HarnessError, ValueError, OSError) as error:
        return NotKnown(str(error) or type(error).__name__)


def _free(folders: Sequence[Path]) -> dict[str, int]:
    """Free bytes by folder, each file system once; a folder that is not there yet counts as its parent."""
    found: dict[int, tuple[str, int]] = {}
    for folder in folders:
        there = next((each for each in (folder, *folder.parents) if each.is_dir()), None)
        if there is not None:
            try:
                found.setdefault(there.stat().st_dev, (str(there), shutil.disk_usage(there).free))
            except OSError:
                continue
    return dict(found.values())


def adb_version(facts: HostFacts) -> Condition | None:
    """ADB_VERSION."""
    adb = known(facts.adb)
    if adb is None or not adb.program:
        return None
    for server in adb.servers:
        ours, theirs = known(adb.protocol), known(server.protocol)
        if server.is_here and ours != theirs:
            what = f"the server at {server.address} speaks version {theirs}, {adb.program} speaks {ours}"
            return Condition("ADB_VERSION", what)
    return None


def adb_server(facts: HostFacts) -> Condition | None:
    """ADB_SERVER."""
    adb = known(facts.adb)
    for server in adb.servers if adb is not None else ():
        if not server.is_here:
            continue
        if server.user is not None and server.user != facts.user:
            return Condition("ADB_SERVER", f"the server at {server.address} was started by user id {server.user}")
        if adb is not None and adb.program and server.program and not _is_program(server.program, adb.program):
            what = f"the server at {server.address} is {server.program}, the adb that is used here is {adb.program}"
            return Condition("ADB_SERVER", what)
    return None


def _is_program(told: str, program: str) -> bool:
    """Whether what is told of a server names that program: its version stands behind it where it is our own adb."""
    for path in (told, told.rpartition(" ")[0]):
        try:
            if path and Path(path).samefile(program):
                return True
        except OSError:
            continue
    return False


def no_ndk(facts: HostFacts) -> Condition | None:
    """NDK."""
    if known(facts.ndk):
        return None
    passed_over = "; ".join(facts.ndk_refused)
    return Condition("NDK", f"no usable NDK is found{f' ({passed_over})' if passed_over else ''}")


def host_disk(facts: HostFacts) -> Condition | None:
    """HOST_DISK."""
    full = [f"{free >> 20} MiB at {folder}" for folder, free in facts.free_bytes.items() if free < LEAST_BYTES]
    return Condition("HOST_DISK", f"less than {LEAST_BYTES >> 20} MiB are free: {', '.join(full)}") if full else None


def leases(facts: HostFacts) -> Condition | None:
    """LEASES."""
    if facts.unlockable:
        return Condition("LEASES", f"devices cannot be reserved: {facts.unlockable}", "mend what the message names")
    return Condition("LEASES", f"in use by {'; '.join(facts.holders)}") if facts.holders else None


CHECKS: Mapping[str, Callable[[HostFacts], Condition | None]] = {
    "ADB_VERSION": adb_version,
    "ADB_SERVER": adb_server,
    "NDK": no_ndk,
    "HOST_DISK": host_disk,
    "LEASES": leases,
}
