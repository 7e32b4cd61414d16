"""Where a farm is, the token that it knows its user by, and the addresses that it gives for adb."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from ipaddress import ip_address
from pathlib import Path
from urllib.parse import urlsplit

from harness.errors import InfrastructureError, UsageError

VARIABLE = "STF_TOKEN"
_API = "/api/v1"
_TUNNEL = 7100  # a port of this machine, as an example
_SEGMENT = re.compile(r"(?!\.+$)[A-Za-z0-9._~-]+")
_HOST = re.compile(r"(?!-)[A-Za-z0-9.-]{1,253}(?<!-)")
_TOKEN = re.compile(r"[\x21-\x7e]{8,4096}")
_LONGEST_TOKEN = 8192  # bytes of its file


@dataclass(frozen=True)
class FarmUrl:
    """The address of a farm's pages; the API lies below it."""

    scheme: str
    host: str  # a name, or an address without brackets
    port: int
    path: str = ""  # "" or "/farm"

    @property
    def api(self) -> str:
        """The path that all calls begin with."""
        return self.path + _API

    @property
    def is_here(self) -> bool:
        """Whether it is this machine, or a tunnel that begins here."""
        return is_loopback(self.host)

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.scheme}://{host}:{self.port}{self.path}"


@dataclass(frozen=True)
class Token:
    """What a farm knows its user by. It is shown nowhere."""

    text: str

    @property
    def digest(self) -> str:
        """What tells it from other tokens, and tells nothing of it."""
        return sha256(self.text.encode()).hexdigest()[:12]

    def __repr__(self) -> str:
        return "Token(...)"


def parse_url(text: str) -> FarmUrl:
    """``https://farm.example/`` as a FarmUrl. Raises UsageError, also for http:// to another host."""
    try:
        parts = urlsplit(text.strip())
        port = parts.port or (443 if parts.scheme == "https" else 80)
    except ValueError:
        raise _no_url(text) from None
    host = parts.hostname or ""
    segments = [segment for segment in parts.path.split("/") if segment]
    if parts.username is not None or parts.password is not None:
        raise UsageError(  # it is not repeated: somebody's password stands in it
            "--stf: the address holds a user's name or a password",
            f"leave it out: the farm knows you by the token in the environment variable {VARIABLE}",
        )
    plain = parts.scheme in ("http", "https") and not parts.query and not parts.fragment
    if not plain or not _is_host(host) or not all(map(_SEGMENT.fullmatch, segments)):
        raise _no_url(text)
    url = FarmUrl(parts.scheme, host, port, "".join(f"/{segment}" for segment in segments))
    if url.scheme == "http" and not url.is_here:
        raise UsageError(
            f"--stf {url}: over http:// anybody on the way could read the token",
            f"use https://; where the farm has none, a tunnel: ssh -L {_TUNNEL}:127.0.0.1:{url.port} {host}, and "
            f"--stf http://127.0.0.1:{_TUNNEL}{url.path}",
        )
    return url


def read_token(file: Path | None, environment: Mapping[str, str] | None = None) -> Token:
    """The token of the file, else of STF_TOKEN. Raises UsageError where there is none, or no token in it."""
    environment = os.environ if environment is None else environment
    if file is None:
        text, where = environment.get(VARIABLE, ""), VARIABLE
        if not text:
            raise UsageError(
                "--stf needs a token of the farm, and there is none",
                f"make one in the farm's pages (Settings, Keys, Access Tokens) and set {VARIABLE}, or --stf-token FILE",
            )
    else:
        where = f"--stf-token {file}"
        try:
            with file.open("rb") as stream:
                text = stream.read(_LONGEST_TOKEN).decode("ascii", "replace")
        except OSError as error:
            raise UsageError(f"{where}: {error.strerror or error}", "name a file that holds the token alone") from None
    if not _TOKEN.fullmatch(text.strip()):
        raise UsageError(f"{where}: this is no token", "it is one word of at least 8 ASCII characters, alone")
    return Token(text.strip())


def parse_adb_address(text: object, farm: FarmUrl) -> str:
    """The HOST:PORT that a farm gives for ``adb connect``. Raises InfrastructureError for anything else.

    A farm elsewhere must not make adb connect to what listens on this machine.
    """
    match = (
        re.fullmatch(r"(?:\[([0-9A-Fa-f:.]{2,45})\]|([^:\[\]]+)):([0-9]{1,5})", text) if isinstance(text, str) else None
    )
    host = (match[1] or match[2]) if match else ""
    if not match or not _is_host(host) or not 0 < int(match[3]) < 65536:
        raise InfrastructureError(
            f"the farm {farm} gave no HOST:PORT to connect adb to: {str(text)[:80]!r}",
            "ask whoever runs it what its providers' --connect-url-pattern is",
        )
    if _is_of_this_machine(host) and not farm.is_here:
        raise InfrastructureError(
            f"the farm {farm} gave an address of this machine to connect adb to: {text}",
            "ask whoever runs it to name the providers' hosts (--public-ip) as other machines see them",
        )
    return str(text)


def is_loopback(host: str) -> bool:
    """Whether a host's name or address is this machine, or a tunnel that begins here."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host.lower() == "localhost" or host.lower().endswith(".localhost")


def _is_of_this_machine(host: str) -> bool:
    try:
        address = ip_address(host)
    except ValueError:
        return is_loopback(host)
    return address.is_loopback or address.is_unspecified or address.is_link_local


def _is_host(host: str) -> bool:
    if ":" in host:
        try:
            return ip_address(host).version == 6 and "%" not in host
        except ValueError:
            return False
    return bool(_HOST.fullmatch(host)) and ".." not in host


def _no_url(text: str) -> UsageError:
    return UsageError(f"--stf {text[:200]!r}: no address of a farm", "write it as in https://farm.example")
