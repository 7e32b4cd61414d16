"""SHA-256 of files, in hex."""

from __future__ import annotations

import hashlib
from pathlib import Path

from harness.errors import UsageError
from harness.model.wording import printable


def sha256_of(path: Path) -> str:
    """Of a file's content. Raises OSError."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def sha256_or_none(path: Path) -> str | None:
    """The same; None where it cannot be read."""
    try:
        return sha256_of(path)
    except OSError:
        return None


def sha256_of_part(what: str, path: Path) -> str:
    """The same of a file that takes part in a run. ``what``: that it is of, for messages.

    Raises UsageError where it cannot be read.
    """
    try:
        return sha256_of(path)
    except OSError as error:
        raise UsageError(
            f"{what}: {printable(path)}: {error.strerror or error}", "put it back, or start a new run with another one"
        ) from error
