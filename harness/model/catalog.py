"""Finding configuration files: those shipped under configs/ by name, a user's own by path."""

from __future__ import annotations

import re
from pathlib import Path

from harness import paths
from harness.errors import UsageError
from harness.model.wording import shown, suggestion


def folder(kind: str) -> Path:
    """The shipped folder of ``suites``, ``policies`` or ``devices``."""
    return paths.data_root() / "configs" / kind


def names(kind: str) -> list[str]:
    """The names shipped of a kind, sorted."""
    return sorted(path.stem for path in folder(kind).glob("*.yaml"))


def is_path(name_or_path: str) -> bool:
    """Whether the user means a file: it has a folder or a YAML ending."""
    return "/" in name_or_path or name_or_path.endswith((".yaml", ".yml"))


def stem(path: Path) -> str:
    """A file's name as the name of what it holds: other characters than letters, digits, _ and - become -."""
    return re.sub(r"[^A-Za-z0-9_-]", "-", path.stem)[:95] or "unnamed"


def find(kind: str, noun: str, name_or_path: str) -> Path:
    """The file of a shipped name, or the path itself. Raises UsageError with the known names."""
    if is_path(name_or_path):
        return Path(name_or_path)
    known = names(kind)
    if name_or_path in known:
        return folder(kind) / f"{name_or_path}.yaml"
    hint = suggestion(name_or_path, known)
    raise UsageError(
        f"unknown {noun} {shown(name_or_path)}", f"{hint} A file of your own: give its path, e.g. ./mine.yaml."
    )
