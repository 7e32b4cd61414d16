"""The harness and what it needs as wheels for the host of a farm, so that nothing is downloaded there."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from harness.digest import sha256_of
from harness.errors import InfrastructureError, UsageError
from harness.paths import data_root, in_checkout

# Amazon Linux 2 has glibc 2.26: wheels for manylinux_2_27 and newer (NumPy from 2.3 on, SciPy from 1.17 on) do not
# load there. The lock file is resolved for this platform and this Python (see `make lock`).
PLATFORM, PYTHON = "manylinux2014_x86_64", "3.11"
LOCK = "farm-aws.txt"
_DISTRIBUTION = "indirectconv_harness"
_DOWNLOAD_S, _BUILD_S = 1800, 300


def lock_file() -> Path:
    """The packages and their hashes; no compilers, since the programs are built before."""
    return data_root() / "requirements" / LOCK


def gather(to: Path, own: Path | None) -> str:
    """Downloads the wheels into a folder and adds the harness's; gives the text of a lock file of all of them.

    ``own``: the harness's wheel; None: it is built of this checkout. Raises UsageError, InfrastructureError.
    """
    wheel = _built(to) if own is None else _given(own, to)
    version = wheel.name.split("-")[1]
    _run(
        [
            *("pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps", "--require-hashes"),
            *("--only-binary", ":all:", "--platform", PLATFORM, "--python-version", PYTHON, "--implementation", "cp"),
            *("--dest", str(to), "--requirement", str(lock_file())),
        ],
        "the wheels could not be downloaded",
        _DOWNLOAD_S,
    )
    return f"{lock_file().read_text('utf-8')}{_DISTRIBUTION}=={version} --hash=sha256:{sha256_of(wheel)}\n"


def _built(to: Path) -> Path:
    if not in_checkout():
        raise UsageError("this harness is installed, and a wheel of it cannot be made again", "name one: --wheel FILE")
    _run(["hatchling", "build", "--target", "wheel", "--directory", str(to)], "no wheel could be made", _BUILD_S)
    return next(to.glob(f"{_DISTRIBUTION}-*.whl"))


def check_own(own: Path) -> None:
    """Raises UsageError where that file is no wheel of this tool."""
    if not (own.is_file() and own.name.startswith(f"{_DISTRIBUTION}-") and own.suffix == ".whl"):
        raise UsageError(
            f"--wheel {own}: no wheel of this tool", f"name a file {_DISTRIBUTION}-VERSION-py3-none-any.whl"
        )


def _given(own: Path, to: Path) -> Path:
    check_own(own)
    copy = to / own.name
    try:
        copy.write_bytes(own.read_bytes())
    except OSError as error:
        raise UsageError(f"--wheel {own}: {error.strerror or error}", "mend its permissions") from error
    return copy


def _run(arguments: list[str], what: str, longest_s: float) -> None:
    """A module of this Python environment. Raises InfrastructureError with its last line."""
    try:
        done = subprocess.run(
            [sys.executable, "-m", *arguments], cwd=data_root(), capture_output=True, timeout=longest_s, check=False
        )
    except subprocess.TimeoutExpired:
        raise InfrastructureError(f"{what}: {arguments[0]} took over {longest_s:.0f} s", "try again") from None
    if done.returncode:
        lines = done.stderr.decode("utf-8", "replace").strip().splitlines() or ["no reason told"]
        told = next((line for line in reversed(lines) if line.startswith("ERROR")), lines[-1])
        raise InfrastructureError(
            f"{what}: {told[:500]}", "mend the connection, or name another package index with PIP_INDEX_URL"
        )
