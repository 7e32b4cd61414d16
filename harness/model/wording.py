"""Values, keys and hints in the words of error messages: printable, short, one line."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

Key = str | int


def suggestion(word: str, known: Iterable[str]) -> str:
    """``Did you mean 'x'? `` where one of ``known`` is close, and the list of them."""
    names = list(known)
    close = difflib.get_close_matches(word, names, n=1)
    hint = f"Did you mean '{close[0]}'? " if close else ""
    return f"{hint}Known: {', '.join(names)}."


def shown(value: object, *, quote: bool = True) -> str:
    """A value for a message: one line, printable, at most 60 characters."""
    text = printable(value)
    text = text if len(text) <= 60 else text[:57] + "..."
    return f"'{text}'" if quote and isinstance(value, str) else text


def printable(value: object) -> str:
    """Text without line breaks and terminal control: what is not printable is escaped."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in str(value))


def kind(value: object) -> str:
    """What a YAML value is, in a user's words."""
    if value is None:
        return "empty"
    if isinstance(value, bool):
        return f"the truth value {str(value).lower()}"
    if isinstance(value, int | float):
        return f"the number {shown(value)}"
    if isinstance(value, str):
        return f"the text {shown(value)}"
    return "a list" if isinstance(value, list | tuple) else "a mapping"


def key_path(keys: Iterable[Key]) -> str:
    """Keys as people write them: ``layers[3].kh``."""
    text = ""
    for key in keys:
        text += f"[{key}]" if isinstance(key, int) else ("." if text else "") + shown(key, quote=False)
    return text
