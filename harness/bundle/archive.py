"""The zip file that a bundle is: written in one way only, so that nothing can be hidden in it or beside its files.

Names in order, one date, no links, no comments, no gaps: heads and directory have to be byte for byte what would be
written. (The end mark of a packed stream may differ: that changes nothing that anybody reads.)
"""

from __future__ import annotations

import stat
import struct
import zipfile
import zlib
from collections.abc import Collection, Iterator, Mapping
from hashlib import sha256
from pathlib import Path

from harness.bundle import entries
from harness.bundle.layout import (
    LEAST_RATED,
    LONGEST_NAME,
    MOST_BYTES,
    MOST_FILE,
    MOST_FILES,
    MOST_RATIO,
    REMEDY,
    name_problem,
)
from harness.errors import UsageError

_DATE = (1980, 1, 1, 0, 0, 0)
_MODE = (stat.S_IFREG | 0o644) << 16
_PIECE = 1 << 20
_END = struct.Struct("<4s4H2LH")  # the last 22 bytes: disks, numbers of files, size and place of the directory, comment
_ENTRY = struct.Struct("<4s4B4HL2L5H2L")  # of the directory
_UNIX, _VERSION = 3, 20


def write_archive(out: Path, folder: Path, names: Collection[str]) -> None:
    """Packs these files of a folder. Raises OSError, and UsageError for what no reader would take."""
    for name in names:
        if problem := name_problem(name):
            raise UsageError(f"{name[:LONGEST_NAME]!r}: {problem}", "rename it, or take it out of the run directory")
    if len(names) > MOST_FILES:
        raise UsageError(f"{len(names)} files are too many for a bundle", f"the most is {MOST_FILES}")
    sizes = {name: (folder / name).stat().st_size for name in names}
    large = next((name for name, size in sizes.items() if size > MOST_FILE), None)
    if large is not None or sum(sizes.values()) > MOST_BYTES:
        raise UsageError(
            f"{large or 'the run'} is too large for a bundle",
            f"the most is {MOST_FILE >> 20} MiB in a file and {MOST_BYTES >> 20} MiB in all",
        )
    with zipfile.ZipFile(out, "w", allowZip64=False) as archive:
        for name in sorted(names):
            info = zipfile.ZipInfo(name, _DATE)
            info.create_system, info.external_attr, info.file_size = _UNIX, _MODE, sizes[name]
            is_rated = sizes[name] >= LEAST_RATED and sizes[name] > MOST_RATIO * _packed_size(folder / name)
            info.compress_type = zipfile.ZIP_STORED if is_rated else zipfile.ZIP_DEFLATED
            with archive.open(info, "w") as entry, (folder / name).open("rb") as file:
                while piece := file.read(_PIECE):
                    entry.write(piece)


def _packed_size(path: Path) -> int:
    size, packer = 0, zlib.compressobj(wbits=-15)
    with path.open("rb") as file:
        while piece := file.read(_PIECE):
            size += len(packer.compress(piece))
    return size + len(packer.flush())


