"""Phones that join a run: named, written down, measured beside the others; those that it has already are none."""

from __future__ import annotations

import threading
from collections.abc import Collection, Sequence
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from harness.control.conditions.diagnosis import Diagnosis
from harness.control.conditions.modes import BATTERY_SAVER
from harness.devices.base import Attached, Cluster, Device, Identity, Key, Topology, Unusable, key_of
from harness.errors import InfrastructureError
from harness.measure import admission, campaign
from harness.measure.called import named
from harness.measure.campaign import in_turn
from harness.measure.context import Context, Work
from harness.measure.programs import Programs
from harness.measure.request import Request
from harness.measure.run import joining as joining_module
from harness.measure.run import manifest
from harness.measure.run.joining import Joining
from harness.model.condition import Condition
from harness.model.policy import PhoneSettings, load_policy
from harness.model.suite import load_suite
from harness.store.rundir import RunDir

pytestmark = pytest.mark.unit

SUITE = load_suite("smoke")
REQUEST = Request("smoke", SUITE.layers, load_policy("smoke"), SUITE.algorithms, 1)
PIXEL = Identity("S1", "adb", model="Pixel 3", serialno="8A9X0B1C2", board="blueline")


def device(identity: Identity) -> Device:
    topology = Topology((Cluster((0,)),), (0,))
    return cast(Device, SimpleNamespace(serial=identity.serial, identity=identity, topology=lambda: topology))


FIRST = device(PIXEL)
SECOND = device(replace(PIXEL, serial="S2", serialno="8A9X0B1C3"))
THIRD = device(Identity("S3", "adb", model="Pixel 8", serialno="39011FDJH"))
BY_WIFI = device(replace(PIXEL, serial="10.0.0.7:5555"))


LOW = Condition("LOW_BATTERY", "5 % are left")
EMULATED = Condition("EMULATED", "it is one")
STARTING = Condition("STARTING", "it does not say that it has started")


@pytest.fixture(autouse=True)
def conditions(monkeypatch: pytest.MonkeyPatch) -> dict[str, list[Condition]]:
    """What each phone has, by its serial."""
    found: dict[str, list[Condition]] = {}
    monkeypatch.setattr(
        admission,
        "diagnose",
        lambda devices, held=False, own="": [Diagnosis(tuple(found.get(each.serial, ()))) for each in devices],
    )
    return found


class Server:
    """Lists phones; which serials it was told of."""

    def __init__(self) -> None:
        self.phones: list[Device] = [FIRST]
        self.known: list[set[str]] = []
        self.beside: list[str] = []
        self.seen: dict[str, tuple[Condition, ...]] = {}
        self.is_gone = False

    def __call__(self, known: Collection[Key], beside: Sequence[Device]) -> Attached:
        self.known.append({serial for _, serial in known})
        self.beside = [device.serial for device in beside]
        if self.is_gone:
            raise InfrastructureError("no adb server")
        phones = tuple(phone for phone in self.phones if key_of(phone) not in known)
        return Attached(phones, conditions={key_of(phone): self.seen.get(phone.serial, ()) for phone in phones})


@pytest.fixture
def server() -> Server:
    return Server()


@pytest.fixture
def joining(tmp_path: Path, server: Server) -> Joining:
    run, said = RunDir(tmp_path / "run"), print
    devices = named([FIRST])
    run.write_manifest(manifest.new(REQUEST, [name for name, _ in devices], Programs({}, "arm64-v8a"), ["h"], {}))
    stopping = threading.Event()
    context = Context(REQUEST, Attached((FIRST,)), said, lambda: nullcontext(stopping), newcomers=server)
    return Joining(run, devices, context, Work(REQUEST, Programs({}, "arm64-v8a"), stopping, said))


