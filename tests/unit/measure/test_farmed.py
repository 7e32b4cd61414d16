"""Devices of a farm: chosen, reserved, found by adb, given back at the end and after a death."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import pytest

from harness.control import farm_leases
from harness.control.farm_leases import FarmLease
from harness.control.holder import Holder
from harness.devices import discovery, servers
from harness.devices.base import Attached, Device, Unusable
from harness.devices.transport import Server
from harness.errors import InfrastructureError, NoDeviceError
from harness.measure import farm_release, farmed
from harness.stf import farm as stf_farm
from harness.stf.address import Token, parse_url
from harness.stf.client import Client
from harness.stf.farm import Farm
from tests.stf_stub import ANN, ME, TOKEN, StubFarm, serving

pytestmark = pytest.mark.unit

SERVER = "127.0.0.1:5037"
Adb = dict[str, str]  # states by address
Find = Callable[..., Any]  # an Attached whose devices are addresses


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    monkeypatch.setattr(stf_farm, "_SEEN_S", 0.05)
    monkeypatch.setattr(stf_farm, "_AGAIN_S", 0.001)
    monkeypatch.setattr(farmed, "_AGAIN_S", 0.001)
    monkeypatch.setattr(farmed, "_ATTACH_S", 0.05)
    monkeypatch.setattr(farmed, "_LOOK_S", 0.01)


@pytest.fixture
def stub() -> Iterator[StubFarm]:
    with serving() as farm:
        farm.add("S1", "10.0.0.7:7401")
        farm.add("S2", "10.0.0.7:7405")
        yield farm


@pytest.fixture
def farm(stub: StubFarm) -> Farm:
    return Farm(Client(parse_url(stub.url), Token(TOKEN), lambda _: None))


@pytest.fixture
def adb(monkeypatch: pytest.MonkeyPatch) -> Adb:
    """The phones that the adb server lists; those with an entry from the start keep their state."""
    listed: Adb = {}
    behind: Adb = {"10.0.0.7:7401": "device", "10.0.0.7:7405": "device"}

    def connect(server: str, phone: str) -> None:
        assert server == SERVER
        if phone not in behind:
            raise InfrastructureError(f"adb cannot connect to {phone}: refused", "see that it is reached")
        listed[phone] = behind[phone]

    def find(wanted: Any, *_: Any) -> Attached:
        states = [(serial, listed.get(serial, "device")) for serial in wanted]
        bad = tuple(
            Unusable(s, state, "unlock the phone", ("UNAUTHORIZED",), SERVER)
            for s, state in states
            if state != "device"
        )
        return Attached(tuple(cast(Device, serial) for serial, state in states if state == "device"), bad)

    monkeypatch.setattr(servers, "choose", lambda named: (Server("127.0.0.1", 5037),))
    monkeypatch.setattr(servers, "connect", connect)
    monkeypatch.setattr(servers, "disconnect", lambda server, phone: listed.pop(phone, None))
    monkeypatch.setattr(servers, "states", lambda server: dict(listed))
    monkeypatch.setattr(discovery, "find", find)
    return behind


@pytest.fixture
def told() -> list[str]:
    return []


@pytest.fixture
def find(farm: Farm, adb: Adb, told: list[str]) -> Find:
    def find(*wanted: str, require: int = 1, wait_s: float = 0.0) -> Any:
        return farmed.find(farm, farmed.Asked(wanted, (), require, wait_s), told.append)

    return find


def left_by(farm: Farm, serial: str, holder: Holder, address: str = "", since: str = "") -> FarmLease:
    """What a process wrote down before it asked for a device."""
    lease = FarmLease(
        farm=str(farm.url),
        serial=serial,
        token=farm.token_digest,
        holder=holder.line,
        adb_server=SERVER,
        address=address,
        since=since,
    )
    farm_leases.keep(lease)
    return lease


DEAD = replace(Holder.me(), pid=2**22 + 1)


@pytest.mark.parametrize("wanted", [(), ("all",), ("S1", "S2")])
def test_reserved_connected_and_given_back(
    find: Find, farm: Farm, stub: StubFarm, told: list[str], wanted: tuple[str, ...]
) -> None:
    found = find(*wanted)
    assert (set(found.devices), found.unusable) == ({"10.0.0.7:7401", "10.0.0.7:7405"}, ())
    assert stub.owners() == {"S1": "CI", "S2": "CI"}
    first, second = sorted(farm_leases.known(pytest.fail), key=lambda lease: lease.serial)
    assert (first.address, second.address) == ("10.0.0.7:7401", "10.0.0.7:7405") and first.is_ours
    assert found.other_names[SERVER, "10.0.0.7:7401"] == ("S1",)  # the manifest's command line has no serial numbers
    assert first.since == stub.devices["S1"]["usageChangedAt"]
    assert TOKEN not in "".join(file.read_text() for file in first.file.parent.glob("*.json")) + "".join(told)
    assert find(*wanted).devices and stub.calls.count("POST /user/devices") == 2  # those that it has
    assert farm_release.give_back_ours(farm, told.append)
    assert stub.owners() == {"S1": None, "S2": None} and farm_leases.known(pytest.fail) == []


def test_written_down_before_the_farm_is_asked(find: Find, stub: StubFarm, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[list[str]] = []
    claim = farm_leases.claim

    def noting(lease: FarmLease, **named: Any) -> None:
        claim(lease, **named)
        seen.append([*stub.calls])

    monkeypatch.setattr(farm_leases, "claim", noting)
    find("S1")
    assert seen and "POST /user/devices" not in seen[0] and "POST /user/devices" in stub.calls


def test_one_that_somebody_has_beside_one_that_is_free(find: Find, stub: StubFarm, told: list[str]) -> None:
    stub.give("S2", ANN)
    found = find("S1", "S2")
    assert found.devices == ("10.0.0.7:7401",)
    (bad,) = found.unusable
    assert (bad.serial, bad.state) == ("S2", "in use") and "--wait S" in bad.remedy
    assert "Ann" not in repr(bad) and "S2: in use by Ann" in told  # a name of a person is not for the run directory


def test_all_means_those_that_are_free(find: Find, stub: StubFarm) -> None:
    stub.give("S2", ANN)
    assert (find().devices, find("all").unusable) == (("10.0.0.7:7401",), ())


@pytest.mark.parametrize(
    ("wanted", "require", "message"),
    [
        (("S2",), 1, "0 of the 1 devices .* can be had: S2 is in use by Ann"),
        (("S1", "S2"), 2, "1 of the 2 devices .* S2 is in use by Ann"),
        ((), 2, "1 of the 2 devices .* S2 is in use by Ann"),
        (("local",), 1, ""),
        (("S3",), 1, r"has no device 'S3' for you \(2 others\)"),
    ],
)
def test_too_few_and_nothing_is_reserved(
    find: Find, stub: StubFarm, wanted: tuple[str, ...], require: int, message: str
) -> None:
    stub.give("S2", ANN)
    if message:
        with pytest.raises(NoDeviceError, match=message) as caught:
            find(*wanted, require=require)
        assert caught.value.exit_code == 5 and caught.value.remedy
    else:
        find(*wanted)
        assert stub.calls == []  # this machine needs no farm
    assert stub.owners() == {"S1": None, "S2": "Ann"}


def test_this_machine_counts_among_those_that_are_required(find: Find, stub: StubFarm) -> None:
    stub.give("S2", ANN)
    assert find("local", "all", require=2).devices == ("local", "10.0.0.7:7401")


def test_waits_until_it_is_free(find: Find, stub: StubFarm, told: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    stub.give("S2", ANN)

    def sleep(seconds: float) -> None:
        stub.give("S2", None)

    monkeypatch.setattr(time, "sleep", sleep)
    assert find("S2", wait_s=60).devices == ("10.0.0.7:7405",)
    assert [line for line in told if line.startswith("waiting for up to")] == [told[0]] and "in use by Ann" in told[0]


def test_somebody_was_faster(find: Find, stub: StubFarm) -> None:
    """Free when it was listed, and not when it was asked for."""
    stub.will_answer("POST /user/devices", 403, {"success": False, "description": "Device is being used"})
    (bad,) = find("S1").unusable
    assert (bad.serial, bad.state) == ("S1", "not to be had") and "Device is being used" in bad.remedy
    assert farm_leases.known(pytest.fail) == [] and "DELETE /user/devices/S1" not in stub.calls


@pytest.mark.parametrize("url", ["nonsense", "10.9.9.9:1"])
def test_one_that_cannot_be_connected_is_given_back(find: Find, stub: StubFarm, url: str) -> None:
    stub.urls["S1"] = url
    found = find("S1", "S2")
    assert found.devices == ("10.0.0.7:7405",) and [bad.serial for bad in found.unusable] == ["S1"]
    assert stub.owners() == {"S1": None, "S2": "CI"}


def test_a_key_that_the_farm_does_not_know(find: Find, adb: Adb) -> None:
    adb["10.0.0.7:7401"] = "unauthorized"
    (bad,) = find("S1").unusable
    assert bad.state == "unauthorized" and "adbkey.pub" in bad.remedy


def test_another_run_of_this_host_has_it(find: Find, farm: Farm, stub: StubFarm) -> None:
    stub.give("S1", ME)
    alive = replace(Holder.me(), pid=1, start=int(Path("/proc/1/stat").read_text().rpartition(")")[2].split()[19]))
    left_by(farm, "S1", alive, address="10.0.0.7:7401")
    with pytest.raises(NoDeviceError, match="S1 is in use by CI"):
        find("S1")
    assert find().devices == ("10.0.0.7:7405",) and stub.owners()["S1"] == "CI"


def test_one_that_its_user_has_by_hand_is_left_alone(find: Find, farm: Farm, stub: StubFarm) -> None:
    stub.give("S1", ME)
    assert find().devices == ("10.0.0.7:7405",)
    farm_release.give_back_ours(farm, pytest.fail)
    assert stub.owners() == {"S1": "CI", "S2": None}


def test_what_a_dead_run_left_is_taken_over_or_given_back(
    find: Find, farm: Farm, stub: StubFarm, told: list[str]
) -> None:
    for serial in ("S1", "S2"):
        stub.give(serial, ME)
        left_by(farm, serial, DEAD, since=stub.devices[serial]["usageChangedAt"])
    assert find("S2").devices == ("10.0.0.7:7405",)
    assert stub.owners() == {"S1": None, "S2": "CI"} and "POST /user/devices" not in stub.calls
    (lease,) = farm_leases.known(pytest.fail)
    assert lease.serial == "S2" and lease.is_ours


def test_a_dead_run_that_was_killed_before_it_asked(farm: Farm, adb: Adb, stub: StubFarm) -> None:
    left_by(farm, "S1", DEAD)
    assert farm_release.give_back_dead(farm, lambda _: None)
    assert stub.calls == ["GET /devices/S1", "GET /user"] and farm_leases.known(pytest.fail) == []


def test_what_the_same_user_has_taken_since_is_not_taken_away(farm: Farm, adb: Adb, stub: StubFarm) -> None:
    """The farm freed the dead run's device by itself, and a colleague with the same account has it now."""
    stub.give("S1", ME)
    left_by(farm, "S1", DEAD, since="long ago")
    assert farm_release.give_back_dead(farm, lambda _: None)
    assert stub.owners()["S1"] == "CI" and farm_leases.known(pytest.fail) == []


