"""Where fetched libraries and their workers lie: build/comparators, or where $HARNESS_COMPARATORS says."""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path

from harness.comparators.table import Library, Machine, Package
from harness.paths import build_root

VARIABLE = "HARNESS_COMPARATORS"
RECORD = "comparator.json"  # in the folder of a worker that was built


def root() -> Path:
    """The folder of all that is fetched."""
    named = os.environ.get(VARIABLE, "")
    return Path(named) if named.startswith("/") else build_root() / "comparators"


def unpacked(package: Package, machine: Machine) -> Path:
    """Of a package: of its digest, and of what the table takes of it."""
    take = json.dumps(package.taken(machine), sort_keys=True).encode()
    return root() / "packages" / f"{package.sha256[machine]}-{hashlib.sha256(take).hexdigest()[:12]}"


def built(library: Library, abi: str) -> Path:
    """Of a worker."""
    return root() / "workers" / f"{library.library}-{abi}"


def own(library: Library, abi: str) -> Path:
    """The file that says which build directory of the user's takes the packages' place."""
    return root() / "own" / f"{library.library}-{abi}.json"
