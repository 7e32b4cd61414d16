"""Faults in the supervisor over a phone that is a folder: begun at their time, and nothing is left at their end."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from harness.errors import UsageError
from harness.lab.faults.active import Active
from harness.lab.faults.kind import End
from harness.lab.model import PhoneModel, phone_model
from harness.lab.properties import properties, spec_of, write_state
from harness.lab.seccomp import CpuSupervisor
from harness.model.device_model import load_device_model

pytestmark = pytest.mark.unit


@cache
def pixel() -> PhoneModel:
    """A phone with a zone and two CPUs of each kind: what is more costs time only."""
    model = phone_model("pixel-3", load_device_model("pixel-3").model_dump())
    kept = {0: 2, 4: 6}
    cpus = tuple(core for core in model.cpus if any(low <= core.number < high for low, high in kept.items()))
    return replace(model, cpus=cpus, zones=(model.zones[0], model.zones[4]))


class Phone:
    """What faults need of a supervisor; its time goes when it is told."""

    def __init__(self, folder: Path) -> None:
        model = pixel()
        props = properties(model, "VP1", {})
        write_state(folder, model, props)
        self.folder = self.root = folder
        self.init = 1
        self.spec: dict[str, Any] = {
            **spec_of(model, props),
            "id_base": os.getuid(),
            "port": 6001,
            "disk_bytes": 1 << 30,
        }
        self.spec["shell_v2"] = True
        self.cpus = CpuSupervisor(model.numbers, 0)
        self.did: list[Any] = []
        self.told: list[Mapping[str, Any]] = []
        self.now = 0.0
        self._timers: list[tuple[float, End]] = []

    def after(self, seconds: float, action: End) -> None:
        self._timers.append((self.now + seconds, action))

    def wait(self, seconds: float) -> None:
        end = self.now + seconds
        while due := sorted((t for t in self._timers if t[0] <= end), key=lambda t: t[0]):
            self.now = due[0][0]
            self._timers.remove(due[0])
            due[0][1]()
        self.now = end

    def tell(self, order: Mapping[str, Any], descriptors: list[int] | None = None) -> None:
        self.told.append(order)

    def drop(self) -> None:
        self.did.append("drop")

    def refuse(self, refused: bool) -> None:
        self.did.append(("refuse", refused))

    def greet(self, greeting: str) -> None:
        self.did.append(("greet", greeting))

    def reboot(self, seconds: float | None = None) -> None:
        self.did.append(("reboot", seconds))

    def move(self, port: int) -> int:
        self.did.append(("move", port))
        return 6001

    def answer_also(self, port: int) -> End:
        return lambda: self.did.append("alone")


@pytest.fixture
def phone(tmp_path: Path) -> Phone:
    return Phone(tmp_path)


def contents(folder: Path) -> dict[str, tuple[int, str]]:
    return {
        str(path.relative_to(folder)): (path.stat().st_mode, path.read_text() if path.is_file() else "")
        for path in folder.rglob("*")
    }


@pytest.mark.parametrize(
    "fault",
    [
        "zone=frozen",
        "zone=zero:cpu0-gold-usr",
        "zone=off",
        "zone=dead",
        "zone=fails",
        "zone=blocks",
        "zone=current",
        "thermal=not-ready",
        "thermal=override",
        "thermal=severe",
        "hot=60",
        "throttle=30",
        "battery",
        "charger=none",
        "low-power",
        "screen",
        "boot",
        "property=ro.serialno:0123456789ABCDEF",
        "property=new.one:x",
        "cores=0-1",
        "cap=40",
        "deny=/sys/class/thermal",
        "deny=/sys/devices/system/cpu/online",
    ],
)
def test_a_fault_shows_and_its_end_leaves_nothing(phone: Phone, fault: str) -> None:
    (phone.folder / "properties" / "sys.boot_completed").write_text("1")
    before = contents(phone.folder)
    active = Active(phone)
    active.add([fault])
    phone.wait(1.0)
    assert active.listing() == [{"fault": fault, "on": True, "happened": True}]
    if not fault.startswith(("throttle", "zone=fails", "zone=zero")):  # these come and go
        assert contents(phone.folder) != before
    active.clear()
    phone.wait(1.0)
    assert active.listing() == []
    assert contents(phone.folder) == before


def test_a_fault_has_its_time(phone: Phone) -> None:
    level = phone.folder / "services" / "battery" / "level"
    active = Active(phone)
    active.add(["battery=5@in:2,for:3"])
    seen = []
    for _ in range(6):
        seen.append((level.read_text(), active.listing()))
        phone.wait(1.0)
    waits, on = ([{"fault": "battery=5@in:2,for:3", "on": now, "happened": now}] for now in (False, True))
    assert seen == [("85", waits), ("85", waits), ("5", on), ("5", on), ("5", on), ("85", [])]


def test_a_new_one_of_a_kind_ends_the_earlier(phone: Phone) -> None:
    active = Active(phone)
    active.add(["battery=5"])
    active.add(["battery=7"])
    assert [one["fault"] for one in active.listing()] == ["battery=7"]
    active.clear()
    assert (phone.folder / "services" / "battery" / "level").read_text() == "85"


def test_adbd_is_told_what_to_look_out_for_and_that_it_has_begun(phone: Phone) -> None:
    active = Active(phone)
    active.add(["reboot=3@at:convbench,times:2", "cut@after:4096", "truncate=9@on:df,times:1", "slow=5000"])
    order = phone.told[-1]
    assert [(f["name"], f["value"], f["on"], f["left"]) for f in order["faults"]] == [
        ("truncate", 9, "df", 1),
        ("slow", 5000, "", -1),
    ]
    assert [(t["at"], t["left"], t["splits"]) for t in order["triggers"]] == [("convbench", 0, False), ("", 4096, True)]
    number = order["triggers"][0]["number"]
    active.triggered(number)
    assert phone.did == [("reboot", 3)]
    assert phone.told[-1] == {"order": "begun", "number": number}
    again = phone.told[-2]["triggers"][-1]
    assert again["at"] == "convbench" and again["number"] != number
    active.triggered(again["number"])
    active.triggered(again["number"])  # told twice: once is enough
    assert phone.did == [("reboot", 3)] * 2
    assert [[t["at"] for t in o["triggers"]] for o in phone.told if "triggers" in o][-1] == [""]


def test_what_is_done_to_commands_has_happened_when_adbd_says_so(phone: Phone) -> None:
    active = Active(phone)
    active.add(["truncate=9@on:df,times:2", "noise", "slow", "cut@at:df"])
    assert [one["happened"] for one in active.listing()] == [False, False, True, False]
    first, second, _ = (told["number"] for told in phone.told[-1]["faults"])
    for number in (first, first, second, second, 99):
        active.happened(number)
    assert [one["happened"] for one in active.listing()] == [True, True, True, False]
    active.tell_adbd()  # the adbd of the next boot has counted nothing
    assert [told["left"] for told in phone.told[-1]["faults"]] == [0, -1, -1]


def test_states_of_the_connection(phone: Phone) -> None:
    active = Active(phone)
    active.add(["state=offline@for:5"])
    active.add(["state=authorizing"])
    active.add(["moved=6100", "twin"])
    active.clear()
    assert phone.did == [
        *(("refuse", True), "drop", ("refuse", False)),
        ("greet", "authorizing"),
        ("move", 6100),
        *("alone", ("move", 6001), ("greet", "")),
    ]


@pytest.mark.parametrize("fault", ["zone=off:nosuch", "deny=/sys/nosuch", "cpuset=63", "cores=63"])
def test_what_this_phone_does_not_have_is_refused_and_not_listed(phone: Phone, fault: str) -> None:
    active, before = Active(phone), contents(phone.folder)
    with pytest.raises(UsageError, match=f"fault '{fault}': "):
        active.add(["battery=5", fault])
    assert active.listing() == [] and contents(phone.folder) == before


@pytest.mark.parametrize(
    ("earlier", "level"), [("battery=7@for:5", "7"), ("battery=7@in:3,for:2", "85")], ids=["on", "waits"]
)
def test_where_one_is_refused_the_earlier_of_its_kind_is_as_it_was(phone: Phone, earlier: str, level: str) -> None:
    active, file = Active(phone), phone.folder / "services" / "battery" / "level"
    active.add([earlier])
    phone.wait(1.0)
    before, listed = contents(phone.folder), active.listing()
    assert file.read_text() == level
    with pytest.raises(UsageError, match=r"none of those asked for with it is on$"):
        active.add(["battery=5", "battery=6", "cores=63"])
    assert (contents(phone.folder), active.listing()) == (before, listed)
    phone.wait(3.0)
    assert file.read_text() == "7"
    phone.wait(2.0)
    assert (file.read_text(), active.listing()) == ("85", [])  # its time went on


def test_what_is_over_at_once_is_told_where_another_is_refused_and_does_not_happen_again(phone: Phone) -> None:
    active = Active(phone)
    with pytest.raises(UsageError, match=r"is on; reboot=3@times:2 had happened by then$"):
        active.add(["reboot=3@times:2", "cores=63"])
    assert active.listing() == []
    phone.wait(9.0)
    assert phone.did == [("reboot", 3)]


def test_one_wrong_word_and_nothing_begins(phone: Phone) -> None:
    active = Active(phone)
    with pytest.raises(UsageError):
        active.add(["battery=5", "nosuch"])
    assert active.listing() == []


def test_a_link_out_of_the_phone_is_not_followed(phone: Phone, tmp_path: Path) -> None:
    outside = tmp_path.parent / "outside"
    outside.write_text("the host's")
    (phone.folder / "data").mkdir()
    (phone.folder / "data" / "link").symlink_to(outside)
    with pytest.raises(UsageError, match="has no"):
        Active(phone).add(["deny=/data/link"])
    assert outside.stat().st_mode & 0o777


def test_affinity_and_cpusets(phone: Phone) -> None:
    active = Active(phone)
    active.add(["cpuset=0-1", "affinity=untrue"])
    assert phone.cpus.obedience == "untrue"
    active.clear()
    assert phone.cpus.obedience == ""
