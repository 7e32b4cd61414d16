"""State files of a phone that a fault changes and its end puts back."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from harness.lab.faults.kind import End
from harness.lab.sysfs import replace_text


def replaced(texts: Mapping[Path, str]) -> End:
    """Writes the texts; the end writes what stood there, and removes what was not there."""
    before = {path: path.read_text() if path.exists() else None for path in texts}
    for path, text in texts.items():
        replace_text(path, text)

    def end() -> None:
        for path, text in before.items():
            if text is None:
                path.unlink(missing_ok=True)
            else:
                replace_text(path, text)

    return end
