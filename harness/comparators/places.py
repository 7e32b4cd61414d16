"""Where fetched libraries and their workers lie: build/comparators, or where $HARNESS_COMPARATORS says."""

from __future__ import annotations

import os
from pathlib import Path

from harness.comparators.table import Library
from harness.paths import build_root

VARIABLE = "HARNESS_COMPARATORS"
RECORD = "comparator.json"  # in the folder of a worker that was built


def root() -> Path:
    """The folder of all that is fetched."""
    named = os.environ.get(VARIABLE, "")
    return Path(named) if named.startswith("/") else build_root() / "comparators"


def unpacked(sha256: str) -> Path:
    """Of a package."""
    return root() / "packages" / sha256


def built(library: Library, abi: str) -> Path:
    """Of a worker."""
    return root() / "workers" / f"{library.library}-{abi}"


def own(library: Library, abi: str) -> Path:
    """The file that says which build directory of the user's takes the packages' place."""
    return root() / "own" / f"{library.library}-{abi}.json"
