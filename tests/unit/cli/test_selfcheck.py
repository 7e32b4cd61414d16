"""``harness selfcheck``: one file whatever fails, what is in it, and what is not."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Callable, Iterator
from io import BytesIO
from pathlib import Path
from typing import Any, cast

import pytest

from harness.bundle.opening import opened
from harness.cli import program
from harness.cli.selfcheck import Selfcheck
from harness.cli.signals import Interrupted
from harness.control.conditions import facts
from harness.devices import discovery
from harness.devices.base import AdbServer, Attached, Device, Identity, Unusable
from harness.errors import DeviceError, NoDeviceError, UsageError
from harness.exit_codes import ExitCode
from harness.measure.once import calibrate
from harness.measure.run import runner
from tests.unit.bundle.conftest import HOME, MARK, NUMBER, SECRETS, SERIAL, SERVER, make_secret_run
from tests.unit.control.conditions.fakes import FakePhone

pytestmark = pytest.mark.unit

AWAY = Unusable("R58AWAY1234", "unauthorized", "unlock R58AWAY1234", ("UNAUTHORIZED",), host=SERVER)
Start = Callable[[Any, Path | None], runner.RunResult]


@pytest.fixture(autouse=True)
def phone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A phone with numbers and one that did not say yes; the current folder is empty."""
    monkeypatch.chdir(tmp_path)
    identity = Identity(
        SERIAL, "adb", model="Pixel 3", board="blueline", serialno=NUMBER, second_mark=MARK, host=SERVER
    )
    found = Attached((cast(Device, FakePhone(identity)),), (AWAY,), servers=(AdbServer(SERVER, "adb 34"),))
    monkeypatch.setattr(discovery, "find", lambda *_: found)
    monkeypatch.setattr(calibrate, "keep", lambda *_: [])
    monkeypatch.setattr(facts, "_LOAD_S", 0.0)
    monkeypatch.setattr(facts, "_SNAPSHOTS", 2)


def measuring(monkeypatch: pytest.MonkeyPatch, *results: Start) -> None:
    """What the first run gives, and the second."""
    left = list(results)

    def start(*given: Any) -> runner.RunResult:
        return left.pop(0)(*given)

    monkeypatch.setattr(runner, "start", start)


def run(code: ExitCode = ExitCode.DONE, message: str = "") -> Start:
    def start(context: Any, _: Path | None) -> runner.RunResult:
        path = make_secret_run(Path.cwd() / "runs" / context.request.suite)
        return runner.RunResult(path, [], code, messages=[message] if message else [])

    return start


def fails(error: BaseException) -> Start:
    def start(*_: Any) -> runner.RunResult:
        raise error

    return start


def files(data: bytes, where: str = "") -> Iterator[tuple[str, bytes]]:
    """Every file of a zip file, also in those inside of it."""
    with zipfile.ZipFile(BytesIO(data)) as archive:
        for name in archive.namelist():
            inner = archive.read(name)
            if name.endswith(".zip"):
                yield from files(inner, f"{where}{name}/")
            else:
                yield f"{where}{name}", inner


def parts(out: Path) -> dict[str, Any]:
    about = json.loads(zipfile.ZipFile(out).read("selfcheck.json"))
    return {part["part"]: part for part in about["parts"]}


