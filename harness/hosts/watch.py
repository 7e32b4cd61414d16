"""Which hosts are there, by the signs of life that the scheduler has of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from harness import __version__
from harness.hosts.schema import VERSION
from harness.hosts.serving import KEY
from harness.hosts.sources import sources_digest
from harness.model.wording import shown

SILENCE_S = 30.0  # a host that is heard of every second or two is cut off then, whatever its connection says


@dataclass(frozen=True)
class Host:
    """A worker at the scheduler that says that it is a host of this tool."""

    address: str
    name: str
    version: str
    sources: str  # as of sources_digest; empty where it does not say
    fits: bool  # it understands what this front end says
    phones: frozenset[str] = frozenset()  # digests of those that it offers, as the scheduler has it

    @staticmethod
    def of(address: str, worker: Mapping[str, Any]) -> Host | None:
        """From what the scheduler tells of a worker; None where it is none of ours."""
        told = worker.get(KEY)
        if not isinstance(told, Mapping):
            return None
        version = str(told.get("version"))
        sources = str(told.get("sources") or "")
        fits = (version, told.get("schema"), sources) == (__version__, VERSION, sources_digest())
        name = shown(str(told.get("name")), quote=False)
        offered = worker.get("resources")
        names = [str(each) for each, count in offered.items() if count] if isinstance(offered, Mapping) else []
        phones = frozenset(each.removeprefix("phone-") for each in names if each.startswith("phone-"))
        return Host(address, name, shown(version, quote=False), shown(sources, quote=False), fits, phones)


@dataclass
class Watch:
    """Tells hosts that are gone. A clock of another machine is never compared with the one here."""

    silence_s: float = SILENCE_S
    _heard: dict[str, tuple[float, float]] = field(default_factory=dict)  # last sign of life, when it was new here

    def gone(self, workers: Mapping[str, Mapping[str, Any]], addresses: set[str], now: float) -> dict[str, str]:
        """Those of the addresses that are gone, and why. ``workers``: by address, as the scheduler tells of them.

        ``now``: in seconds, of any clock that only goes on.
        """
        found = {}
        for address in addresses:
            worker = workers.get(address)
            if worker is None:
                found[address] = "it has left the scheduler, or its connection broke"
                continue
            seen = float(worker.get("last_seen", 0.0))
            last, since = self._heard.get(address, (-1.0, now))
            if seen != last:
                self._heard[address] = (seen, now)
            elif now - since > self.silence_s:
                found[address] = f"it was not heard of for {now - since:.0f} s"
        return found

    def begin_again(self, now: float) -> None:
        """The scheduler itself did not answer for a while, which is not counted against hosts."""
        self._heard = {address: (last, now) for address, (last, _) in self._heard.items()}