def test_a_phone_that_joins_has_a_name_of_its_own_and_stands_in_the_manifest(
    joining: Joining, server: Server, tmp_path: Path
) -> None:
    assert joining() == []
    server.phones += [SECOND, THIRD, BY_WIFI]
    (second, third) = joining()
    assert second[0].startswith("pixel-3-") and second[1] is SECOND
    assert third == ("pixel-8", THIRD)
    assert RunDir(tmp_path / "run").manifest().devices == ["pixel-3", second[0], "pixel-8"]
    assert joining() == []
    assert server.known[-1] == {"S1", "S2", "S3", "10.0.0.7:5555"}  # the same phone by another address is none
    assert server.beside == ["S1", "S2", "S3"]
    assert [name for name, _ in joining.joined] == [second[0], "pixel-8"]


def test_conditions_decide_who_joins_and_are_stamped(
    joining: Joining, server: Server, conditions: dict[str, list[Condition]], capsys: pytest.CaptureFixture[str]
) -> None:
    conditions |= {"S2": [LOW], "S3": [EMULATED]}
    server.phones += [SECOND, THIRD]
    assert joining() == [("pixel-8", THIRD)]
    assert "pixel-3-44019c (S2): does not join: not measured, LOW_BATTERY" in capsys.readouterr().out
    assert joining.work.conditions == {"pixel-8": [EMULATED]}
    assert [bad.serial for bad in joining.refused] == ["S2"]


def test_who_has_the_phones_elsewhere_asks_them(
    joining: Joining, server: Server, conditions: dict[str, list[Condition]]
) -> None:
    """Nothing is asked of a phone here, whatever it has."""
    elsewhere = SimpleNamespace(why_not=lambda devices, read: [None] * len(devices))
    context = replace(joining._context, elsewhere=cast(Any, elsewhere))
    conditions["S3"] = [LOW]
    server.phones += [THIRD]
    lab = Joining(joining._run, named([FIRST]), context, joining._work)
    assert [name for name, _ in lab()] == ["pixel-8"] and lab.work.conditions["pixel-8"] == ()


def test_what_is_seen_when_a_phone_is_found_counts_as_when_a_run_begins(joining: Joining, server: Server) -> None:
    server.seen = {"S2": (STARTING,), "S3": (EMULATED,)}
    server.phones += [SECOND, THIRD]
    assert joining() == [("pixel-8", THIRD)]
    assert joining.work.conditions == {"pixel-8": [EMULATED]}
    assert "--allow STARTING" in joining.refused[0].remedy


def test_what_the_run_sets_right_by_itself_stops_no_phone(
    joining: Joining, server: Server, conditions: dict[str, list[Condition]]
) -> None:
    conditions["S3"] = [BATTERY_SAVER]
    policy = REQUEST.policy.model_copy(update={"settings": PhoneSettings(battery_saver_off=True)})
    server.phones += [THIRD]
    work = replace(joining.work, request=replace(REQUEST, policy=policy))
    assert Joining(joining._run, named([FIRST]), joining._context, work)() == [("pixel-8", THIRD)]
    assert (joining(), [bad.serial for bad in joining.refused]) == ([], ["S3"])


