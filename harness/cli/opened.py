"""A run as a user names it, directory or bundle; what is to be told of it goes to stderr."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from harness.bundle.opening import Opened, opened
from harness.cli.say import say


@contextmanager
def opened_run(given: Path, allowed_signers: Path | None) -> Iterator[Opened]:
    """See harness.bundle.opening. Raises UsageError, InfrastructureError."""
    with opened(given, allowed_signers) as run:
        for remark in run.remarks:
            say(remark)
        yield run