def test_an_administrator_throws_nobody_out(farm: Farm, adb: Adb, stub: StubFarm) -> None:
    """To an administrator the API gives everybody's devices back."""
    stub.give("S1", ANN)
    left_by(farm, "S1", DEAD)
    farm_release.give_back_dead(farm, lambda _: None)
    assert stub.owners()["S1"] == "Ann"


def test_a_farm_that_is_away_at_the_end(find: Find, farm: Farm, stub: StubFarm, told: list[str]) -> None:
    find()
    told.clear()
    for serial in ("S1", "S2"):
        stub.will_answer(f"DELETE /user/devices/{serial}", 500, {"success": False, "description": "oops"})
    assert not farm_release.give_back_ours(farm, told.append)
    assert "not given back" in told[-1] and "harness restore --stf" in told[-1]
    assert len(farm_leases.known(pytest.fail)) == 2
    assert farm_release.give_back_ours(farm, told.append)
    assert stub.owners() == {"S1": None, "S2": None}


def test_after_a_signal_no_further_one_is_reserved(
    find: Find, farm: Farm, stub: StubFarm, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(60):
        stub.add(f"T{number}")
    monkeypatch.setattr(farmed, "_MOST_TOGETHER", 1)
    reserve = farm.reserve

    def interrupted(serial: str) -> None:
        reserve(serial)
        raise KeyboardInterrupt

    monkeypatch.setattr(farm, "reserve", interrupted)
    with pytest.raises(KeyboardInterrupt):
        find()
    assert 0 < stub.calls.count("POST /user/devices") < 60
    assert farm_release.give_back_ours(farm, lambda _: None) and set(stub.owners().values()) == {None}


def test_a_signal_while_it_is_given_back(
    find: Find, farm: Farm, stub: StubFarm, monkeypatch: pytest.MonkeyPatch
) -> None:
    find()
    release = farm.release
    signals = iter([KeyboardInterrupt])

    def interrupted(*given: Any) -> None:
        for signal in signals:
            raise signal
        release(*given)

    monkeypatch.setattr(farm, "release", interrupted)
    with pytest.raises(KeyboardInterrupt):
        farm_release.give_back_ours(farm, pytest.fail)
    assert stub.owners() == {"S1": None, "S2": None}
