"""SHA-256 of programs and files that take part in a run."""

from __future__ import annotations

from pathlib import Path

from harness.errors import UsageError
from harness.model.wording import printable
from harness.toolchain.cache import sha256


def digest_of(what: str, path: Path) -> str:
    """In hex. ``what``: that the file is of, for messages. Raises UsageError where it cannot be read."""
    try:
        return sha256(path)
    except OSError as error:
        raise UsageError(
            f"{what}: {printable(path)}: {error.strerror or error}", "put it back, or start a new run with another one"
        ) from error
