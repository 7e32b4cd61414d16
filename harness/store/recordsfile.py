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

    def last_run(self) -> tuple[records.Header | None, bytes]:
        """The newest header and all bytes from it on; (None, b"") where there is none."""
        try:
            data = self.path.read_bytes()
        except OSError:
            return None, b""
        start = len(data)
        for line in reversed(data.splitlines(keepends=True)):
            start -= len(line)
            if b'"header"' in line:
                try:
                    record = records.parse_record(line)
                except ValueError:
                    continue
                if isinstance(record, records.Header):
                    return record, data[start:]
        return None, b""

    def append(self, lines: bytes) -> None:
        """Appends whole lines."""
        if lines:
            append_bytes(self.path, lines)


class LineCutter:
    """Turns pieces of a growing file into whole lines; knows what is left over."""

    def __init__(self) -> None:
        self.offset = 0  # of the next byte to read on the device
        self._rest = b""

    def feed(self, piece: bytes) -> bytes:
        """Takes the next piece; returns the whole lines it completes."""
        self.offset += len(piece)
        data = self._rest + piece
        whole = data.rfind(b"\n") + 1
        self._rest = data[whole:]
        return data[:whole]

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
