"""The address of a scheduler: unencrypted on this machine alone."""

from __future__ import annotations

import ipaddress
import re
import socket
from dataclasses import dataclass

from harness.errors import UsageError

_FORM = re.compile(r"(tcp|tls)://(\[[0-9A-Fa-f:.]{2,45}\]|[A-Za-z0-9._-]{1,253}):([0-9]{1,5})")
_REMEDY = "write it as in tcp://127.0.0.1:8786, or tls://lab.example.org:8786 with --certificates DIR"


@dataclass(frozen=True)
class Address:
    """Where a scheduler listens; ``host`` as it was given."""

    scheme: str  # "tcp" or "tls"
    host: str
    port: int

    @property
    def is_encrypted(self) -> bool:
        return self.scheme == "tls"

    def __str__(self) -> str:
        return f"{self.scheme}://{self.host}:{self.port}"


def parse(text: str) -> Address:
    """The address of --scheduler. Raises UsageError where it is none, or unencrypted and not on this machine."""
    found = _FORM.fullmatch(text)
    if found is None or not 0 < int(found[3]) < 65536:
        raise UsageError(f"--scheduler {text}: not an address of a scheduler", _REMEDY)
    address = Address(found[1], found[2], int(found[3]))
    if not address.is_encrypted and not is_loopback(address.host):
        raise UsageError(
            f"--scheduler {text}: tcp:// is not encrypted, and {address.host} is not this machine alone",
            "whoever reaches a scheduler can run programs on its hosts: use tls:// and --certificates DIR "
            "(made by: harness host certificates --out DIR)",
        )
    return address


def is_loopback(host: str) -> bool:
    """Whether every address of that host is one of this machine alone; a name that is not known is none."""
    bare = host.strip("[]")
    try:
        return ipaddress.ip_address(bare).is_loopback
    except ValueError:
        pass
    try:
        found = {str(info[4][0]) for info in socket.getaddrinfo(bare, None)}
    except OSError:
        return False
    return bool(found) and all(ipaddress.ip_address(each.partition("%")[0]).is_loopback for each in found)


def check_listening(told: str) -> None:
    """Raises UsageError where a scheduler says that it listens unencrypted on more than this machine alone."""
    found = _FORM.fullmatch(told)
    if found is None or (found[1] == "tcp" and not is_loopback(found[2])):
        raise UsageError(
            f"the scheduler listens at {told[:80]!r}, unencrypted and not on this machine alone",
            "start it with --host 127.0.0.1, or with tls (docs/hosts.md)",
        )
