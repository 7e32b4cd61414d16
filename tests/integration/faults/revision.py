"""Which code was tried: rows of the page count together only where it is the same."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from pathlib import Path

# What decides how a run under a fault ends, and what is taken for right.
CODE = (
    *("harness", "native", "ndk", "configs", "reports", "requirements", "pyproject.toml"),
    *("tests/integration", "tests/conftest.py"),
)


@dataclass(frozen=True)
class Revision:
    """A commit, by its abbreviated name and the day it was made."""

    commit: str
    day: str

    def __str__(self) -> str:
        return f"{self.commit} of {self.day}"


def revision(root: Path, git: str) -> Revision | None:
    """The last commit that changed CODE; None where it has changes that no commit has, or there is no repository."""

    def ask(*argv: str) -> str | None:
        command = [git, "-C", str(root), *argv, "--", *CODE]
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
        return done.stdout.strip() if done.returncode == 0 else None

    if ask("status", "--porcelain") != "":
        return None
    commit, _, day = (ask("log", "-1", "--abbrev=12", "--format=%h %cs") or "").partition(" ")
    return Revision(commit, day) if commit else None
