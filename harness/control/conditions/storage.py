"""The work folder, and what earlier runs left on the phone."""

from __future__ import annotations

from harness.control.conditions.facts import Facts
from harness.control.conditions.known import known
from harness.model.condition import Condition

LEAST_BYTES = 64 << 20  # the program, its workers and a long run's records
_MOST_NAMES = 4


def work_folder(facts: Facts) -> Condition | None:
    """WORK_FOLDER."""
    folder = known(facts.folder)
    return Condition("WORK_FOLDER", folder.trouble, folder.remedy) if folder.trouble else None


def little_space(facts: Facts) -> Condition | None:
    """LITTLE_SPACE."""
    folder = known(facts.folder)
    free = known(folder.free_bytes)
    if free >= LEAST_BYTES:
        return None
    return Condition("LITTLE_SPACE", f"{free >> 20} MiB are free, less than {LEAST_BYTES >> 20}")


def orphans(facts: Facts) -> Condition | None:
    """ORPHANS."""
    folder = known(facts.folder)
    if facts.in_use or not (folder.runs or folder.programs):
        return None
    names = sorted({*folder.runs, *folder.programs})
    more = f" and {len(names) - _MOST_NAMES} more" if len(names) > _MOST_NAMES else ""
    busy = f", {len(folder.programs)} program{'s' * (len(folder.programs) != 1)} running" if folder.programs else ""
    return Condition("ORPHANS", f"left by runs: {', '.join(names[:_MOST_NAMES])}{more}{busy}")


def pending_settings(facts: Facts) -> Condition | None:
    """PENDING_SETTINGS."""
    pending = known(facts.pending)
    if facts.in_use or not pending:
        return None
    return Condition("PENDING_SETTINGS", f"an earlier run left changed: {', '.join(pending)}")


def quarantined(facts: Facts) -> Condition | None:
    """QUARANTINED."""
    return None if facts.quarantine is None else facts.quarantine.condition()
