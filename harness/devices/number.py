"""Numbers in what a device says: whatever it says, a number within bounds or none."""

from __future__ import annotations

import re

_NUMBER = re.compile(r"-?(?:0[xX][0-9a-fA-F]{1,16}|[0-9]{1,19})")
LARGEST = 2**63 - 1


def number(text: str, low: int = 0, high: int = LARGEST) -> int | None:
    """The decimal or hexadecimal (0x...) number that the text is, save for blanks around; None where it is none, or
    not from ``low`` to ``high``.
    """
    word = text.strip()
    if not _NUMBER.fullmatch(word):
        return None
    value = int(word, 16) if "x" in word.lower() else int(word)
    return value if low <= value <= high else None