def test_a_refused_phone_is_asked_again_after_a_while_and_in_silence(
    joining: Joining,
    server: Server,
    conditions: dict[str, list[Condition]],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    now = [1000.0]
    monkeypatch.setattr("harness.measure.run.joining.time", SimpleNamespace(monotonic=lambda: now[0]))
    conditions |= {"S2": [LOW], "S3": [LOW]}
    server.phones += [SECOND, THIRD]
    at_start = Unusable("S2", "not measured, LOW_BATTERY", "charge it", ("LOW_BATTERY",))
    resumed = Joining(joining._run, named([FIRST]), joining._context, joining.work, refused=[at_start])
    assert resumed() == [] and resumed() == []
    assert {"S2", "S3"} <= server.known[-1]
    said = capsys.readouterr().out
    assert said.count("pixel-8: does not join") == 1 and "S2" not in said
    now[0] += joining_module._AGAIN_S
    assert resumed() == []
    assert not {"S2", "S3"} & server.known[-1]
    assert capsys.readouterr().out == ""
    conditions["S2"] = []
    now[0] += joining_module._AGAIN_S
    assert [device for _, device in resumed()] == [SECOND]
    assert [bad.serial for bad in resumed.refused] == ["S3"]


def test_two_servers_that_list_phones_by_one_serial(joining: Joining, server: Server) -> None:
    elsewhere = device(replace(THIRD.identity, serial="S1", host="h:2"))
    server.phones.append(elsewhere)
    assert joining() == [("pixel-8", elsewhere)]


def test_what_cannot_be_written_down_keeps_one_phone_out_and_ends_nothing(
    joining: Joining, server: Server, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def full(run: RunDir, **fields: Any) -> None:
        if "pixel-8" in fields["devices"]:
            raise InfrastructureError("cannot write manifest.json: No space left on device", "free some space")
        update(run, **fields)

    update = RunDir.update_manifest
    monkeypatch.setattr(RunDir, "update_manifest", full)
    server.phones += [THIRD, SECOND]
    ((name, found),) = joining()
    assert found is SECOND and name in RunDir(joining._run.path).manifest().devices
    assert "pixel-8: does not join: cannot write manifest.json" in capsys.readouterr().out
    assert [(bad.serial, bad.remedy) for bad in joining.refused] == [("S3", "free some space")]
    assert set(joining.work.conditions) == {name}


def test_an_adb_server_that_is_gone_is_no_matter_of_those_that_are_measured(joining: Joining, server: Server) -> None:
    server.is_gone = True
    assert joining() == []


def test_a_resumed_run_takes_its_own_phones_alone(joining: Joining, server: Server, tmp_path: Path) -> None:
    context, work = joining._context, joining.work
    resumed = Joining(joining._run, [], context, work, lambda which: "pixel-3" if which is FIRST else None)
    server.phones += [SECOND]
    assert resumed() == [("pixel-3", FIRST)]
    assert RunDir(tmp_path / "run").manifest().devices == ["pixel-3"]


def test_they_are_measured_beside_the_others_and_the_run_ends_when_all_are_done(
    joining: Joining, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(campaign, "_LOOK_S", 0.01)
    beside = threading.Barrier(2, timeout=30)

    def measure(name: str, which: Device) -> str:
        if which is FIRST:
            server.phones.append(THIRD)  # is plugged in while the first one is measured
        if which is THIRD:
            server.phones.append(SECOND)  # and another one, while that is
        if which is not SECOND:
            beside.wait()
        return name

    found = in_turn(named([FIRST]), measure, joining.work, joining)
    assert found[:2] == ["pixel-3", "pixel-8"] and found[2].startswith("pixel-3-")


def test_after_a_stop_nobody_joins(joining: Joining, server: Server) -> None:
    def measure(name: str, which: Device) -> str:
        joining.work.stop.set()
        server.phones.append(THIRD)
        return name

    assert in_turn(named([FIRST]), measure, joining.work, joining) == ["pixel-3"]


def test_without_device_all_nobody_is_looked_for(joining: Joining, tmp_path: Path, server: Server) -> None:
    context = replace(joining._context, newcomers=None)
    assert Joining(joining._run, [], context, joining.work)() == []
    assert server.known == []


def test_a_phone_without_a_table_is_told_of_and_joins(joining: Joining, server: Server, tmp_path: Path) -> None:
    tuned = replace(REQUEST, tuned=tmp_path)
    said: list[Any] = []
    context = replace(joining._context, request=tuned, say=said.append)
    server.phones += [THIRD]
    found = Joining(joining._run, [("pixel-3", FIRST)], context, replace(joining.work, request=tuned))()
    assert [name for name, _ in found] == ["pixel-8"]
    assert any("no table for any cluster" in text for text in said)
