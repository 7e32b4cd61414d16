"""Words to the user: progress and remarks on stderr, results on stdout."""

from __future__ import annotations

import json
import math
import re
import sys
from collections import deque
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

# What a terminal would act on (device strings are untrusted), or cannot show.
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]")
_SURROGATE = re.compile(r"[\ud800-\udfff]")  # no Unicode text has it alone, and strict readers of JSON refuse it
_MOST_HELD = 1000  # remarks of --quiet, the newest


class Held:
    """Remarks that --quiet keeps back until it is known how the command ends."""

    def __init__(self) -> None:
        self._texts: deque[str] = deque(maxlen=_MOST_HELD)

    def add(self, text: str) -> None:
        """One more, of whatever thread."""
        self._texts.append(text)

    def drop(self) -> None:
        """The command ended well: nobody needs them."""
        self._texts.clear()

    def tell(self) -> None:
        """They say why it did not end well."""
        while self._texts:
            _print(self._texts.popleft())


_held: Held | None = None  # of this process, as its stderr is


@contextmanager
def remarks(*, held: bool) -> Iterator[Held]:
    """Within the block remarks are kept back where ``held``; those that were not dropped are told at its end."""
    global _held  # noqa: PLW0603  whoever speaks within the block speaks to this process's stderr
    before, kept = _held, Held()
    _held = kept if held else None
    try:
        yield kept
    finally:
        _held = before
        kept.tell()


def clean(text: str) -> str:
    """The text without control characters."""
    return _CONTROL.sub("?", text)


def say(text: str) -> None:
    """A remark on stderr."""
    if _held is not None:
        _held.add(text)
    else:
        _print(text)


def _print(text: str) -> None:
    print(clean(text), file=sys.stderr, flush=True)


def result(text: str) -> None:
    """A result on stdout."""
    print(clean(text), flush=True)


def result_json(value: Mapping[str, Any]) -> None:
    """The result as JSON: one object, and nothing else on stdout. What JSON does not have is null there, or a ``?``."""
    print(json.dumps(_fit(value), indent=2, allow_nan=False), flush=True)


def _fit(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {_fit(str(key)): _fit(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_fit(each) for each in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return _SURROGATE.sub("?", value) if isinstance(value, str) else value
