"""A run on a phone that is stopped, killed, or whose setting somebody changes meanwhile."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from harness.lab.manager import PhoneHandle

pytestmark = pytest.mark.integration


@pytest.fixture(scope="module")
def phone(lab: Any) -> Iterator[PhoneHandle]:
    """The one phone of this lab: no --device is needed."""
    with lab.phone() as made:
        yield made


@pytest.fixture(autouse=True)
def setting(bench: Any, phone: PhoneHandle) -> None:
    """What the run finds on the phone."""
    bench.lab.shell(phone, "settings put global stay_on_while_plugged_in 1")


def killed(bench: Any, phone: PhoneHandle) -> bytes:
    """A run that was killed in the middle: what its records.jsonl holds."""
    began = bench.begin(bench.long_suite(), "--clusters", "4-7")
    began.until_samples(20)
    began.process.kill()
    began.process.wait()
    assert bench.stay_on(phone) == "7"
    assert bench.processes(phone), "convbench goes on without the host"
    assert bench.run.steps() == ["read", "changed", "verified"]
    whole: bytes = (bench.run.path / "devices" / "pixel-3" / "records.jsonl").read_bytes()
    return whole


def resumed(bench: Any, phone: PhoneHandle, before: bytes, *, by_itself: bool = True) -> None:
    """Completes the run, and looks at what it left. ``by_itself``: nobody else has stopped its program."""
    bench.run.shorten(2)
    done = bench("run", "--resume", "run")
    assert done.code == 0, done.err
    after = (bench.run.path / "devices" / "pixel-3" / "records.jsonl").read_bytes()
    assert after.startswith(before[: before.rfind(b"\n") + 1])
    samples = bench.run.samples()
    assert max(samples.values()) == 1
    assert {key[1] for key in samples} == {0, 1, 2}
    assert [end["reason"] for end in bench.run.records("end")][-1] == "done"
    assert {"orphan taken over", "removed"} <= set(bench.run.events())
    assert ("orphan stopped" in bench.run.events()) == by_itself
    assert bench.run.manifest["status"] == "done"
    assert bench.stay_on(phone) == "1"
    bench.is_clean(phone)
    bench.run.tell_no_serial(bench.lab.shell(phone, "getprop ro.serialno"))


def test_kill_then_report_then_restore_then_resume(bench: Any, phone: PhoneHandle) -> None:
    before = killed(bench, phone)
    report = bench("report", "run")
    assert report.code == 0, report.err
    assert "EMULATED" in (bench.run.path / "report.html").read_text()
    assert "CUT SHORT" in (bench.run.path / "summary.md").read_text()
    restored = bench("restore")
    assert restored.code == 0, restored.err
    assert "put back to '1'" in restored.out
    assert bench.stay_on(phone) == "1"
    assert "left running by dead runs, and stopped" in restored.out
    assert bench.processes(phone) == []
    again = bench("restore", "--drop", "unknown")
    assert again.code == 2
    assert "--drop unknown: no attached phone has that run" in again.err
    assert f"harness restore --drop {bench.run.manifest['run']}" in again.out
    resumed(bench, phone, before, by_itself=False)


def test_kill_in_the_middle_of_a_line_then_resume(bench: Any, phone: PhoneHandle) -> None:
    before = killed(bench, phone)
    cut = before[: before.rfind(b'"type":"sample"') + 40]
    (bench.run.path / "devices" / "pixel-3" / "records.jsonl").write_bytes(cut)
    events = bench.run.path / "devices" / "pixel-3" / "events.jsonl"  # killed before it could tell of the process
    events.write_text("".join(line for line in events.open() if '"spawned"' not in line))
    assert bench("report", "run").code == 0
    resumed(bench, phone, cut)
    (note,) = [event for event in bench.run.lines("events.jsonl") if event.get("where") == "records.jsonl"]
    assert note["event"] == "cut tail"
    assert note["bytes"] == len(cut) - cut.rfind(b"\n") - 1


def test_what_a_killed_run_changed_the_next_run_puts_back(bench: Any, bench_in: Any, phone: PhoneHandle) -> None:
    killed(bench, phone)
    other = bench_in(bench.folder / "other")
    other.folder.mkdir()
    done = other("run", other.suite(), "--clusters", "4-7", "--out", "run")
    assert done.code == 0, done.err
    assert other.run.steps() == ["restored", "read", "changed", "verified", "restored"]
    (orphans,) = [event for event in other.run.lines("events.jsonl") if event["event"] == "orphans"]
    assert orphans["stopped"] >= 1
    assert orphans["kept"] == [bench.run.manifest["run"]]
    assert bench.stay_on(phone) == "1"
    before = (bench.run.path / "devices" / "pixel-3" / "records.jsonl").read_bytes()
    resumed(bench, phone, before, by_itself=False)


def test_a_phone_and_a_directory_in_use_are_left_alone(bench: Any, phone: PhoneHandle) -> None:
    began = bench.begin(bench.long_suite(), "--clusters", "4-7")
    began.until_samples()
    other = bench("run", bench.suite(), "--out", "other")
    assert other.code == 3
    assert "another harness run is using the device" in other.err
    resumed = bench("run", "--resume", "run")
    assert resumed.code == 2
    assert "being written by another harness run" in resumed.err
    restored = bench("restore")
    assert restored.code == 3
    assert "another harness run is using the device" in restored.err
    assert bench.stay_on(phone) == "7"
    began.process.send_signal(signal.SIGTERM)
    code, said = began.end(30)
    assert code == 130, said
    bench.is_clean(phone)


def test_interrupt_keeps_what_was_measured(bench: Any, phone: PhoneHandle) -> None:
    began = bench.begin(bench.long_suite(), "--clusters", "4-7")
    began.until_samples(20)
    began.process.send_signal(signal.SIGINT)
    code, said = began.end(30)
    assert code == 130
    assert "--resume" in said
    assert sum(bench.run.samples().values()) >= 20
    assert bench.run.manifest["status"] == "interrupted"
    assert (bench.run.path / "report.html").exists()
    assert bench.stay_on(phone) == "1"
    bench.is_clean(phone)


def test_a_foreign_value_is_left_and_said(bench: Any, phone: PhoneHandle, tmp_path: Path) -> None:
    began = bench.begin(bench.suite(launches=2, rounds=20, min_ms=20), "--clusters", "4-7")
    began.until_samples()
    bench.lab.shell(phone, "settings put global stay_on_while_plugged_in 2")
    code, said = began.end()
    assert code == 0, said
    assert "stay_awake is '2', neither ours nor the saved '1'" in said
    assert bench.stay_on(phone) == "2"
    assert bench.run.steps() == ["read", "changed", "verified", "left"]
    assert "nothing to restore" in bench("restore").out
