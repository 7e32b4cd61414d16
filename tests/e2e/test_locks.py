"""The lock files serve every Python that we promise, with wheels alone and every hash known."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from packaging.markers import Marker

pytestmark = pytest.mark.e2e

ROOT = Path(__file__).resolve().parents[2]


RUNNING = f"{sys.version_info.major}.{sys.version_info.minor}"
ENDS = ("3.11", "3.14")  # the oldest and the newest


@pytest.mark.parametrize("version", [version for version in ENDS if version != RUNNING])
def test_pip_resolves_the_lock_file(version: str, tmp_path: Path) -> None:
    """That of the tests holds all that a run needs, in the same versions (test_bootstrap). For the Python that runs
    here it was installed from. Without dependencies: pip asks the markers of those of its own Python, too."""
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "install", "--dry-run", "--ignore-installed"]
    only = [
        "--no-deps",
        "--require-hashes",
        "--only-binary=:all:",
        "--python-version",
        version,
        "--target",
        str(tmp_path),
    ]
    file = tmp_path / "test.txt"
    file.write_text("".join(_wanted(version)))
    done = subprocess.run([*pip, *only, "-r", str(file)], capture_output=True, text=True, timeout=200, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    assert "Would install" in done.stdout


def _wanted(version: str) -> Iterator[str]:
    """The lock file's lines without packages that this Python does without: pip asks markers of its own Python."""
    is_wanted = True
    for line in (ROOT / "requirements" / "test.txt").read_text().splitlines(keepends=True):
        if line[0].isalnum() and ";" in line:
            name, marker = line.removesuffix(" \\\n").split(";")
            others = {"python_version": version, "python_full_version": f"{version}.0"}
            is_wanted = Marker(marker).evaluate(others)
            if is_wanted:
                yield f"{name.strip()} \\\n"
            continue
        if line[0].isalnum():
            is_wanted = True
        if is_wanted:
            yield line


def test_lock_files_name_no_host() -> None:
    for file in (ROOT / "requirements").glob("*.txt"):
        assert "://" not in file.read_text()
