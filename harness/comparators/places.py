"""Where fetched libraries and their workers lie: build/comparators."""

from __future__ import annotations

from pathlib import Path

from harness.comparators.table import Library
from harness.paths import build_root

RECORD = "comparator.json"  # in the folder of a worker that was built


def root() -> Path:
    """The folder of all that is fetched."""
    return build_root() / "comparators"


def unpacked(sha256: str) -> Path:
    """Of a package."""
    return root() / "packages" / sha256


def built(library: Library, abi: str) -> Path:
    """Of a worker."""
    return root() / "workers" / f"{library.library}-{abi}"


def own(library: Library, abi: str) -> Path:
    """The file that says which build directory of the user's takes the packages' place."""
    return root() / "own" / f"{library.library}-{abi}.json"
