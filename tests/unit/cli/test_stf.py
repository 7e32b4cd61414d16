"""--stf: devices of a farm for a command, and only for it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, cast

import pytest

from benchmarks import synthetic
from harness.cli import restore
from harness.cli.command import Command, as_function
from harness.cli.devices import Devices
from harness.cli.doctor import Doctor
from harness.cli.host import Host
from harness.cli.options import DeviceOptions
from harness.cli.outcome import Outcome
from harness.cli.run import Run
from harness.control import farm_leases, quarantine
from harness.control.farm_leases import FarmLease
from harness.control.holder import Holder
from harness.devices import discovery, servers
from harness.devices.base import Attached
from harness.devices.phone_id import PhoneId
from harness.devices.transport import Server
from harness.errors import InfrastructureError, UsageError
from harness.exit_codes import ExitCode
from harness.measure.run import manifest
from harness.stf.address import Token
from harness.store.rundir import RunDir
from tests.stf_stub import ANN, ME, TOKEN, StubFarm, serving

pytestmark = pytest.mark.unit


@pytest.fixture(autouse=True)
def state(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    monkeypatch.setenv("STF_TOKEN", TOKEN)


@pytest.fixture
def stub() -> Iterator[StubFarm]:
    with serving() as farm:
        farm.add("S1", "10.0.0.7:7401")
        yield farm


@pytest.fixture
def adb(monkeypatch: pytest.MonkeyPatch) -> None:
    """An adb server that reaches every phone."""
    listed: dict[str, str] = {}
    monkeypatch.setattr(servers, "choose", lambda named: (Server("127.0.0.1", 5037),))
    monkeypatch.setattr(servers, "connect", lambda server, phone: listed.update({phone: "device"}))
    monkeypatch.setattr(servers, "disconnect", lambda server, phone: listed.pop(phone, None))
    monkeypatch.setattr(servers, "states", lambda server: dict(listed))
    monkeypatch.setattr(discovery, "find", lambda wanted, *_: Attached(tuple(wanted)))


@dataclass(frozen=True, kw_only=True)
class Mine(DeviceOptions, Command):
    """A command that finds devices, and fails where it is told to."""

    fails: bool = False

    def __call__(self) -> Outcome:
        found = self.find()
        assert self.newcomers(found, ["all"]) is None
        if self.fails:
            raise InfrastructureError("something else went wrong")
        return Outcome(lines=tuple(cast("tuple[str, ...]", found.devices)))


def given(stub: StubFarm, **more: Any) -> dict[str, Any]:
    common = {"device": None, "adb_server": None, "stf": stub.url, "stf_token": None}
    return {**common, "as_json": False, "quiet": False, "timeout": None, "fails": False, **more}


@pytest.mark.usefixtures("adb")
def test_the_farm_has_its_devices_back_whatever_happens(stub: StubFarm, capsys: pytest.CaptureFixture[str]) -> None:
    perform = as_function(Mine, "mine")
    assert perform(**given(stub)) == ExitCode.DONE
    assert capsys.readouterr().out == "10.0.0.7:7401\n"
    with pytest.raises(InfrastructureError, match="something else"):
        perform(**given(stub, fails=True))
    assert stub.calls.count("POST /user/devices") == 2 and stub.owners() == {"S1": None}
    assert farm_leases.known(pytest.fail) == []


@pytest.mark.usefixtures("adb")
def test_a_failure_at_the_end_hides_no_other_one(
    stub: StubFarm, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    stub.will_answer("DELETE /user/devices/S1", 500)
    with pytest.raises(InfrastructureError, match="something else"):
        as_function(Mine, "mine")(**given(stub, fails=True))
    assert "S1: not given back" in capsys.readouterr().err


def test_options_that_do_not_fit(
    stub: StubFarm, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(UsageError, match="for a farm that --stf names"):
        Mine(stf_token=tmp_path / "x").find()
    monkeypatch.delenv("STF_TOKEN")
    with pytest.raises(UsageError, match="there is none"):
        as_function(Mine, "mine")(**given(stub))
    assert capsys.readouterr().err == ""  # told once, by whoever catches it


def test_what_needs_no_device_reserves_none(stub: StubFarm) -> None:
    with pytest.raises(UsageError, match="a dry run reserves none") as error:
        Run(stf=stub.url, dry=True)()
    assert stub.url in error.value.remedy
    with pytest.raises(UsageError, match="hosts of a lab reserve no devices"):
        Host(stf=stub.url, scheduler="tcp://127.0.0.1:8786")()
    assert not stub.calls


def test_a_farms_device_leaves_its_quarantine_and_is_not_reserved(stub: StubFarm) -> None:
    """It was at an address that it does not have any more; the farm calls it by its number."""
    phone = PhoneId("8A9X0B1C2", "Pixel 3", "blueline", "10.0.0.7:7401")
    for known in (phone, replace(phone, serialno="8A9X0B1C3", address="10.0.0.7:7405")):
        quarantine.put(known, quarantine.UNKILLABLE)
    stub.add(phone.serialno)
    done = Doctor(stf=stub.url, release=phone.serialno)()
    assert done.code == ExitCode.DONE and "is over" in done.lines[0]
    assert quarantine.of(phone) is None and len(quarantine.every()) == 1
    assert Doctor(stf=stub.url, release="S1")().lines == ("S1: in no quarantine",)
    with pytest.raises(UsageError, match="no device of that name"):
        Doctor(stf=stub.url, release="S9")()
    assert not [call for call in stub.calls if not call.startswith("GET ")]


def test_a_farms_devices_are_listed_and_none_is_reserved(stub: StubFarm) -> None:
    stub.add("S2", owner=ANN)
    done = Devices(stf=stub.url)()
    assert done.code == ExitCode.DONE
    assert done.lines == (f"farm {stub.url}", "S1  Pixel 3  free", "S2  Pixel 3  in use by Ann")
    assert done.value["farm"][1] == {"serial": "S2", "model": "Pixel 3", "state": "in use", "user": "Ann"}
    assert not [call for call in stub.calls if not call.startswith("GET ")]
    del stub.devices["S1"]
    assert Devices(stf=stub.url)().code == ExitCode.NO_DEVICE


def left_reserved(stub: StubFarm, token: str = TOKEN) -> None:
    """As a killed run left it."""
    stub.give("S1", ME)
    dead = replace(Holder.me(), pid=2**22 + 1)
    farm_leases.keep(
        FarmLease(
            farm=stub.url, serial="S1", token=Token(token).digest, holder=dead.line, adb_server="127.0.0.1:5037",
            address="10.0.0.7:7401",
        )
    )  # fmt: skip


@pytest.mark.usefixtures("adb")
@pytest.mark.parametrize("named", [True, False])
def test_restore_gives_back_what_a_dead_run_left(stub: StubFarm, monkeypatch: pytest.MonkeyPatch, named: bool) -> None:
    monkeypatch.setattr(discovery, "find", lambda *_: Attached())
    left_reserved(stub)
    done = restore.Restore(stf=stub.url if named else None)()
    assert (done.code, done.lines) == (ExitCode.DONE, (f"S1: given back to {stub.url}",))
    assert stub.owners() == {"S1": None} and done.value["reserved"] == []


@pytest.mark.usefixtures("adb")
def test_restore_shows_a_token_to_its_own_farm_alone(
    stub: StubFarm, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(discovery, "find", lambda *_: Attached())
    left_reserved(stub, token="that of another farm")
    done = restore.Restore()()
    assert (done.code, done.value["reserved"]) == (ExitCode.INFRASTRUCTURE, ["S1"])
    assert stub.calls == [] and f"--stf {stub.url}" in capsys.readouterr().err
    monkeypatch.delenv("STF_TOKEN")
    assert restore.Restore()().code == ExitCode.INFRASTRUCTURE


def test_a_resumed_run_asks_for_its_own_phones(tmp_path: Path) -> None:
    """Not for all that are free, as --device all does of what is attached."""
    run = RunDir(synthetic.make_run(tmp_path / "RUN", layers=synthetic.LAYERS[1:2], launches=4, rounds=1))
    (name,) = run.manifest().devices
    identity = json.loads(run.device(name).identity.read_bytes())
    identity["identity"]["serialno"] = "8A3X"
    run.device(name).identity.write_text(json.dumps(identity))
    assert manifest.where_devices_are(run, by_number=True) == ["8A3X"]
    assert manifest.where_devices_are(run) == ["all"]
