"""Which sources of the tool run here: two checkouts may have one version and differ."""

from __future__ import annotations

from functools import cache
from hashlib import sha256
from pathlib import Path

import harness


@cache
def sources_digest() -> str:
    """SHA-256 over the package's Python files, the same in a checkout and in a wheel of it; as they are now, once."""
    return digest_of_package(Path(harness.__file__).parent)


def digest_of_package(folder: Path) -> str:
    """Of the Python files in a package's folder, without its data."""
    found = sha256()
    names = {path.relative_to(folder).as_posix(): path for path in folder.rglob("*.py")}
    for name in sorted(name for name in names if not name.startswith("_data/")):
        found.update(f"{name}\0{sha256(names[name].read_bytes()).hexdigest()}\n".encode())
    return found.hexdigest()
