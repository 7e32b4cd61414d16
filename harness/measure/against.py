"""What --against names, told apart: a revision of this checkout, a build directory, or a program."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from harness.errors import UsageError
from harness.model.other_build import CHECKOUT, OtherBuild
from harness.model.wording import shown
from harness.paths import data_root, in_checkout
from harness.toolchain.git import GitFailed, check_checkout, commit_of

_LONGEST = 200  # of a name


def parse_against(texts: Iterable[str]) -> tuple[OtherBuild, ...]:
    """The values of --against, not built yet. Raises UsageError.

    What is there as a folder or a file is meant as that: a branch of the same name is ``refs/heads/NAME``.
    """
    return tuple(_parsed(text) for text in texts)


def _parsed(text: str) -> OtherBuild:
    what = f"--against {shown(text)}"
    if not text.isprintable() or not text.strip() or len(text) > _LONGEST:
        raise UsageError(f"{what}: names nothing", "write a revision, a build directory or a program")
    if text.startswith("-"):
        raise UsageError(f"{what}: begins with '-', which no revision does", f"of a file or folder write ./{text}")
    if text == CHECKOUT:
        raise UsageError(
            f"{what}: that is what tables call the build of this checkout",
            f"write ./{CHECKOUT} of a folder or file, refs/heads/{CHECKOUT} of a branch",
        )
    try:
        path = _path(text)
        if path.is_dir():
            return OtherBuild(name=text, kind="folder", source=str(path.resolve()))
        if path.exists():
            return OtherBuild(name=text, kind="program", source=str(path.resolve()))
    except OSError as error:
        raise UsageError(f"{what}: {error.strerror or error}", "correct the path") from None
    return OtherBuild(name=text, kind="revision", source=_commit(text, what))


def _path(text: str) -> Path:
    """With the home of ``~`` and ``~user``, where there is such a user."""
    try:
        return Path(text).expanduser()
    except RuntimeError:
        return Path(text)


def _commit(revision: str, what: str) -> str:
    root = data_root()
    otherwise = "name a build directory or a convbench program, as a path"
    if not in_checkout():
        raise UsageError(f"{what}: is no path, and this tool is installed: it has no revisions", otherwise)
    try:
        check_checkout(root)
    except GitFailed as error:
        raise UsageError(f"{what}: is no path, and {root} is not a git checkout: {error}", otherwise) from None
    commit = commit_of(root, revision)
    if commit is None:
        raise UsageError(
            f"{what}: neither a path nor a revision of {root}",
            "see: git log; a shallow clone has few revisions (git fetch --unshallow)",
        )
    return commit
