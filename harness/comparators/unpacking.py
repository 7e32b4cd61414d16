"""What of a package is unpacked: the files that the table names, and nothing else; plain files alone, kept inside."""

from __future__ import annotations

import lzma
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from io import BytesIO
from pathlib import Path, PurePosixPath
from typing import IO

from harness.errors import InfrastructureError

MOST_BYTES = 1 << 30  # of a package, unpacked
_MAGIC, _HEADER = b"!<arch>\n", 60  # of ar, the form of a .deb
_PIECE = 1 << 20

Open = Callable[[], IO[bytes] | None]
Entry = tuple[str, int, Open | None]  # path, bytes, how it is read; None: it is no plain file


def unpack(archive: Path, take: Mapping[str, str], folder: Path) -> None:
    """Writes what ``take`` names (harness.comparators.table) of a .deb or a wheel below a folder that is empty.

    Raises InfrastructureError where it is damaged, a wanted file is absent or no plain file, a path leads out, or it
    is too large.
    """
    missing, total = dict(take), 0
    try:
        with _entries(archive) as entries:
            for path, size, opened in entries:
                for place, target in _targets(path, take):
                    total += size
                    if opened is None:
                        raise _refused(archive, f"{path} is a link, or no plain file")
                    if total > MOST_BYTES:
                        raise _refused(archive, f"it holds more than {MOST_BYTES >> 20} MiB")
                    _write(archive, path, size, opened, folder / target)
                    missing.pop(place, None)
    except (tarfile.TarError, zipfile.BadZipFile, lzma.LZMAError, zlib.error, EOFError, ValueError) as error:
        raise _refused(archive, f"it is damaged: {error}") from error
    except OSError as error:
        raise InfrastructureError(f"{folder}: {error.strerror or error}", "make room, or mend it") from error
    if missing:
        raise _refused(archive, f"it has no {next(iter(missing.values()))}")


def _refused(archive: Path, why: str) -> InfrastructureError:
    return InfrastructureError(
        f"{archive.name}: {why}; nothing of it is used",
        "name a build of your own: harness comparators fetch --from DIR",
    )


def _targets(path: str, take: Mapping[str, str]) -> Iterator[tuple[str, PurePosixPath]]:
    """Where an entry goes, with the place of ``take`` that wants it. Raises ValueError where its path leads out."""
    for place, wanted in take.items():
        if path == wanted:
            yield place, PurePosixPath(place)
        elif wanted.endswith("/") and path.startswith(wanted) and not path.endswith("/"):
            rest = PurePosixPath(path[len(wanted) :])
            if rest.is_absolute() or ".." in rest.parts:
                raise ValueError(f"{path!r} leads out of its folder")
            yield place, PurePosixPath(place) / rest


def _write(archive: Path, path: str, size: int, opened: Open, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    stream = opened()
    if stream is None:
        raise _refused(archive, f"{path} is no plain file")
    left = size
    with stream, target.open("xb") as file:  # nothing is written twice, and no link is followed
        while piece := stream.read(_PIECE):
            left -= len(piece)
            if left < 0:
                raise _refused(archive, f"{path} is longer than it says")
            file.write(piece)


@contextmanager
def _entries(archive: Path) -> Iterator[Iterator[Entry]]:
    if archive.suffix == ".whl":
        with zipfile.ZipFile(archive) as wheel:
            yield _of_wheel(wheel)
    else:
        with tarfile.open(fileobj=BytesIO(_data_of(archive))) as tar:
            yield _of_tar(tar)


def _of_wheel(wheel: zipfile.ZipFile) -> Iterator[Entry]:
    for info in wheel.infolist():
        kind = info.external_attr >> 28  # of the file type's bits: 8 a plain file, 0 not said
        is_plain = kind in (0, 8) and not info.is_dir() and not info.flag_bits & 1
        yield info.filename, info.file_size, partial(wheel.open, info) if is_plain else None


def _of_tar(tar: tarfile.TarFile) -> Iterator[Entry]:
    for member in tar:
        if not member.isdir():
            path = member.name.removeprefix("./")
            is_plain = member.isreg() and not member.issparse()
            yield path, member.size, partial(tar.extractfile, member) if is_plain else None


def _data_of(deb: Path) -> bytes:
    """The member data.tar.* of a Debian package. Raises ValueError."""
    data = deb.read_bytes()
    if not data.startswith(_MAGIC):
        raise ValueError("it is no Debian package")
    at = len(_MAGIC)
    while at + _HEADER <= len(data):
        name, size = data[at : at + 16].rstrip(b" /"), int(data[at + 48 : at + 58])
        begin = at + _HEADER
        if name.startswith(b"data.tar"):
            return data[begin : begin + size]
        at = begin + size + size % 2
    raise ValueError("it has no data.tar")
