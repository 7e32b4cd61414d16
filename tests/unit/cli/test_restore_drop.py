"""``harness restore``: programs and folders of dead runs, records that are dropped by name."""

from __future__ import annotations

from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from harness.cli import restore
from harness.cli.restore import Restore
from harness.control.lease import Lease
from harness.devices import discovery
from harness.devices.base import Attached
from harness.devices.local import LocalDevice
from harness.errors import DeviceError, NoDeviceError
from harness.exit_codes import ExitCode

pytestmark = pytest.mark.unit


@contextmanager
def nothing(*_: Any, **__: Any) -> Any:
    yield Lease()


@pytest.fixture
def work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The work folder of a device with one run that has records, and one of verify."""
    device = LocalDevice(tmp_path / "work")
    root = Path(device.work_root())
    for run in ("r1", "verify-smoke-1"):
        (root / f"harness-{run}").mkdir()
        (root / f"harness-{run}/4-7.1.jsonl").write_text("{}")
    monkeypatch.setattr(discovery, "find", lambda *_: Attached((device,)))
    monkeypatch.setattr(restore, "leased", nothing)
    return root


def test_what_dead_runs_left_goes_and_records_stay_until_they_are_dropped(work: Path) -> None:
    done = Restore()()
    assert done.code == ExitCode.DONE
    assert done.lines[0] == "local: run verify-smoke-1: its folder was removed"
    assert "run r1 has records here" in done.lines[1] and "--drop r1" in done.lines[1]
    assert Restore(drop=["r1"])().lines == ("local: run r1: its folder was removed",)
    assert list(work.iterdir()) == []
    assert Restore()().lines == ("nothing to restore",)


def test_a_run_that_no_phone_has_is_a_mistake(work: Path, capsys: pytest.CaptureFixture[str]) -> None:
    done = Restore(drop=["r2"])()
    assert done.code == ExitCode.USAGE
    assert "--drop r2: no attached phone has that run" in capsys.readouterr().err
    assert (work / "harness-r1").exists()


def test_a_device_in_use_is_left_alone(work: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def held(*_: Any, **__: Any) -> Any:
        raise DeviceError("another harness run is using the device")

    monkeypatch.setattr(restore, "leased", held)
    assert Restore()().code == ExitCode.INFRASTRUCTURE
    assert len(list(work.iterdir())) == 2


def test_an_unknown_device_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    def find(*_: Any) -> Attached:
        raise NoDeviceError("not attached")

    monkeypatch.setattr(discovery, "find", find)
    with pytest.raises(NoDeviceError):
        Restore(device=["S1"])()
