"""``harness run --worker`` on a virtual phone: programs of somebody else beside ours."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from harness.comparators.places import VARIABLE
from harness.lab.manager import PhoneHandle
from tests.workers import HERE, MACHINE, PHONE, Worker, compiled, named, rows

pytestmark = pytest.mark.integration


@pytest.fixture(scope="session")
def worker(tmp_path_factory: pytest.TempPathFactory) -> Worker:
    """``worker("example", PHONE)``: the path of the program."""
    return partial(compiled, tmp_path_factory.mktemp("workers"))


@pytest.fixture(scope="module")
def phone(lab: Any) -> Iterator[PhoneHandle]:
    with lab.phone() as made:
        yield made


def test_workers_on_a_phone(
    bench: Any, phone: PhoneHandle, worker: Worker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(VARIABLE, str(tmp_path))  # nothing is fetched there
    suite = bench.suite("body", "point")
    beside = [*named(worker, PHONE, "example", "liar", "dying"), "--comparator", "acl-winograd"]
    done = bench("run", suite, "--clusters", "4-7", *beside, "--out", "run")
    assert done.code == 1, done.err
    found = rows(bench.run.path)
    assert found["example"] == found["indirect"] == {("ok", True)}
    assert (found["liar"], found["dying"]) == ({("wrong", False)}, {("error", False)})
    assert "pixel-3: dying on " in done.err
    assert "[EMULATED] example: indirect is " in done.out
    why = "acl-winograd is not fetched for arm64-v8a: harness comparators fetch acl-winograd --abi arm64-v8a"
    skipped = [record for record in bench.run.records("skip") if record["algorithm"] == "acl-winograd"]
    assert {(record["layer"], record["reason"]) for record in skipped} == {("body", why), ("point", why)}
    assert f"not measured (rows: 2 skip): {why}" in done.out
    html = (bench.run.path / "report.html").read_text()
    assert "example beside ours" in html
    bench.is_clean(phone)
    assert "worker-" not in bench.lab.shell(phone, "cat /proc/[0-9]*/cmdline 2>/dev/null; true")
    bench.run.tell_no_serial(phone.serial)


def test_what_a_phone_cannot_run_is_said_before_anything_is_measured(
    bench: Any, phone: PhoneHandle, worker: Worker
) -> None:
    suite, other = bench.suite("body"), worker("example", HERE)
    script = bench.folder / "script"
    script.write_text("#!/usr/bin/env python3\n")
    programs = {str(script): "is run by /usr/bin/env"}
    if MACHINE == "x86_64":
        programs[other] = "is for 64-bit x86-64, the device runs arm64-v8a"
    for program, what in programs.items():
        done = bench("run", suite, "--worker", f"x={program}", "--out", "run")
        assert done.code == 2 and f"pixel-3: worker x: {program} {what}" in done.err, done.err
        assert not bench.run.path.exists()
    if MACHINE == "x86_64":  # beside a device that can
        done = bench("run", suite, "--device", "all", "--device", "local", "--worker", f"x={other}", "--out", "run")
        assert done.code == 3, done.err
        assert "pixel-3: worker x: " in done.err and "is for 64-bit" in done.err
        assert bench.run.records("sample", "local")
    bench.is_clean(phone)
