"""git, asked about the checkout that this tool runs from: nothing of the user's configuration acts on what is read.

Files are taken out of git's store as they are there, not checked out: no hook runs, no filter, and nothing is noted in
the checkout. Where this runs from a hook of git's, GIT_DIR and its like would lead elsewhere: they are left out.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from harness.errors import InfrastructureError, UsageError

_DEADLINE_S = 60
_ALWAYS = (
    *("--no-pager", "--no-optional-locks", "--no-replace-objects"),
    *("-c", f"core.hooksPath={os.devnull}", "-c", "core.fsmonitor=false"),
)
# Set by git for its hooks, and leading elsewhere than to ``root``.
_ELSEWHERE = {
    *("GIT_DIR", "GIT_WORK_TREE", "GIT_COMMON_DIR", "GIT_INDEX_FILE", "GIT_PREFIX", "GIT_NAMESPACE"),
    *("GIT_OBJECT_DIRECTORY", "GIT_ALTERNATE_OBJECT_DIRECTORIES", "GIT_SHALLOW_FILE", "GIT_GRAFT_FILE"),
}
_CONFIGURATION = "GIT_CONFIG"  # how variables begin that set any of it, or lead to another file of it
_FILES = {"100644", "100755"}  # modes, as ls-tree tells them


class GitFailed(Exception):
    """git is not there, or ended with an error; its last line."""


def git(root: Path, *argv: str, given: bytes = b"") -> bytes:
    """What git prints about the checkout at ``root``; ``given`` on its stdin. Raises GitFailed."""
    kept = {k: value for k, value in os.environ.items() if k not in _ELSEWHERE and not k.startswith(_CONFIGURATION)}
    environment = kept | {"GIT_TERMINAL_PROMPT": "0", "LC_ALL": "C"}
    try:
        done = subprocess.run(
            ["git", "-C", str(root), *_ALWAYS, *argv],
            input=given, capture_output=True, timeout=_DEADLINE_S, check=False, env=environment,
        )  # fmt: skip
    except OSError as error:
        raise GitFailed(f"git cannot be run: {error.strerror or error}") from None
    except subprocess.TimeoutExpired:
        raise GitFailed(f"git {argv[0]} did not end within {_DEADLINE_S} s") from None
    if done.returncode:
        said = done.stderr.decode("utf-8", "replace").strip().splitlines()
        said = [line for line in said if line.startswith("fatal: ")] or said  # a hint may follow it
        raise GitFailed(said[-1] if said else f"git {argv[0]} ended with {done.returncode}")
    return done.stdout


def check_checkout(root: Path) -> None:
    """Raises GitFailed unless ``root`` is a checkout's own top, not a folder of somebody else's."""
    top = Path(os.fsdecode(git(root, "rev-parse", "--show-toplevel").removesuffix(b"\n")))
    if top.resolve() != root.resolve():
        raise GitFailed(f"it lies in the checkout {top}, and is none itself")


def commit_of(root: Path, revision: str) -> str | None:
    """The commit that a revision of the checkout at ``root`` names, in hex; None where it names none."""
    try:
        text = git(root, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{revision}^{{commit}}")
    except GitFailed:
        return None
    return text.decode().strip() or None


def take_out(root: Path, commit: str, wanted: tuple[str, ...], folder: Path) -> None:
    """Writes the files of a commit below the folders ``wanted`` of the checkout into ``folder``.

    Raises UsageError for a commit whose files cannot be what they are called, InfrastructureError where git fails.
    """
    try:
        listed = git(root, "ls-tree", "-r", "-z", "--full-tree", commit, "--", *wanted)
        files = list(_files(commit, listed))
        blobs = git(root, "cat-file", "--batch", given=b"".join(blob + b"\n" for _, blob in files))
    except GitFailed as error:
        raise InfrastructureError(
            f"revision {commit[:12]} cannot be read: {error}", "see: git fsck; a partial clone has to fetch it first"
        ) from None
    at = 0
    for path, _ in files:
        end = blobs.index(b"\n", at)
        said = blobs[at:end].split(b" ")[-1]
        if not said.isdigit():
            raise InfrastructureError(f"revision {commit[:12]}: {path} is missing in git's store", "see: git fsck")
        size = int(said)
        target = folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(blobs[end + 1 : end + 1 + size])
        at = end + size + 2


def _files(commit: str, listed: bytes) -> Iterator[tuple[PurePosixPath, bytes]]:
    """Path and object of each file; links and other repositories are nothing that is built."""
    for line in listed.split(b"\0"):
        if not line:
            continue
        what, _, name = line.partition(b"\t")
        mode, _, blob = what.split(b" ")
        path = PurePosixPath(os.fsdecode(name))
        if path.is_absolute() or ".." in path.parts:
            raise UsageError(f"revision {commit[:12]} holds a file called {str(path)!r}", "name another revision")
        if mode.decode() in _FILES:
            yield path, blob
