"""adb servers: which ones to ask, and starting the default one of this machine."""

from __future__ import annotations

import os
import re
import subprocess
import tempfile
from collections.abc import Mapping, Sequence

from adbutils import AdbError

from harness.devices import adbprogram
from harness.devices.listing import entries
from harness.devices.transport import Deadline, Server
from harness.errors import InfrastructureError, UsageError

DEFAULT_PORT = 5037
_CONNECT_S = 20.0  # adb itself gives up after 10
# What asking a server raises where there is none, or it refuses.
FAILURES = (AdbError, OSError, EOFError, ValueError)


def parse(text: str, named_by: str) -> Server:
    """HOST:PORT, [V6]:PORT, HOST or :PORT. Raises UsageError naming ``named_by``."""
    match = re.fullmatch(r"(?:\[([^\]\s]+)\]|([^:\s\[\]]*))(?::(\d{1,5}))?", text.strip())
    port = int(match[3] or DEFAULT_PORT) if match else 0
    if not match or not text.strip() or not 0 < port < 65536:
        raise UsageError(f"{named_by}: {text!r} is not an adb server", "write HOST:PORT, for example 127.0.0.1:5037")
    return Server(match[1] or match[2] or "127.0.0.1", port)


def default(environment: Mapping[str, str] | None = None) -> tuple[Server, str]:
    """The server of adb's own environment variables and the variable's name; 127.0.0.1:5037 and "" without any."""
    environment = os.environ if environment is None else environment
    if socket := environment.get("ADB_SERVER_SOCKET", ""):
        kind, _, address = socket.partition(":")
        if kind != "tcp" or not address:
            raise UsageError(f"ADB_SERVER_SOCKET={socket!r} is not supported", "write tcp:HOST:PORT, or unset it")
        return parse(f":{address}" if address.isdigit() else address, "ADB_SERVER_SOCKET"), "ADB_SERVER_SOCKET"
    host, port = environment.get("ANDROID_ADB_SERVER_HOST", ""), environment.get("ANDROID_ADB_SERVER_PORT", "")
    if not host and not port:
        return Server("127.0.0.1", DEFAULT_PORT), ""
    name = "ANDROID_ADB_SERVER_HOST" if host else "ANDROID_ADB_SERVER_PORT"
    bracketed = f"[{host}]" if ":" in host else host
    return parse(f"{bracketed}:{port or DEFAULT_PORT}", name), name


def choose(named: Sequence[str]) -> tuple[Server, ...]:
    """The answering servers to ask: the named ones, else the default one, started where it is absent.

    Raises InfrastructureError where one does not answer, UsageError where one is misspelt.
    """
    if named:
        servers = tuple({str(server): server for server in (parse(text, "--adb-server") for text in named)}.values())
        for server in servers:
            if reason := silence(server):
                raise InfrastructureError(
                    f"adb server {server} does not answer ({reason})",
                    "start it there with `adb -a start-server`, or check HOST:PORT of --adb-server",
                )
        return servers
    server, variable = default()
    if reason := silence(server):
        if server.host not in adbprogram.LOOPBACK:
            raise InfrastructureError(
                f"adb server {server} ({variable}) does not answer ({reason})", f"start it there, or unset {variable}"
            )
        start(server)
    return (server,)


def silence(server: Server) -> str:
    """Why a server does not answer as adb; empty where it does."""
    try:
        with server.request("host:version", Deadline(5)) as connection:
            int(connection.read_string_block(), 16)
    except FAILURES as error:
        return str(error).strip() or type(error).__name__
    return ""


def protocol_of(address: str) -> int:
    """The protocol's version that a server speaks. Raises InfrastructureError."""
    try:
        with parse(address, "adb server").request("host:version", Deadline(5)) as connection:
            return int(connection.read_string_block(), 16)
    except FAILURES as error:
        raise InfrastructureError(f"adb server {address} tells no version ({error})") from None


def states(server: Server) -> dict[str, str]:
    """What it lists: states by serial. Raises InfrastructureError."""
    try:
        return {entry.serial: entry.state for entry in entries(server)}
    except FAILURES as error:
        raise InfrastructureError(f"adb server {server} gave no list of devices ({error})") from None


def connect(address: str, phone: str) -> None:
    """Has the adb server at that address connect to a phone's HOST:PORT. Raises InfrastructureError where it cannot.

    Whether the phone lets it in shows its state.
    """
    answer = _asked(address, f"host:connect:{phone}", _CONNECT_S)
    if not re.match(r"(already )?connected to ", answer) and phone not in states(parse(address, "adb server")):
        raise InfrastructureError(
            f"adb cannot connect to {phone}: {answer[:200] or 'no reason given'}",
            "see that the host of the adb server reaches that address: a firewall, a VPN",
        )


def disconnect(address: str, phone: str) -> None:
    """Has the adb server at that address end its connection to a phone's HOST:PORT. Raises InfrastructureError."""
    _asked(address, f"host:disconnect:{phone}", 5.0)


def _asked(address: str, command: str, seconds: float) -> str:
    try:
        return parse(address, "adb server").query(command, seconds).strip()
    except FAILURES as error:
        raise InfrastructureError(f"adb server {address}: {command.split(':')[1]}: {error}") from None


def start(server: Server) -> None:
    """Starts adb's server on this machine. Raises InfrastructureError where there is no adb, or it does not start."""
    program = adbprogram.own()
    if not program:
        raise InfrastructureError(
            f"no adb server at {server}, and no adb to start one", "install Android's platform-tools or pip's adbutils"
        )
    reason = ""
    with tempfile.TemporaryFile() as output:  # a pipe would be held open by the server itself
        try:
            code = subprocess.run(
                [program, "-P", str(server.port), "start-server"],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                check=False,
                timeout=30,
            ).returncode
        except (OSError, subprocess.TimeoutExpired) as error:
            reason = str(error)
        else:
            output.seek(0)
            tail = output.read().decode("utf-8", "replace").strip().splitlines()[-3:]
            reason = " ".join(tail) if code else silence(server)
    if reason:
        raise InfrastructureError(
            f"no adb server at {server}, and {program} start-server failed: {reason}",
            "start it by hand with `adb start-server` and look at what it prints",
        )
