"""The one place that decides whether a RUN is a run directory or a bundle, and makes a run directory of both."""

from __future__ import annotations

import json
import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.bundle import layout, signature
from harness.bundle.archive import Archive
from harness.errors import InfrastructureError, UsageError
from harness.store.replacing import recover_unless_written
from harness.store.rundir import RunDir

_LARGEST_SUMS = layout.MOST_FILES * (layout.LONGEST_NAME + 67)
_LARGEST_ABOUT = 1 << 20


@dataclass(frozen=True)
class Opened:
    """A run that can be read. ``remarks``: what a user is to be told of it, a line each."""

    path: Path  # its run directory, of a bundle a private one that goes when it is closed
    given: Path  # as the user named it
    is_bundle: bool
    remarks: tuple[str, ...] = ()

    def derived(self, out: Path | None) -> Path:
        """Where what is made of it goes, unless ``out`` says where: into the run directory; of a bundle, which nothing
        is added to, into a folder named like it in the current one.
        """
        if out is not None:
            return out
        return Path(f"{self.given.stem}-report") if self.is_bundle else self.path


@contextmanager
def opened(given: Path, allowed_signers: Path | None = None) -> Iterator[Opened]:
    """A run by its directory or its bundle; a bundle is unpacked after each byte of it was checked, and what was
    unpacked is removed at the end. ``allowed_signers``: a file of ssh-keygen; the bundle has to be signed by one of it.

    Raises UsageError for a bundle that is damaged, changed, unsigned, or made to do harm.
    """
    if not given.is_file():
        if allowed_signers is not None:
            raise UsageError(f"--allowed-signers: {given} is no bundle, and only those are signed", "name a bundle")
        path = given.resolve()
        recover_unless_written(RunDir(path))
        yield Opened(path, given, False)
        return
    with _folder() as folder:
        try:
            archive = Archive(given)
        except OSError as error:
            raise UsageError(f"{given}: cannot read it: {error.strerror or error}", "mend its permissions") from error
        try:
            sums, about = _checked(archive, given)
            remark = _signed(archive, given, allowed_signers)
            path = Path(folder) / about["run"]
            _unpack(archive, sums, path)
        finally:
            archive.close()
        status = about.get("status")
        remarks = [remark] if remark else []
        if status != "done":
            remarks.append(f"{given}: the run is {status if isinstance(status, str) else 'not done'}")
        yield Opened(path, given, True, tuple(remarks))


@contextmanager
def _folder() -> Iterator[str]:
    try:
        made = tempfile.TemporaryDirectory(prefix="harness-bundle-")
    except OSError as error:
        raise InfrastructureError(
            f"no temporary folder can be made: {error.strerror or error}", "set TMPDIR to a folder of yours"
        ) from error
    with made as folder:
        yield folder


def _checked(archive: Archive, given: Path) -> tuple[dict[str, str], dict[str, Any]]:
    """The digests by file, and bundle.json. Raises UsageError where a file is missing or surplus."""
    sizes = archive.sizes
    if layout.ABOUT_SELFCHECK in sizes:
        raise UsageError(f"{given} is a selfcheck: it holds bundles, and is none", "unzip it, and name one of them")
    for name in (layout.ABOUT, layout.SUMS):
        if name not in sizes:
            raise UsageError(f"{given} is no bundle: {name} is missing in it", "name a file that `harness bundle` made")
    try:
        about = json.loads(archive.read(layout.ABOUT, _LARGEST_ABOUT))
        version = about["bundle"]
        if type(version) is int and version != layout.VERSION:
            raise UsageError(
                f"{given} is a bundle of version {version}, this reads version {layout.VERSION}",
                "use the harness that made it",
            )
        if version != layout.VERSION or not re.fullmatch(r"[A-Za-z0-9_-]{1,200}", about["run"]):
            raise ValueError
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise archive.refused(f"{layout.ABOUT} is damaged") from error
    sums = layout.parse_sums(archive.read(layout.SUMS, _LARGEST_SUMS), str(given))
    listed, there = set(sums), set(sizes) - set(layout.UNLISTED)
    if missing := sorted(listed - there):
        raise archive.refused(f"{missing[0]} is missing{_more(missing)}")
    if surplus := sorted(there - listed):
        raise archive.refused(f"{surplus[0]} is surplus: {layout.SUMS} does not have it{_more(surplus)}")
    return sums, about


def _more(names: list[str]) -> str:
    return f", and {len(names) - 1} more" if len(names) > 1 else ""


def _signed(archive: Archive, given: Path, allowed: Path | None) -> str:
    """What is to be told of its signature."""
    is_signed = layout.SIGNATURE in archive.sizes
    if allowed is None:
        return f"{given} is signed, which was not verified: --allowed-signers FILE" if is_signed else ""
    if not is_signed:
        raise UsageError(f"{given} is not signed", "ask for one that is, or leave out --allowed-signers")
    found = archive.read(layout.SIGNATURE, 1 << 20)
    who = signature.signer_of(archive.read(layout.SUMS, _LARGEST_SUMS), found, allowed, str(given))
    return f"{given} was signed by {who}"


def _unpack(archive: Archive, sums: dict[str, str], folder: Path) -> None:
    try:
        for name, digest in sums.items():
            if archive.extract(name, folder / name) != digest:
                raise archive.refused(f"{name} was changed: its SHA-256 is not that of {layout.SUMS}")
    except OSError as error:
        raise InfrastructureError(
            f"the bundle cannot be unpacked: {error.strerror or error}", "make room, or set TMPDIR to another folder"
        ) from error
