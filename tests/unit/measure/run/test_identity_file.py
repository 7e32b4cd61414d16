"""device.json: names of known phones, and clusters that are hidden now as they were when they could be seen."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from harness.control.sources import Source, Sources
from harness.devices.base import Cluster, Identity, Topology
from harness.errors import WrongDevice
from harness.measure.run import identity_file

pytestmark = pytest.mark.unit

LITTLE, BIG = Cluster((0, 1), core="Cortex-A55", max_khz=1700000), Cluster((2, 3), core="Cortex-A75", max_khz=2800000)


def written(file: Path, topology: Topology, identity: Identity | None = None) -> Any:
    identity_file.write(file, "pixel-3", identity or Identity("S1", "adb", model="Pixel 3"), topology)
    return json.loads(file.read_text())


def test_what_was_seen_of_a_cluster_that_is_offline_now_is_kept(tmp_path: Path) -> None:
    file = tmp_path / "device.json"
    first = written(file, Topology((LITTLE, BIG), (0, 1, 2, 3)))
    blind = Topology((LITTLE, Cluster((2, 3))), (0, 1), offline=(2, 3))
    assert written(file, blind)["clusters"] == first["clusters"]
    assert written(file, Topology((LITTLE,), (0, 1)))["clusters"] == first["clusters"]


def test_a_damaged_file_is_written_anew(tmp_path: Path) -> None:
    file = tmp_path / "device.json"
    file.write_text("[]")
    assert [cluster["label"] for cluster in written(file, Topology((LITTLE,), (0, 1)))["clusters"]] == ["0-1"]


@pytest.mark.parametrize(("kind", "secret"), [("adb", True), ("local", False)])
def test_whether_the_serial_number_is_secret(tmp_path: Path, kind: str, secret: bool) -> None:
    device = written(tmp_path / "device.json", Topology((LITTLE,), (0, 1)), Identity("S1", kind))
    assert device["serial_is_secret"] is secret


@pytest.mark.parametrize(
    ("identity", "title"),
    [
        (Identity("S1", "adb", model="SM-G950F"), "Samsung Galaxy S8 (Exynos 8895)"),
        (Identity("S1", "adb", model="Unheard"), ""),
        (Identity("local", "local", model="SM-G950F"), ""),  # this machine's product name is no phone's
    ],
)
def test_titles(tmp_path: Path, identity: Identity, title: str) -> None:
    assert written(tmp_path / "device.json", Topology((LITTLE,), (0, 1)), identity)["title"] == title


PIXEL = Identity("10.0.0.7:5555", "adb", model="Pixel 3", serialno="8A9X0B1C2", second_mark="7d1f9e0c2b3a")


def test_the_device_of_the_file_is_the_only_one(tmp_path: Path) -> None:
    file = tmp_path / "device.json"
    identity_file.check(file, PIXEL)  # measured for the first time
    identity_file.write(file, "pixel-3", PIXEL, Topology((), ()))
    identity_file.check(file, replace(PIXEL, serial="10.0.0.9:1"))
    for other in (replace(PIXEL, serialno="8A9X0B1C3"), replace(PIXEL, second_mark="99e0aa41c0ff")):
        with pytest.raises(WrongDevice, match="the phone that was measured is Pixel 3") as caught:
            identity_file.check(file, other)
        assert "8A9X0B1C" not in str(caught.value)  # it goes into events
    file.write_text("{")
    with pytest.raises(WrongDevice, match="does not tell which device"):
        identity_file.check(file, PIXEL)


def test_a_second_mark_is_not_forgotten(tmp_path: Path) -> None:
    file = tmp_path / "device.json"
    for mark in (PIXEL.second_mark, ""):
        identity_file.write(file, "pixel-3", replace(PIXEL, second_mark=mark), Topology((), ()))
    with pytest.raises(WrongDevice):
        identity_file.check(file, replace(PIXEL, second_mark="99e0aa41c0ff"))


def test_it_tells_which_evidence_the_device_gives(tmp_path: Path) -> None:
    sources = Sources(
        (Source("power", "dumpsys power"), Source("thermal zones", "/sys/class/thermal", "there is none"))
    )
    identity_file.write(tmp_path / "d", "pixel-3", Identity("S1", "adb"), Topology((LITTLE,), (0, 1)), sources)
    assert json.loads((tmp_path / "d").read_text())["evidence"] == [
        {"name": "power", "reads": "dumpsys power", "why": None},
        {"name": "thermal zones", "reads": "/sys/class/thermal", "why": "there is none"},
    ]
