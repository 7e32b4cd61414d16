"""Following a run: pieces, lost connections, deaths, stops; nothing lost, nothing twice."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from pathlib import Path
from typing import cast

import pytest

from harness.devices.base import Device, RemoteProcess
from harness.errors import DeviceError, DeviceLost, InfrastructureError
from harness.measure import lost_connection
from harness.measure.run import follow
from harness.store import records
from harness.store.journal import EventLog, read_lines
from harness.store.recordsfile import RecordsFile

pytestmark = pytest.mark.unit

PROCESS = RemoteProcess(1, 2, "boot")
JOB = b'{"type":"job","seq":1,"launch":0,"layer":"a","rounds":1,"rounds_planned":1,"complete":true,"elapsed_s":1}\n'
END = b'{"type":"end","seq":2,"records":3,"reason":"done"}\n'


class Phone:
    """A file that grows by the steps of a script: bytes, an exception, or None (the program dies)."""

    def __init__(self, *script: bytes | Exception | None) -> None:
        self.script = list(script)
        self.data = b""
        self.living = True

    def alive(self, process: RemoteProcess) -> bool:
        return self.living

    def read_from(self, path: str, offset: int) -> bytes:
        step = self.script.pop(0) if self.script else b""
        if isinstance(step, Exception):
            raise step
        if step is None:
            self.living = False
        else:
            self.data += step
        return self.data[offset:]


@pytest.fixture
def make(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[Phone], tuple[follow.Follower, list[str]]]:
    monkeypatch.setattr(follow, "_POLL_S", 0.001)
    seen: list[str] = []

    def take(record: records.Record) -> None:
        seen.append(record.type)

    def _make(phone: Phone) -> tuple[follow.Follower, list[str]]:
        target = RecordsFile(tmp_path / "records.jsonl")
        return follow.Follower(cast(Device, phone), "f", target, EventLog(tmp_path / "events.jsonl"), take), seen

    return _make


def test_pieces_become_whole_lines(make: Callable[..., tuple[follow.Follower, list[str]]], tmp_path: Path) -> None:
    follower, seen = make(Phone(JOB[:10], JOB[10:] + END[:3], b"", END[3:]))
    follower.follow(PROCESS, threading.Event(), 60)
    assert seen == ["job", "end"]
    assert follower.end is not None
    assert (tmp_path / "records.jsonl").read_bytes() == JOB + END


def test_a_lost_connection_is_waited_out(
    make: Callable[..., tuple[follow.Follower, list[str]]], tmp_path: Path
) -> None:
    follower, seen = make(Phone(JOB, DeviceLost("usb"), END))
    follower.follow(PROCESS, threading.Event(), 60)
    assert seen == ["job", "end"]
    events = [event["event"] for event in read_lines(tmp_path / "events.jsonl")]
    assert events == ["connection lost", "connection back"]


def test_a_connection_lost_for_good_is_an_error(
    make: Callable[..., tuple[follow.Follower, list[str]]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lost_connection, "LOST_FOR_GOOD_S", 0.0)
    follower, seen = make(Phone(JOB, DeviceLost("usb"), DeviceLost("usb")))
    with pytest.raises(DeviceLost):
        follower.follow(PROCESS, threading.Event(), 60)
    assert seen == ["job"]


def test_death_in_the_middle_of_a_line(make: Callable[..., tuple[follow.Follower, list[str]]], tmp_path: Path) -> None:
    follower, _ = make(Phone(JOB + END[:5], None))
    follower.follow(PROCESS, threading.Event(), 60)
    follower.pull_rest()
    assert follower.end is None
    assert (tmp_path / "records.jsonl").read_bytes() == JOB
    (event,) = read_lines(tmp_path / "events.jsonl")
    assert (event["event"], event["bytes"]) == ("cut tail", 5)


def test_what_is_known_is_not_taken_twice(
    make: Callable[..., tuple[follow.Follower, list[str]]], tmp_path: Path
) -> None:
    (tmp_path / "records.jsonl").write_bytes(JOB)
    phone = Phone()
    phone.data = JOB + END
    follower, seen = make(phone)
    follower.resume_after(JOB)
    follower.pull_rest()
    assert seen == ["end"]
    assert (tmp_path / "records.jsonl").read_bytes() == JOB + END


def test_another_file_than_the_known_one_is_refused(make: Callable[..., tuple[follow.Follower, list[str]]]) -> None:
    phone = Phone()
    phone.data = END
    follower, _ = make(phone)
    with pytest.raises(DeviceError, match="not what the run directory took over"):
        follower.resume_after(JOB)


def test_a_stop_returns_at_once(make: Callable[..., tuple[follow.Follower, list[str]]]) -> None:
    stop = threading.Event()
    stop.set()
    follower, seen = make(Phone(JOB))
    follower.follow(PROCESS, stop, 60)
    assert seen == []


def test_a_program_that_never_ends_is_left_after_its_time(
    make: Callable[..., tuple[follow.Follower, list[str]]], tmp_path: Path
) -> None:
    follower, seen = make(Phone(JOB))
    follower.follow(PROCESS, threading.Event(), 0.05)
    assert (follower.overdue, follower.end, seen) == (True, None, ["job"])
    assert (tmp_path / "records.jsonl").read_bytes() == JOB
    punctual, _ = make(Phone(END))
    punctual.follow(PROCESS, threading.Event(), 60)
    assert not punctual.overdue


def test_a_phone_that_is_away_does_not_stretch_the_time(
    make: Callable[..., tuple[follow.Follower, list[str]]], monkeypatch: pytest.MonkeyPatch
) -> None:
    follower, _ = make(Phone(*[DeviceLost("usb")] * 1000))
    follower.follow(PROCESS, threading.Event(), 0.05)
    assert follower.overdue


def test_a_line_that_is_no_record_is_noted(
    make: Callable[..., tuple[follow.Follower, list[str]]], tmp_path: Path
) -> None:
    follower, seen = make(Phone(b"Killed\n" + END))
    follower.follow(PROCESS, threading.Event(), 60)
    assert seen == ["end"]
    assert "Killed" in json.dumps(read_lines(tmp_path / "events.jsonl"))


def test_a_disk_that_was_full_for_one_write_leaves_no_hole_and_the_run_goes_on(
    make: Callable[..., tuple[follow.Follower, list[str]]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    known = JOB.replace(b'"a"', b'"z"')
    (tmp_path / "records.jsonl").write_bytes(known)
    write = RecordsFile.append
    is_full = iter([True])

    def append(target: RecordsFile, lines: bytes) -> None:
        if lines and next(is_full, False):
            raise InfrastructureError("cannot write records.jsonl: No space left on device")
        write(target, lines)

    monkeypatch.setattr(RecordsFile, "append", append)
    phone = Phone(JOB + END[:5])
    phone.data = known
    follower, seen = make(phone)
    follower.resume_after(known)
    with pytest.raises(InfrastructureError):
        follower.follow(PROCESS, threading.Event(), 60)
    phone.data += END[5:]
    follower.pull_rest()  # what is done whatever happened: the rest would fit by now
    assert (seen, (tmp_path / "records.jsonl").read_bytes()) == ([], known)
    resumed, seen = make(phone)
    resumed.resume_after((tmp_path / "records.jsonl").read_bytes())
    resumed.pull_rest()
    assert (seen, (tmp_path / "records.jsonl").read_bytes()) == (["job", "end"], known + JOB + END)


class Noisy(Phone):
    """What it sends first arrives with a byte changed."""

    def __init__(self, *script: bytes | Exception | None, at: int, becomes: bytes) -> None:
        super().__init__(*script)
        self.at, self.becomes = at, becomes

    def read_from(self, path: str, offset: int) -> bytes:
        sent = super().read_from(path, offset)
        if self.becomes and offset <= self.at < offset + len(sent):
            place = self.at - offset
            sent, self.becomes = sent[:place] + self.becomes + sent[place + 1 :], b""
        return sent


@pytest.mark.parametrize("becomes", [b"\x80", b"\n", b"{"])
@pytest.mark.parametrize("at", [0, 5, len(JOB) - 1, len(JOB) + 3, len(JOB + END) - 1])
def test_what_is_damaged_on_the_way_is_read_once_more(
    make: Callable[..., tuple[follow.Follower, list[str]]], tmp_path: Path, at: int, becomes: bytes
) -> None:
    follower, seen = make(Noisy(JOB[:20], JOB[20:] + END[:8], END[8:], None, at=at, becomes=becomes))
    follower.follow(PROCESS, threading.Event(), 60)
    follower.pull_rest()
    assert (seen, follower.end is not None) == (["job", "end"], True)
    assert (tmp_path / "records.jsonl").read_bytes() == JOB + END
    assert read_lines(tmp_path / "events.jsonl") == []


def test_a_connection_lost_while_it_is_read_once_more(
    make: Callable[..., tuple[follow.Follower, list[str]]], tmp_path: Path
) -> None:
    follower, seen = make(Noisy(JOB, DeviceLost("usb"), END, at=3, becomes=b"\x80"))
    follower.follow(PROCESS, threading.Event(), 60)
    assert seen == ["job", "end"]
    assert (tmp_path / "records.jsonl").read_bytes() == JOB + END
