"""records.jsonl of a device: whole lines only, taken over from the file that convbench writes on the device."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from harness.errors import InfrastructureError
from harness.store import records
from harness.store.journal import append_bytes


class RecordsFile:
    """Appends what a device's file holds beyond what is here; the last run of records is the one in progress."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def drop_cut_tail(self) -> int:
        """Cuts a line without end, left by a kill in the middle of a write; returns its length in bytes."""
        try:
            data = self.path.read_bytes()
            whole = data.rfind(b"\n") + 1
            if whole != len(data):
                with self.path.open("r+b") as file:
                    file.truncate(whole)
        except FileNotFoundError:
            return 0
        except OSError as error:
            raise InfrastructureError(f"cannot mend {self.path}: {error.strerror}", "mend its permissions") from error
        return len(data) - whole

    def runs(self) -> dict[tuple[str, int], bytes]:
        """The lines of each run of convbench, from its header on, by cluster and attempt; the newest last."""
        found: dict[tuple[str, int], list[bytes]] = {}
        current: list[bytes] = []
        for line in _read(self.path).splitlines(keepends=True):
            header = _header(line)
            if header is not None:
                current = found.setdefault((header.cluster, header.attempt), [])
            current.append(line)
        return {key: b"".join(lines) for key, lines in found.items()}

    def append(self, lines: bytes) -> None:
        """Appends whole lines."""
        if lines:
            append_bytes(self.path, lines)


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return b""
    except OSError as error:
        raise InfrastructureError(f"cannot read {path}: {error.strerror}", "mend its permissions") from error


def _header(line: bytes) -> records.Header | None:
    if b'"header"' not in line:
        return None
    try:
        record = records.parse_record(line)
    except ValueError:
        return None
    return record if isinstance(record, records.Header) else None


class LineCutter:
    """Turns pieces of a growing file into whole lines; knows what is left over.

    ``whole`` and ``feed`` are two steps, so that lines that could not be kept are read again.
    """

    def __init__(self) -> None:
        self.offset = 0  # of the next byte to read on the device
        self._rest = b""

    def whole(self, piece: bytes) -> bytes:
        """The whole lines that the next piece completes; the piece is not taken yet."""
        data = self._rest + piece
        return data[: data.rfind(b"\n") + 1]

    def feed(self, piece: bytes) -> bytes:
        """Takes the next piece; returns the whole lines it completes."""
        lines = self.whole(piece)
        self.offset += len(piece)
        self._rest = (self._rest + piece)[len(lines) :]
        return lines

    def back(self, lines: bytes) -> None:
        """Forgets ``lines``, the last whole ones, and what stands behind them: they are to be read again."""
        self.offset -= len(lines) + len(self._rest)
        self._rest = b""

    @property
    def cut_tail(self) -> bytes:
        """The bytes after the last whole line."""
        return self._rest


def parsed(lines: bytes) -> Iterator[records.Record | str]:
    """Each line as a record, or as the reason why it is none."""
    for line in lines.splitlines():
        try:
            yield records.parse_record(line)
        except ValueError as error:
            yield f"{line[:80]!r}: {str(error).splitlines()[0]}"