def test_one_file_without_numbers_that_says_what_is_inside(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    measuring(monkeypatch, run(message=f"{SERIAL}: lost at {HOME}/x"), run())
    code = program.perform(["selfcheck", "--out", "check.zip"])
    out = Path("check.zip")
    inside = dict(files(out.read_bytes()))
    assert not [
        (name, secret)
        for name, data in inside.items()
        for secret in (*SECRETS, AWAY.serial, "R58AWAY")
        if secret.encode() in data or secret in name
    ]
    assert {"selfcheck.json", "doctor.json", "SHA256SUMS", "smoke.zip/report.html", "calibrate.zip/report.html"} <= set(
        inside
    )
    doctor = json.loads(inside["doctor.json"])
    assert [each.get("state") for each in doctor["devices"]] == [None, "unauthorized"]
    assert "ps-" in parts(out)["smoke"]["messages"][0]
    lines = capsys.readouterr().out.splitlines()
    assert lines[-1] == "check.zip" and any(line.split()[:1] == ["calibrate.zip"] for line in lines)
    assert code == ExitCode.INFRASTRUCTURE, "the doctor found a phone that cannot be used"


@pytest.mark.parametrize(
    ("error", "words"),
    [(DeviceError("it went away", "look for it"), "look for it"), (ZeroDivisionError("by none"), "ZeroDivisionError")],
)
def test_a_part_that_fails_does_not_stop_the_others(
    monkeypatch: pytest.MonkeyPatch, error: BaseException, words: str
) -> None:
    measuring(monkeypatch, fails(error), run())
    assert program.perform(["selfcheck", "--out", "check.zip"]) == ExitCode.INFRASTRUCTURE
    found = parts(Path("check.zip"))
    assert [part["exit_code"] for part in found.values()] == [3, 3, 0]
    assert words in found["smoke"]["messages"][0]
    assert set(zipfile.ZipFile("check.zip").namelist()) == {
        "selfcheck.json",
        "doctor.json",
        "calibrate.zip",
        "SHA256SUMS",
    }


@pytest.mark.parametrize("ended", [run(ExitCode.INTERRUPTED), fails(Interrupted())])
def test_a_signal_ends_it_and_what_there_is_is_kept(monkeypatch: pytest.MonkeyPatch, ended: Start) -> None:
    measuring(monkeypatch, ended)
    assert program.perform(["selfcheck", "--out", "check.zip"]) == ExitCode.INTERRUPTED
    assert list(parts(Path("check.zip"))) == ["doctor", "smoke"]


def test_a_run_that_cannot_be_bundled_is_left_out_and_said(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def start(context: Any, out: Path | None) -> runner.RunResult:
        done = run()(context, out)
        next(done.directory.glob("devices/*/device.json")).write_text("{")
        return done

    measuring(monkeypatch, start, run())
    assert program.perform(["selfcheck", "--out", "check.zip"]) == ExitCode.INFRASTRUCTURE
    assert "not in this file: " in parts(Path("check.zip"))["smoke"]["messages"][-1]
    assert "smoke: not in check.zip: " in capsys.readouterr().err


def test_without_a_device_there_is_no_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(discovery, "find", lambda *_: Attached())
    with pytest.raises(NoDeviceError, match="no phone is attached"):
        program.perform(["selfcheck"])
    with pytest.raises(UsageError, match="unknown suite"):
        program.perform(["selfcheck", "nowhere"])
    assert not list(tmp_path.glob("*.zip"))


def test_where_no_file_can_be_is_told_before_anything_is_measured(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(Selfcheck, "_parts", lambda *_: pytest.fail("it was measured"))
    (tmp_path / "file").write_text("")
    for out in (tmp_path, tmp_path / "file" / "x.zip", Path("/proc/x.zip")):
        with pytest.raises(UsageError, match="--out"):
            program.perform(["selfcheck", "--out", str(out)])


def test_a_place_that_is_lost_meanwhile_costs_nothing(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    def start(context: Any, out: Path | None) -> runner.RunResult:
        (tmp_path / "there").write_text("a file where the folder was to be")
        return run()(context, out)

    measuring(monkeypatch, start, run())
    assert program.perform(["selfcheck", "--out", "there/check.zip"]) == ExitCode.INFRASTRUCTURE
    (out,) = tmp_path.glob("selfcheck-*.zip")
    assert list(parts(out)) == ["doctor", "smoke", "calibrate"]
    captured = capsys.readouterr()
    assert captured.out.splitlines()[-1] == out.name
    assert (
        f"--out there/check.zip: cannot write it: part of its path is no folder: written to {out.name}" in captured.err
    )


def test_it_is_no_bundle_and_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    measuring(monkeypatch, run(), run())
    program.perform(["selfcheck", "--out", "check.zip"])
    with pytest.raises(UsageError) as found, opened(Path("check.zip")):
        pass
    assert "holds bundles" in found.value.message and "unzip it" in found.value.remedy
    zipfile.ZipFile("check.zip").extract("smoke.zip")
    with opened(Path("smoke.zip")) as run_of_it:
        assert run_of_it.is_bundle
