"""Where a host's phones come from."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol

from harness.devices import discovery
from harness.devices.base import LOCAL, Attached, Device, Key, key_of
from harness.errors import UsageError
from harness.measure import naming


class Source(Protocol):
    """What is attached to a host."""

    def attached(self) -> Attached:
        """All of it, now. Raises HarnessError."""
        ...

    def present(self) -> Collection[Key]:
        """The keys of phones that are attached and ready. Raises HarnessError."""
        ...

    def newcomers(self, known: Collection[Key], beside: Sequence[Device]) -> Attached:
        """The usable phones that are attached by now, without the known ones, and all that cannot be used.

        Raises HarnessError.
        """
        ...

    def again(self, device: Device) -> Attached:
        """That phone alone, asked anew. Raises HarnessError where it is not there."""
        ...


@dataclass
class AdbSource:
    """Phones of adb servers. ``wanted``: as --device; empty: all."""

    wanted: Sequence[str] = ()
    servers: Sequence[str] = ()
    _at: Sequence[str] = field(default=(), init=False)
    _named: frozenset[Key] = field(default=frozenset(), init=False)  # where phones were named
    _look: discovery.Newcomers | None = field(default=None, init=False)

    def attached(self) -> Attached:
        """All that is wanted, and the unusable ones."""
        if LOCAL in self.wanted:
            raise UsageError("--device local: a host offers phones alone", "measure it there: harness run")
        found = naming.find(list(self.wanted) or [discovery.ALL], self.servers)
        self._at = [server.address for server in found.servers]
        self._look = discovery.Newcomers(self._at)
        self._named = frozenset((*map(key_of, found.devices), *(bad.key for bad in found.unusable)))
        return found

    def present(self) -> Collection[Key]:
        """As the adb servers list them."""
        return discovery.ready(self._at)

    def newcomers(self, known: Collection[Key], beside: Sequence[Device]) -> Attached:
        """Where phones were named, those alone; no other one is asked."""
        if self._look is None:
            return Attached()
        if not self.wanted or discovery.ALL in self.wanted:
            return self._look(known, beside)
        others = [key for key in self.present() if key not in self._named]
        found = self._look([*known, *others], beside)
        return replace(found, unusable=tuple(bad for bad in found.unusable if bad.key in self._named))

    def again(self, device: Device) -> Attached:
        """Over the same server."""
        return discovery.find([device.serial], [device.identity.host])
