"""Words to the user: progress and remarks on stderr, results on stdout."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

# What a terminal would act on (device strings are untrusted), or cannot show.
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]")


def clean(text: str) -> str:
    """The text without control characters."""
    return _CONTROL.sub("?", text)


def shown_path(path: Path) -> str:
    """A path as seen from the current folder, where it lies in it."""
    return str(path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path)


def say(text: str) -> None:
    """A remark on stderr."""
    print(clean(text), file=sys.stderr, flush=True)


def result(text: str) -> None:
    """A result on stdout."""
    print(clean(text), flush=True)


def result_json(value: Mapping[str, Any]) -> None:
    """The result as JSON: one object, and nothing else on stdout."""
    print(json.dumps(value, indent=2), flush=True)
