"""What a run did to a device's settings: settings.jsonl, a line for each setting. Nothing of it is trusted."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

_LONGEST = 200  # characters of a value
_MOST = 50
# What each step's outcome is in words; `read` is no outcome.
SET = {"changed": "set, not verified", "verified": "set and verified", "refused": "refused"}
ENDINGS = {
    "restored": "put back",
    "already": "was as before",
    "left": "left: somebody else has set it",
    "reset": "reset to its default: what it was before cannot be read",
    "restore failed": "not put back: harness restore",
}


@dataclass(frozen=True)
class SettingDone:
    """One setting: what it was and became, in words where that is not known."""

    name: str
    before: str
    ours: str
    outcome: str
    ending: str

    @property
    def is_open(self) -> bool:
        """Whether it may be another one than before."""
        return self.ending not in (ENDINGS["restored"], ENDINGS["already"])


def settings_done(lines: Iterable[Mapping[str, Any]]) -> list[SettingDone]:
    """The settings that were changed or refused, in the order of their first step."""
    found: dict[str, dict[str, Any]] = {}
    for line in lines:
        name, step = line.get("setting"), line.get("step")
        if not isinstance(name, str) or not isinstance(step, str):
            continue
        known = found.setdefault(name[:_LONGEST], {})
        if step in SET:
            known |= {"outcome": SET[step], "saved": line.get("saved", known.get("saved")), "ours": line.get("ours")}
            known.pop("ending", None)  # set once more by a later attempt
        elif step in ENDINGS:
            known["ending"] = ENDINGS[step]
    return [
        SettingDone(
            name,
            _text(known.get("saved")),
            _text(known.get("ours")),
            known["outcome"],
            known.get("ending", "" if known["outcome"] == SET["refused"] else "nothing is on record"),
        )
        for name, known in list(found.items())[:_MOST]
        if "outcome" in known
    ]


def _text(value: object) -> str:
    return "unknown" if value is None else " ".join(str(value).split())[:_LONGEST]
