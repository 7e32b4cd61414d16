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
    "STARTING": Kind(
        "a phone that starts is busy with it",
        "wait until Android has started; where it has, and does not say so: --allow STARTING",
        stops=True,
    ),
    "TWO_CONNECTIONS": Kind(
        "one phone is listed by several addresses: it is measured once, by one of them",
        "nothing has to be done; --device takes either name",
    ),
    "SAME_SERIAL": Kind(
        "phones with one serial number are taken for each other where nothing else tells them apart",
        "nothing has to be done where they are told apart by android_id; else leave each on its USB port or address",
    ),
    "QUARANTINED": Kind(
        "the phone was left in a state in which it must not be measured",
        "look after the phone, then: harness doctor --release DEVICE",
        stops=True,
    ),
    "UNLOCKED": Kind(
        "another harness, of this host or of another one, may measure on the same device at the same time",
        "mend what the message names; until then let one run at a time use the device",
    ),
    "JOURNAL_DAMAGED": Kind(
        "it tells what an earlier run changed on the phone: that may not be put back",
        "look at the file that was kept aside, and set by hand what it names",
    ),
    "JOURNAL_UNWRITABLE": Kind(
        "after a kill no other host can put the phone's settings back, only this one",
        "let the shell write to the phone's /data/local/tmp; do not remove this host's state folder before the end",
    ),
    "PENDING_SETTINGS": Kind(
        "the phone is not as its owner left it",
        "set it by hand, or attach the phone and run: harness restore",
    ),
    "SETTING_CHANGED": Kind(
        "somebody else, or the phone itself, set it meanwhile: a part may have been measured under that value",
        "keep others from the phone while it is measured; set it by hand where it is not as you want it",
    ),
    "SETTING_REFUSED": Kind(
        "the phone may change while it is measured (screen off, lower clocks)",
        "on the phone: Developer options, 'USB debugging (Security settings)' or the like; or set it by hand",
    ),
    "SENSOR_SILENT": Kind(
        "a file that never answers holds up whoever reads it; it is left out",
        "nothing to do; where the phone has no other sensor that moves, reboot it",
    ),
    "SPACE_UNKNOWN": Kind(
        "a phone whose disk fills up ends the measurement in the middle",
        "see that the phone has some space left",
    ),
    "THERMAL_UNKNOWN": Kind(
        "nothing tells whether the phone is cool: it may be measured hot",
        "let it rest before and between runs; where the phone's battery can be asked: adb shell dumpsys battery",
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
