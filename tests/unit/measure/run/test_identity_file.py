"""device.json: names of known phones, and clusters that are hidden now as they were when they could be seen."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from harness.devices.base import Cluster, Identity, Topology
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
