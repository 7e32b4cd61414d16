"""What a bundle holds, in which order, and the limits that one is held to when it is opened."""

from __future__ import annotations

import re
from collections.abc import Mapping
from hashlib import sha256

from harness.errors import UsageError
from harness.store.rundir import ABOUT_BUNDLE

VERSION = 1
REMEDY = "get it again from where it was made; do not trust what it holds"
ABOUT = ABOUT_BUNDLE  # what it is: version, run, status, tool, programs
ABOUT_SELFCHECK = "selfcheck.json"  # in the file of `harness selfcheck`, which holds bundles
SUMS = "SHA256SUMS"  # of every other file, as sha256sum -c reads it
SIGNATURE = "SHA256SUMS.sig"  # of SUMS, where it is signed
UNLISTED = (SUMS, SIGNATURE)

# More than any run has: one that is larger is a trap, or damaged.
MOST_FILES = 20_000
MOST_FILE = 1 << 30  # bytes of a file, unpacked
MOST_BYTES = 3 << 30  # of all files, unpacked
MOST_RATIO = 100  # of a file's size to that in the bundle; one that packs better is stored as it is
LEAST_RATED = 1 << 20  # bytes, unpacked: a smaller file is no bomb
LONGEST_NAME = 300

_PART = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.,+-]*")
_LINE = re.compile(r"([0-9a-f]{64})  (\S{1,300})")


def path_problem(name: str) -> str:
    """Why nothing may be unpacked under that name, of whatever archive; empty where it stays in its folder."""
    if len(name) > LONGEST_NAME:
        return "its name is too long"
    if re.match("[A-Za-z]:", name):
        return "its path does not begin in the archive"
    return leading_out(name)


def leading_out(name: str) -> str:
    """Why a path would lead out of its folder wherever it is unpacked; empty where it does not. No honest program
    writes one, even under a name that nobody wants.
    """
    if name.startswith(("/", "\\")):
        return "its path does not begin in the archive"
    if ".." in name.replace("\\", "/").split("/"):
        return "its path leads out of the archive"
    return ""


def name_problem(name: str) -> str:
    """Why a bundle cannot have a file of that name; empty where it can. None that leaves its folder is left."""
    if problem := path_problem(name):
        return problem
    if name.endswith("/"):
        return "it is a folder by itself"
    if not all(_PART.fullmatch(part) for part in name.split("/")):
        return "its name has characters that no file of a bundle has"
    return ""


def sums_text(sums: Mapping[str, str]) -> bytes:
    """SHA256SUMS: a line for each file, by name."""
    return "".join(f"{digest}  {name}\n" for name, digest in sorted(sums.items())).encode()


def parse_sums(data: bytes, bundle: str) -> dict[str, str]:
    """The digests by file. Raises UsageError for anything else than what ``sums_text`` makes."""
    found: dict[str, str] = {}
    for number, line in enumerate(data.decode("ascii", "replace").splitlines(), start=1):
        parts = _LINE.fullmatch(line)
        if parts is None or name_problem(parts[2]) or parts[2] in UNLISTED:
            raise UsageError(f"{bundle}: {SUMS}: line {number} is damaged", REMEDY)
        found[parts[2]] = parts[1]
    if sums_text(found) != data:
        raise UsageError(f"{bundle}: {SUMS} is damaged: it is not as harness bundle writes it", REMEDY)
    return found


def digest_of(data: bytes) -> str:
    """SHA-256 in hex digits."""
    return sha256(data).hexdigest()
