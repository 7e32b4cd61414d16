"""Where an export goes: a file, replaced as a whole; a device or a pipe; the folder of a run; a job's summary."""

from __future__ import annotations

import errno
import os
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from harness.errors import HarnessError, InfrastructureError, UsageError
from harness.export.formats import Format
from harness.export.subject import Subject
from harness.store.journal import write_atomically

FOLDER = "exports"  # of a run directory
SUMMARY_VARIABLE = "GITHUB_STEP_SUMMARY"
_PART = 1 << 16  # bytes, about
_HOST = {errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.EFBIG, errno.EPIPE}  # the disk's or the reader's doing


def encoded(parts: Iterable[str | bytes]) -> Iterator[bytes]:
    """The same in UTF-8, in parts of some size; what is no UTF-8 as ``?``. Bytes stay what they are."""
    held: list[bytes] = []
    size = 0
    for part in parts:
        held.append(part if isinstance(part, bytes) else part.encode("utf-8", "replace"))
        size += len(held[-1])
        if size >= _PART:
            yield b"".join(held)
            held, size = [], 0
    yield b"".join(held)


def write_file(out: Path, parts: Iterable[str | bytes], option: str = "--out") -> None:
    """Writes a file that a user named. A link is followed; what is no plain file is written to, never replaced.

    Raises UsageError where no file can be there, InfrastructureError where the disk is full.
    """
    try:
        if out.is_dir():
            raise UsageError(f"{option} {out}: it is a folder", "name a file")
        if out.exists() and not out.is_file():  # not resolved: /dev/stdout may lead to a pipe, which has no path
            with out.open("wb") as file:
                file.writelines(encoded(parts))
        else:
            write_atomically(out.resolve(), encoded(parts))
    except InfrastructureError as error:
        cause = error.__cause__
        raise _refused(out, option, cause) if isinstance(cause, OSError) else error from cause
    except OSError as error:
        raise _refused(out, option, error) from error


def check_file(out: Path, option: str = "--out") -> None:
    """Raises UsageError where ``write_file`` could not write that file, as far as that can be told beforehand."""
    try:
        if out.is_dir():
            raise UsageError(f"{option} {out}: it is a folder", "name a file")
        if out.exists() and not out.is_file():
            return
        folder = next(each for each in out.resolve().parents if each.exists())
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise _refused(out, option, error) from error


def _refused(out: Path, option: str, error: OSError) -> HarnessError:
    why = "part of its path is no folder" if isinstance(error, FileExistsError) else error.strerror or str(error)
    message = f"{option} {out}: cannot write it: {why}"
    if error.errno in _HOST:
        return InfrastructureError(message, "free some space, or name a file elsewhere")
    return UsageError(message, "name a file in a folder of your own")


def is_summary(out: Path) -> bool:
    """Whether that is the file of the job's summary itself."""
    named = os.environ.get(SUMMARY_VARIABLE, "")
    try:
        return bool(named) and out.samefile(named)
    except OSError:
        return False


def append_summary(parts: Iterable[str | bytes]) -> Path | None:
    """Appends to the job's summary; None where this is no such job. Raises UsageError, InfrastructureError."""
    named = os.environ.get(SUMMARY_VARIABLE, "")
    if not named:
        return None
    path = Path(named)
    try:
        with path.open("ab") as file:
            file.writelines(encoded(parts))
    except OSError as error:
        raise _refused(path, SUMMARY_VARIABLE, error) from error
    return path


def write_into(run_dir: Path, subjects: Sequence[Subject], asked: Format, prefix: str = "") -> Iterator[Path]:
    """Writes a format into the folder ``exports`` of a run: a file a subject, named by device where it holds one alone.

    Gives each file as soon as it is written, so that it is known whatever fails later. ``prefix``: of the files' names.
    Markdown is appended to the job's summary, too. Raises InfrastructureError, and UsageError for that summary.
    """
    for subject in subjects:
        device = f".{subject.devices[0].name}" if asked.one_device and subject.devices else ""
        path = run_dir / FOLDER / f"{prefix}{asked.name}{device}.{asked.ending}"
        write_atomically(path, encoded(asked.text(subject)))
        yield path
        if asked.for_summary:
            append_summary(asked.text(subject))
