"""Conditions of a device, or of this host, that a measurement has to know of: each has a name, a reason, a remedy."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True)
class Kind:
    """What is known of a condition beforehand. ``stops``: a device with it is not measured, unless it is allowed."""

    why: str  # why it matters
    remedy: str
    stops: bool = False


# By name; a name stands in no other place but where the condition is found.
KINDS: dict[str, Kind] = {
    "ORPHANS": Kind(
        "programs that a dead run left slow down what is measured beside them",
        "stop them: harness restore; or restart the phone",
    ),
    "SETTING_REFUSED": Kind(
        "the phone may change while it is measured (screen off, lower clocks)",
        "on the phone: Developer options, 'USB debugging (Security settings)' or the like; or set it by hand",
    ),
}


@dataclass(frozen=True)
class Condition:
    """A condition that was found: its name, what was seen, what to do."""

    name: str
    what: str
    remedy: str = ""  # where the one of its kind does not fit

    @property
    def kind(self) -> Kind:
        """What is known of it beforehand."""
        return KINDS[self.name]

    @property
    def text(self) -> str:
        """One message: what, and the remedy on a line of its own."""
        return f"{self.name}: {self.what}\n  {self.remedy or self.kind.remedy}"

    def as_json(self) -> dict[str, Any]:
        """All of it as JSON-ready values, as it stands in events.jsonl and in --json."""
        kind = asdict(self.kind)
        return {**kind, **asdict(self), "remedy": self.remedy or self.kind.remedy}
