"""What an adb server lists: serials with their states; phones with the same serial by USB port or transport id."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from harness.devices.transport import Server


@dataclass(frozen=True)
class Twin:
    """How to reach one of several phones that a server lists by the same serial.

    A transport id is new after each reconnection, the USB port stays: the id is looked up by the port each time.
    """

    listed_as: str
    port: str  # "usb:1-2", empty where the server tells none
    transport_id: int

    @property
    def name(self) -> str:
        """A serial that no other phone of the server has; `adb -s` takes a port as well."""
        return self.port or f"transport_id:{self.transport_id}"

    def present_id(self, server: Server) -> int | None:
        """Its transport id now; None where it is not attached."""
        found = [twin for twin, _ in _twins(server.query("host:devices-l"), self.listed_as)]
        return next((twin.transport_id for twin in found if twin.name == self.name), None)


@dataclass(frozen=True)
class Listed:
    """An entry of a server's list. ``twin``: where the serial alone does not do."""

    server: Server
    serial: str  # unique on the server
    state: str
    twin: Twin | None = None

    @property
    def names(self) -> tuple[str, ...]:
        """What a user may call it."""
        return (self.serial,) if self.twin is None else (self.serial, self.twin.listed_as)


def entries(server: Server) -> Iterator[Listed]:
    """All that a server lists. Raises what adbutils raises, OSError, EOFError, ValueError."""
    found = []
    for line in server.query("host:devices").splitlines():
        serial, _, state = line.strip().partition("\t")
        if serial and state:
            found.append((serial, state.strip()))
    count = Counter(serial for serial, _ in found)
    for serial, state in found:
        if count[serial] == 1:
            yield Listed(server, serial, state)
    repeated = [serial for serial, times in count.items() if times > 1]
    details = server.query("host:devices-l") if repeated else ""
    for serial in repeated:
        for twin, state in _twins(details, serial):
            yield Listed(server, twin.name, state, twin)


def _twins(details: str, serial: str) -> Iterator[tuple[Twin, str]]:
    """The entries of that serial in the long list, each with its state."""
    for line in details.splitlines():
        head = f"{serial:<22} "
        number = re.search(r"\btransport_id:(\d{1,9})\b", line)
        if line.startswith(head) and number:
            rest = line[len(head) :]
            port = re.search(r"(?:^| )(usb:\S+)", rest)
            state = re.split(r" (?:usb|product|model|device|transport_id):", rest, maxsplit=1)[0].strip()
            yield Twin(serial, port[1] if port else "", int(number[1])), state
