"""A phone of another host, as that host tells of it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from harness.devices.base import Identity, Topology
from harness.devices.phone_id import PhoneId
from harness.errors import InfrastructureError
from harness.hosts.schema import Phone

LINKERS = "/system/bin"  # where Android has its loaders of dynamic programs


@dataclass(frozen=True)
class DescribedPhone:
    """Answers what it is; all else is done by its host. ``address``: the host's, at the scheduler."""

    phone: Phone
    host: str
    address: str

    @cached_property
    def identity(self) -> Identity:
        """Whose ``host`` names the lab host too. Raises InfrastructureError where the host tells of none."""
        found = self.phone.read_identity(self.host)
        if found.kind != "adb" or PhoneId.of(found).digest != self.phone.digest:
            raise InfrastructureError(f"host {self.host} tells of a phone what cannot be", "look after that host")
        return found

    @property
    def serial(self) -> str:
        """As the host's adb server lists it."""
        return self.identity.serial

    def topology(self) -> Topology:
        """As it was when the host looked."""
        return self.phone.read_topology()

    def list_dir(self, path: str, *, deadline_s: float = 30.0) -> tuple[str, ...]:
        """Of its folders only the loaders of dynamic programs are known."""
        return tuple(self.phone.linkers) if path == LINKERS else ()
