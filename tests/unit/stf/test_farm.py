"""Devices of a farm: what is read of them, and how one is taken, reached and given back."""

from __future__ import annotations

from typing import Any

import pytest

from harness.errors import InfrastructureError
from harness.stf import farm as module
from harness.stf.client import Client, FarmError
from harness.stf.farm import Farm
from tests.stf_stub import ANN, ME, StubFarm

pytestmark = pytest.mark.unit

RESERVE = "POST /user/devices"


@pytest.fixture
def farm(client: Client, monkeypatch: pytest.MonkeyPatch) -> Farm:
    monkeypatch.setattr(module, "_AGAIN_S", 0.001)
    monkeypatch.setattr(module, "_SEEN_S", 0.05)
    return Farm(client)


def test_states(farm: Farm, stub: StubFarm) -> None:
    stub.add("FREE")
    stub.add("ANNS", owner=ANN)
    stub.add("AWAY", present=False)
    stub.add("BUSY", ready=False)
    stub.add("HIDDEN", using=True)
    stub.add("NAMELESS", owner={"email": "x@y.example"})
    told = {serial: device.state_in_words for serial, device in farm.devices().items()}
    assert told == {
        "FREE": "free", "ANNS": "in use by Ann", "AWAY": "absent", "BUSY": "not ready", "HIDDEN": "in use by somebody",
        "NAMELESS": "in use by x@y.example",
    }  # fmt: skip
    assert farm.devices()["FREE"].model == "Pixel 3" and farm.user() == ME["email"]


@pytest.mark.parametrize(
    "entry", [None, 1, {}, {"serial": 7}, {"serial": ""}, {"serial": "a b"}, {"serial": "x" * 999}]
)
def test_entries_that_cannot_be_read_are_left_out(farm: Farm, stub: StubFarm, entry: Any) -> None:
    good = {"serial": "S1", "present": "yes", "ready": 1, "owner": "Ann", "model": ["x"], "usageChangedAt": 5}
    stub.will_answer("GET /devices", 200, {"success": True, "devices": [entry, good]})
    (device,) = farm.devices().values()
    assert (device.serial, device.state, device.model, device.since) == ("S1", "absent", "", "")


@pytest.mark.parametrize("answer", [{"success": True}, {"success": True, "devices": {}, "user": {"email": ""}}])
def test_answers_without_what_was_asked_for(farm: Farm, stub: StubFarm, answer: Any) -> None:
    for call in ("GET /devices", "GET /user"):
        stub.will_answer(call, 200, answer)
    with pytest.raises(FarmError, match="no list of devices"):
        farm.devices()
    with pytest.raises(FarmError, match="whose the token is"):
        farm.user()


def test_a_device_is_taken_reached_and_given_back(farm: Farm, stub: StubFarm) -> None:
    stub.add("S1")
    farm.reserve("S1")
    assert stub.owners() == {"S1": "CI"} and stub.bodies[0] == {"serial": "S1", "timeout": 900_000}
    assert farm.connect("S1") == "10.0.0.7:7401"
    farm.release("S1")
    assert stub.owners() == {"S1": None}


def test_somebody_was_faster(farm: Farm, stub: StubFarm) -> None:
    stub.add("S1", owner=ANN)
    with pytest.raises(FarmError, match="being used") as caught:
        farm.reserve("S1")
    assert caught.value.status == 403


@pytest.mark.parametrize("done", [True, False])
def test_an_answer_that_is_lost(farm: Farm, stub: StubFarm, done: bool) -> None:
    """Whether it was done is asked, not done again."""
    stub.add("S1")
    stub.will_answer(RESERVE, 504, {"success": False, "description": "Device is not responding"})
    if done:
        stub.done_all_the_same.add(RESERVE)
        farm.reserve("S1")
    else:
        with pytest.raises(FarmError, match="not responding"):
            farm.reserve("S1")
    assert stub.calls.count(RESERVE) == 1


def test_the_farms_database_lags_behind_its_answers(farm: Farm, stub: StubFarm) -> None:
    stub.add("S1")
    old = {"success": True, "device": dict(stub.devices["S1"])}
    stub.will_answer("GET /devices/S1", 200, old)
    farm.reserve("S1")
    assert stub.calls.count("GET /devices/S1") == 2


def test_an_address_that_is_none(farm: Farm, stub: StubFarm) -> None:
    stub.add("S1", url="10.0.0.7")
    farm.reserve("S1")
    with pytest.raises(InfrastructureError, match="no HOST:PORT"):
        farm.connect("S1")


def test_another_device_than_the_one_that_was_asked_for(farm: Farm, stub: StubFarm) -> None:
    stub.add("S2")
    stub.will_answer("GET /devices/S1", 200, {"success": True, "device": stub.devices["S2"]})
    with pytest.raises(FarmError, match="does not tell of the device S1"):
        farm.device("S1")
