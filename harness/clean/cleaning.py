"""Which of all items go, which stay and why, and what their removal gave."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from filelock import Timeout

from harness.clean import builds, runs, state
from harness.clean.item import Item, size_of
from harness.errors import HarnessError, UsageError

KINDS = (runs.KIND, builds.KIND, state.KIND)
DEFAULT_AGE = "30d"
_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 7 * 86400}

_TAKE_AWAY: Mapping[str, Callable[[Item], None]] = {
    runs.KIND: runs.take_away,
    builds.KIND: builds.take_away,
    state.KIND: state.take_away,
}


@dataclass
class Cleaned:
    """What was removed with its bytes, what stays with the reason, and what could not be removed."""

    removed: list[tuple[Item, int]] = field(default_factory=list)
    stays: list[tuple[Item, str]] = field(default_factory=list)
    failed: list[tuple[Item, str]] = field(default_factory=list)

    @property
    def size(self) -> int:
        """Bytes of all that was removed."""
        return sum(size for _, size in self.removed)


def seconds(age: str) -> float:
    """Of ``30d``, ``12h``, ``2w``. Raises UsageError."""
    match = re.fullmatch(r"(\d{1,6})([smhdw])", age.strip())
    if match is None:
        raise UsageError(f"--older-than {age}: not an age", "write a number and s, m, h, d or w, for example 30d")
    return int(match[1]) * float(_UNITS[match[2]])


def clean(kinds: Sequence[str], names: Sequence[str], age: str | None, *, dry: bool) -> Cleaned:
    """Removes what was not changed for that long, or what is named; ``dry``: only says what would be removed.

    Raises UsageError for an age that is none, and for a name that nothing has.
    """
    oldest = time.time() - seconds(age or ("0s" if names else DEFAULT_AGE))
    found = _items(kinds, names)
    _refuse_unknown(kinds, names, found)
    done = Cleaned()
    for item in found:
        is_named = any(name in item.names for name in _given(names))
        if (names and not is_named) or item.changed > oldest:
            continue
        reason = item.held() or ("" if is_named else item.stays())
        if reason:
            done.stays.append((item, reason))
            continue
        size = size_of(item.path)
        try:
            if not dry:
                _TAKE_AWAY[item.kind](item)
        except Timeout:
            done.stays.append((item, "a build is going on"))
        except UsageError as error:  # a run that began meanwhile
            done.stays.append((item, error.message))
        except (HarnessError, OSError) as error:
            done.failed.append((item, str(getattr(error, "strerror", None) or error)))
        else:
            done.removed.append((item, size))
    return done


def _items(kinds: Sequence[str], names: Sequence[str]) -> list[Item]:
    found: list[Item] = []
    if runs.KIND in kinds:
        found += runs.items(names)
    if builds.KIND in kinds:
        found += builds.items()
    if state.KIND in kinds:
        found += state.items()
    return found


def _given(names: Sequence[str]) -> list[str]:
    """Names as items have them: ``runs/x/`` and ``./runs/x`` are those of a path."""
    return [given for name in names for given in (name, str(runs.absolute(name)))]


def _refuse_unknown(kinds: Sequence[str], names: Sequence[str], found: Sequence[Item]) -> None:
    known = {name for item in found for name in item.names}
    for name in names:
        if not known & set(_given([name])):
            what = {runs.KIND: "run", builds.KIND: "build", state.KIND: "state file"}
            where = " or ".join(what[kind] for kind in kinds)
            raise UsageError(
                f"{name}: no {where} of that name (a link is none)", "see: harness clean --older-than 0d --dry-run"
            )
