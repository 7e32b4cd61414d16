"""The work folder, and what earlier runs left on the phone and on this host."""

from __future__ import annotations

from harness.control.conditions.facts import Facts
from harness.control.conditions.known import known
from harness.control.orphans import Leftover
from harness.model.condition import Condition

LEAST_BYTES = 64 << 20  # the program, its workers and a long run's records
_MOST_NAMES = 4
_LATER = "look at the file, which the next run on the phone, or harness restore, keeps aside"


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
    left = known(facts.leftovers)
    if not left:
        return None
    more = f" and {len(left) - _MOST_NAMES} more" if len(left) > _MOST_NAMES else ""
    return Condition("ORPHANS", f"left by dead runs: {', '.join(map(_words, left[:_MOST_NAMES]))}{more}")


def _words(left: Leftover) -> str:
    """The run, and what there is of it."""
    count = len(left.programs)
    running = f"{count} program{'s' * (count != 1)} running" if count else ""
    what = " and ".join(filter(None, (running, "records" if left.has_records else "")))
    return f"{left.run} ({what})" if what else left.run


def pending_settings(facts: Facts) -> Condition | None:
    """PENDING_SETTINGS."""
    pending = known(facts.remembered).pending
    if facts.in_use or not pending:
        return None
    return Condition("PENDING_SETTINGS", f"an earlier run left changed: {', '.join(pending)}")


def quarantined(facts: Facts) -> Condition | None:
    """QUARANTINED."""
    quarantine = known(facts.remembered).quarantine
    return None if quarantine is None else quarantine.condition()


def journal_damaged(facts: Facts) -> Condition | None:
    """JOURNAL_DAMAGED."""
    damaged = known(facts.remembered).damaged_journal
    return Condition("JOURNAL_DAMAGED", damaged, f"{_LATER}; set by hand what it names") if damaged else None


def quarantine_damaged(facts: Facts) -> Condition | None:
    """QUARANTINE_DAMAGED."""
    damaged = known(facts.remembered).damaged_quarantine
    return Condition("QUARANTINE_DAMAGED", damaged) if damaged else None
