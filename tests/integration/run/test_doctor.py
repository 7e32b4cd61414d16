"""A phone that is well and one with many faults: what ``doctor`` names, what ``run`` refuses, what it stamps."""

from __future__ import annotations

import csv
import json
from typing import Any

import pytest

from harness.lab import controls, rehearsal
from harness.lab.manager import PhoneHandle
from harness.lab.state import State

pytestmark = pytest.mark.integration

STOPPING = {"LOW_BATTERY", "HOT", "LOW_POWER_MODE", "THERMAL_OVERRIDE", "WORK_FOLDER"}
OTHERS = {"EMULATED", "CHARGING", "THERMAL_FROZEN", "CORES_OFFLINE", "SCREEN", "ORPHANS"}


def spoil(lab: Any, phone: PhoneHandle) -> None:
    """Low battery, hot, battery saver, a status set by hand, frozen zones, asleep, big cores unplugged, an unwritable
    folder."""
    services = State(phone.root).folder / "services"
    (services / "battery" / "level").write_text("3")
    (services / "battery" / "temperature").write_text("480")
    (services / "power" / "wakefulness").write_text("Asleep")
    controls.set_online(phone, "0-3")
    rehearsal.put_on(phone, "zone=frozen")
    lab.shell(phone, "settings put global low_power 1; cmd thermalservice override-status 1")
    lab.shell(phone, "mkdir /data/local/tmp/harness-dead-1; chmod 500 /data/local/tmp")


def found(value: Any, phone: PhoneHandle) -> dict[str, Any]:
    (device,) = [device for device in value["devices"] if device["device"] == phone.serial]
    assert device["unknown"] == {}
    return {condition["name"]: condition for condition in device["conditions"]}


def test_faults_are_named_refused_and_stamped(lab: Any, bench: Any) -> None:
    with lab.phone("pixel-8") as well, lab.phone("pixel-3") as ill:
        spoil(lab, ill)
        asked = bench("doctor", "--json")
        assert asked.code == 3, asked.err
        value = json.loads(asked.out)
        assert set(found(value, well)) == {"EMULATED", "CHARGING"}
        named = found(value, ill)
        assert set(named) == STOPPING | OTHERS
        assert {name for name, condition in named.items() if condition["stops"]} == STOPPING
        assert "/data/local/tmp cannot be written" in named["WORK_FOLDER"]["what"]
        assert value["host"]["adb_servers"] == [lab.server]

        text = bench("doctor", "--device", ill.serial)
        assert text.code == 3
        assert all(line.isprintable() for line in text.out.splitlines())
        assert all(name in text.out for name in named)
        assert "charge the phone" in text.out

        for command in (("run",), ("verify",), ("tune", "--out", "tables")):
            refused = bench(*command, bench.suite(), "--device", ill.serial)
            assert refused.code == 5
            assert "--allow LOW_BATTERY --allow HOT --allow LOW_POWER_MODE" in refused.err
        assert bench("run", "--allow", "TIRED").code == 2

        lab.shell(ill, "chmod 771 /data/local/tmp; rmdir /data/local/tmp/harness-dead-1")
        allow = [word for name in sorted(STOPPING - {"WORK_FOLDER"}) for word in ("--allow", name)]
        done = bench(
            "run", bench.suite(), "--clusters", "0-3", "--device", ill.serial, "--out", "run", "--json", *allow
        )
        assert done.code == 0, done.err
        stamped = {"EMULATED", "LOW_BATTERY", "HOT", "CHARGING", "LOW_POWER_MODE", "THERMAL_OVERRIDE"}
        stamped |= {"CORES_OFFLINE", "SCREEN"}
        (told,) = json.loads(done.out)["conditions"].values()
        assert {condition["name"] for condition in told} == stamped
        events = [event for event in bench.run.lines("events.jsonl") if event["event"] == "condition"]
        assert {event["name"] for event in events} == stamped
        with (bench.run.path / "results.csv").open(newline="") as file:
            assert {frozenset(row["conditions"].split("+")) for row in csv.DictReader(file)} == {frozenset(stamped)}
        assert bench.run.manifest["allow"] == sorted(STOPPING - {"WORK_FOLDER"})
        bench.run.tell_no_serial(lab.shell(ill, "getprop ro.serialno"))
