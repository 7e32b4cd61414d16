"""The faults of a running phone, in its supervisor: begun at their time, ended at theirs."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from harness.errors import UsageError
from harness.lab.faults import Fault, parse
from harness.lab.faults.kind import End, Site


@dataclass
class _Entry:
    number: int
    fault: Fault
    left: int  # how often it is yet to happen; of commands: below 0 there is no count
    end: End | None = None
    has_happened: bool = False  # begun, or, where adbd does it to commands, seen by one of them

    @property
    def is_on(self) -> bool:
        return self.end is not None


class Active:
    """All faults that were asked for and are not over."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._entries: list[_Entry] = []
        self._next = 1

    def add(self, texts: Sequence[str]) -> None:
        """Takes faults in, all or none; begins those whose time is now. Raises UsageError, OSError.

        Where one is refused those that others took the place of are put back. What was over at once (a reboot) stays
        done, and the message says so.
        """
        before, on_before = list(self._entries), [entry for entry in self._entries if entry.is_on]
        done: list[str] = []  # that were over at once
        for fault in [parse(text) for text in texts]:
            if not (fault.kind.many or fault.kind.of_commands or fault.kind.at_once):
                self._end([entry for entry in self._entries if entry.fault.name == fault.name])
            entry = _Entry(self._next, fault, fault.when.times or (-1 if fault.kind.of_commands else 1))
            self._next += 1
            self._entries.append(entry)
            if not fault.when.is_triggered and not fault.when.in_s:
                try:
                    self._begin(entry)
                except (OSError, ValueError) as error:
                    self._entries.remove(entry)
                    self._put_back(before, on_before)
                    self.tell_adbd()
                    if isinstance(error, OSError):
                        raise
                    beside = "; none of those asked for with it is on" if len(texts) > 1 else ""
                    beside += f"; {' and '.join(done)} had happened by then" if done else ""
                    raise UsageError(f"fault {fault.text!r}: {error}{beside}") from None
                done += [fault.text] * fault.kind.at_once
            elif fault.when.in_s:
                self._site.after(fault.when.in_s, lambda due=entry: self._due(due))  # type: ignore[misc]
            self.tell_adbd()

    def _put_back(self, before: Sequence[_Entry], on_before: Sequence[_Entry]) -> None:
        """Ends what was begun since, and begins again what was ended for it; their times go on."""
        self._end([entry for entry in self._entries if entry not in before])
        ended = [entry for entry in on_before if entry not in self._entries]
        self._entries[:] = before
        for entry in ended:
            try:
                entry.end = entry.fault.kind.begin(self._site, entry.fault.value)
            except (OSError, ValueError) as error:
                self._entries.remove(entry)
                print(f"fault {entry.fault.text}: cannot be put back: {error}", file=sys.stderr, flush=True)

    def clear(self) -> None:
        """Ends all, the last first."""
        self._end(list(self._entries))
        self.tell_adbd()

    def listing(self) -> list[dict[str, Any]]:
        """Those that are on or wait for their time."""
        return [
            {"fault": entry.fault.text, "on": entry.is_on, "happened": entry.has_happened} for entry in self._entries
        ]

    def has(self, name: str) -> bool:
        """Whether a fault of that name is on."""
        return any(entry.is_on and entry.fault.name == name for entry in self._entries)

    def triggered(self, number: int) -> None:
        """The phone's adbd saw what a fault waits for, and goes on when it is told that it has begun."""
        for entry in [entry for entry in self._entries if entry.number == number and not entry.is_on]:
            self._due(entry)
        self._site.tell({"order": "begun", "number": number})

    def happened(self, number: int) -> None:
        """The phone's adbd has done to a command what a fault asks for."""
        for entry in self._entries:
            if entry.number == number:
                entry.has_happened = True
                entry.left -= entry.left > 0  # the adbd of the next boot is told the rest

    def tell_adbd(self) -> None:
        """Tells the phone's adbd all that it has to do, and to look out for."""
        on = [
            {
                "number": entry.number,
                "name": entry.fault.name,
                "value": entry.fault.value,
                "on": entry.fault.when.on,
                "left": entry.left if entry.fault.kind.of_commands else -1,
            }
            for entry in self._entries
            if entry.is_on and (entry.fault.kind.of_commands or entry.fault.name == "slow")
        ]
        waiting = [
            {
                "number": entry.number,
                "at": entry.fault.when.at,
                "left": entry.fault.when.after_bytes,
                "splits": entry.fault.name == "cut",
            }
            for entry in self._entries
            if not entry.is_on and entry.fault.when.is_triggered
        ]
        self._site.tell({"order": "faults", "faults": on, "triggers": waiting})

    def _due(self, entry: _Entry) -> None:
        """Begins one whose time has come; nobody waits for what it raises but the phone's log."""
        if entry not in self._entries or entry.is_on:
            return
        try:
            self._begin(entry)
        except (OSError, ValueError, UsageError) as error:
            self._entries.remove(entry)
            print(f"fault {entry.fault.text}: {error}", file=sys.stderr, flush=True)
        self.tell_adbd()

    def _begin(self, entry: _Entry) -> None:
        entry.end = entry.fault.kind.begin(self._site, entry.fault.value)
        entry.has_happened = not entry.fault.kind.of_commands
        if entry.fault.kind.at_once:
            self._entries.remove(entry)
            if entry.left > 1:
                self._again(entry)
        elif entry.fault.when.for_s:
            self._site.after(entry.fault.when.for_s, lambda: self._over(entry))

    def _again(self, entry: _Entry) -> None:
        """One that is over at once waits for the next time; without a time of its own it happens every second."""
        fresh = replace(entry, number=self._next, left=entry.left - 1, end=None, has_happened=False)
        self._next += 1
        self._entries.append(fresh)
        if not entry.fault.when.is_triggered:
            self._site.after(entry.fault.when.in_s or 1.0, lambda: self._due(fresh))

    def _over(self, entry: _Entry) -> None:
        if entry in self._entries:
            self._end([entry])
            self.tell_adbd()

    def _end(self, entries: list[_Entry]) -> None:
        for entry in reversed(entries):
            self._entries.remove(entry)
            if entry.end:
                try:
                    entry.end()
                except (OSError, ValueError) as error:
                    print(f"end of fault {entry.fault.text}: {error}", file=sys.stderr, flush=True)