class Archive:
    """A bundle's zip file, open. Its directory is checked as a whole before a byte of a file is read."""

    def __init__(self, path: Path) -> None:
        """Raises UsageError, with one message for each thing that it must not be; OSError."""
        self._path = path
        self._check_end()
        try:
            self._zip = zipfile.ZipFile(path, allowZip64=False)
        except (zipfile.BadZipFile, NotImplementedError, ValueError) as error:
            raise self.refused(f"its directory is damaged: {error}") from error
        try:
            self._check_entries()
            self._check_bytes()
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Closes the file."""
        self._zip.close()

    @property
    def sizes(self) -> Mapping[str, int]:
        """Bytes by file, unpacked."""
        return {info.filename: info.file_size for info in self._zip.infolist()}

    def pieces(self, name: str) -> Iterator[bytes]:
        """A file's content. Raises UsageError where it is damaged, or longer than it says."""
        return entries.pieces(self._zip, self._zip.getinfo(name), self.refused)

    def read(self, name: str, most: int) -> bytes:
        """A small file. Raises UsageError where it is larger than ``most`` bytes."""
        if self._zip.getinfo(name).file_size > most:
            raise self.refused(f"{name} is too large to be one of a bundle")
        return b"".join(self.pieces(name))

    def extract(self, name: str, to: Path) -> str:
        """Writes a file; its SHA-256. Raises UsageError, OSError."""
        found = sha256()
        to.parent.mkdir(parents=True, exist_ok=True)
        with to.open("xb") as out:
            for piece in self.pieces(name):
                found.update(piece)
                out.write(piece)
        return found.hexdigest()

    def refused(self, why: str) -> UsageError:
        """The error for that reason."""
        return UsageError(f"{self._path}: {why}", REMEDY)

    def _check_end(self) -> None:
        """Before anything is made of the directory: how large it says that it is."""
        with self._path.open("rb") as file:
            size = file.seek(0, 2)
            file.seek(max(0, size - _END.size))
            last = file.read(_END.size)
        if len(last) < _END.size or last[:4] != b"PK\5\6":
            raise UsageError(
                f"{self._path} is no bundle, or is cut short",
                "name a file that `harness bundle` made, or a run directory; or get it again",
            )
        _, _, _, _, count, length, _, _ = _END.unpack(last)
        if count > MOST_FILES or length > MOST_FILES * (_ENTRY.size + LONGEST_NAME):
            raise self.refused(f"it says that it has {count} files, the most is {MOST_FILES}")

    def _check_entries(self) -> None:
        infos = self._zip.infolist()
        for info in infos:
            if problem := name_problem(info.orig_filename):
                raise self.refused(f"{info.orig_filename[:LONGEST_NAME]!r}: {problem}")
            if problem := entries.kind_problem(info, stat.S_IFREG) or entries.size_problem(info):
                raise self.refused(f"{info.orig_filename}: {problem}")
        if problem := entries.set_problem(infos):
            raise self.refused(problem)

    def _check_bytes(self) -> None:
        """That heads and directory are what ``write_archive`` would write for these files, without a gap."""
        written: list[bytes] = []
        place = 0
        with self._path.open("rb") as file:
            for info in sorted(self._zip.infolist(), key=lambda each: each.filename):
                head, entry = _as_written(info, place)
                file.seek(place)
                if info.header_offset != place or file.read(len(head)) != head:
                    raise self.refused(f"{info.filename}: its head was changed, or does not stand where it should")
                written.append(entry)
                place += len(head) + info.compress_size
            directory = b"".join(written)
            end = _END.pack(b"PK\5\6", 0, 0, len(written), len(written), len(directory), place, 0)
            file.seek(place)
            if file.read(len(directory) + len(end) + 1) != directory + end:
                raise self.refused("its directory was changed, or something stands beside its files")


def _as_written(info: zipfile.ZipInfo, place: int) -> tuple[bytes, bytes]:
    """Head and entry of a file that begins there, of its own words only name, packing, sizes and checksum."""
    clean = zipfile.ZipInfo(info.filename, _DATE)
    clean.compress_type, clean.create_system = info.compress_type, _UNIX
    clean.CRC, clean.compress_size, clean.file_size = info.CRC, info.compress_size, info.file_size
    name = info.filename.encode("ascii")
    date = (_DATE[0] - 1980) << 9 | _DATE[1] << 5 | _DATE[2]
    entry = _ENTRY.pack(
        b"PK\1\2", _VERSION, _UNIX, _VERSION, 0, 0, info.compress_type, 0, date, info.CRC, info.compress_size,
        info.file_size, len(name), 0, 0, 0, 0, _MODE, place,
    )  # fmt: skip
    return clean.FileHeader(zip64=False), entry + name
