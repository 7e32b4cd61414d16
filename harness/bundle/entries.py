"""What of a zip file may be unpacked, whoever wrote it: no links, no bombs, nothing that is there twice."""

from __future__ import annotations

import stat
import zipfile
import zlib
from collections import Counter
from collections.abc import Callable, Collection, Iterator

from harness.bundle.layout import LEAST_RATED, MOST_BYTES, MOST_FILE, MOST_RATIO
from harness.errors import HarnessError

_PIECE = 1 << 20


def kind_problem(info: zipfile.ZipInfo, *kinds: int) -> str:
    """Why an entry is not unpacked: it is no file of one of these kinds, or not packed as others can read it."""
    kind = stat.S_IFMT(info.external_attr >> 16)
    if kind not in kinds:
        return f"it is {'a link' if kind == stat.S_IFLNK else 'no plain file'}"
    if info.flag_bits & 0x1:
        return "it is encrypted"
    if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        return "it is packed in a way that is not read"
    return ""


def size_problem(info: zipfile.ZipInfo, least_rated: int = LEAST_RATED) -> str:
    """Why an entry is too large to be unpacked; empty where it is not.

    ``least_rated``: bytes; of a smaller one the ratio to its size in the archive does not count.
    """
    if info.compress_size > MOST_FILE:  # no larger than what it holds
        return f"it says that it has {info.compress_size >> 20} MiB in the archive"
    if info.file_size > MOST_FILE:
        return f"it would have {info.file_size >> 20} MiB, the most is {MOST_FILE >> 20} MiB"
    if info.file_size >= least_rated and info.file_size > MOST_RATIO * info.compress_size:
        return f"it would have more than {MOST_RATIO} times the size that it has in the archive"
    return ""


def set_problem(infos: Collection[zipfile.ZipInfo]) -> str:
    """Why such entries are not unpacked together: names that are there twice, or are file and folder; too much."""
    twice = [name for name, count in Counter(info.orig_filename for info in infos).items() if count > 1]
    if twice:
        return f"{twice[0]}: it is there more than once"
    folders = {parent for info in infos for parent in _parents(info.orig_filename)}
    for info in infos:
        if info.orig_filename in folders:
            return f"{info.orig_filename}: it is both a file and a folder"
    total = sum(info.file_size for info in infos)
    if total > MOST_BYTES:
        return f"its files would have {total >> 20} MiB, the most is {MOST_BYTES >> 20} MiB"
    return ""


def pieces(archive: zipfile.ZipFile, info: zipfile.ZipInfo, refused: Callable[[str], HarnessError]) -> Iterator[bytes]:
    """An entry's content. Raises what ``refused`` makes of the reason where it is damaged, or longer than it says."""
    name, left = info.orig_filename, info.file_size
    try:
        with archive.open(info) as file:
            while piece := file.read(_PIECE):
                left -= len(piece)
                if left < 0:
                    raise refused(f"{name} is longer than it says")
                yield piece
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError) as error:
        raise refused(f"{name} was changed, or is damaged: {error}") from error
    if left:
        raise refused(f"{name} is shorter than it says")


def _parents(name: str) -> Iterator[str]:
    parts = name.split("/")
    yield from ("/".join(parts[:count]) for count in range(1, len(parts)))
