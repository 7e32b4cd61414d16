"""Each condition from facts that have it and facts that have not; a probe that fails makes its conditions unknown."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import pytest

from harness.control import quarantine
from harness.control.conditions import facts as facts_module
from harness.control.conditions.diagnosis import CHECKS, diagnose, judged
from harness.control.conditions.facts import Facts
from harness.control.conditions.folder import Folder
from harness.control.conditions.known import NotKnown
from harness.control.conditions.left import Remembered
from harness.control.conditions.says import Battery, Thermal
from harness.control.holder import Holder
from harness.control.orphans import OWNER, Leftover, folder_of
from harness.control.quarantine import Quarantine
from harness.devices.base import Cluster, Device, Identity, RemoteProcess, Topology
from harness.devices.local import LocalDevice
from harness.devices.phone_id import PhoneId
from harness.errors import DeadlineExceeded, DeviceLost
from harness.model.condition import KINDS
from harness.paths import state_root
from tests.unit.control.conditions.fakes import ELSEWHERE, THERMAL, FakePhone

pytestmark = pytest.mark.unit

MakeFacts = Callable[..., Facts]
CLUSTERS = (Cluster((0, 1)), Cluster((2, 3)))
COOL = Thermal(False, 0, True, ("a 31.0", "b 30.0"))
WARMER = replace(COOL, readings=("a 31.1", "b 30.0"))
PHONE = Identity("S1", "adb", model="Pixel 3", sdk=31)

LEFT = Leftover("sweep", (RemoteProcess(9, 1, ""),), has_folder=True, has_records=True)
QUARANTINE = Quarantine("it left the bus", "", "2026-11-30T14:00:00Z", "Pixel 3", "0", "S1")
FOUND: list[tuple[str, dict[str, Any], str]] = [
    ("EMULATED", {"identity": replace(PHONE, emulated=True)}, "the phone says"),
    ("EMULATED", {"identity": Identity("local", "local", emulated=True)}, "another CPU than the system's kernel"),
    ("LOW_BATTERY", {"battery": Battery(24.4, True, 27.0)}, "24 %"),
    ("HOT", {"battery": Battery(85, False, 45.0)}, "45.0 °C"),
    ("HOT", {"thermal": replace(COOL, status=3)}, "status is 3"),
    ("HOT", {"thermal": replace(COOL, status=4), "battery": NotKnown("no dumpsys")}, "status is 4"),
    ("CHARGING", {"battery": Battery(85, True, 27.0)}, "charged"),
    ("LOW_POWER_MODE", {"settings": {"global low_power": "1"}}, "battery saver is on"),
    ("LOW_POWER_MODE", {"settings": {"system POWER_SAVE_MODE_OPEN": "1"}}, "MIUI"),
    ("THERMAL_OVERRIDE", {"thermal": replace(COOL, override=True, status=2)}, "to 2"),
    ("THERMAL_FROZEN", {"thermal": COOL, "later": (COOL,) * 4}, "5 snapshots"),
    ("THERMAL_UNKNOWN", {"thermal": replace(COOL, ready=False)}, "not ready"),
    ("THERMAL_UNKNOWN", {"thermal": replace(COOL, status=None)}, "no status"),
    ("THERMAL_UNKNOWN", {"thermal": None, "zones": 0}, "no thermal zones"),
    ("PAGE_SIZE", {"identity": replace(PHONE, page_size=16384)}, "16 KiB"),
    ("CORES_OFFLINE", {"topology": Topology(CLUSTERS, (0, 1), offline=(2, 3))}, "CPU 2-3"),
    ("CORES_FORBIDDEN", {"topology": Topology(CLUSTERS, (0, 1))}, "may not use CPU 2-3, but 0-1 only"),
    ("NO_AFFINITY", {"topology": Topology(CLUSTERS, (0, 1, 2, 3), has_affinity=False)}, "keeps no thread to a CPU"),
    ("GAME_MODE", {"settings": {"global sem_enhanced_cpu_responsiveness": "1"}}, "Samsung"),
    ("SCREEN", {"wakefulness": "Dozing"}, "dozing"),
    ("WORK_FOLDER", {"folder": Folder("it is full", "free some", 1 << 30)}, "it is full"),
    ("QUARANTINED", {"remembered": Remembered((), QUARANTINE)}, "until 2026-11-30 14:00 UTC: it left the bus"),
    ("LITTLE_SPACE", {"folder": Folder("", "", (64 << 20) - 1)}, "63 MiB"),
    ("ORPHANS", {"leftovers": (LEFT, Leftover("x"))}, "runs: sweep (1 program running and records), x"),
    ("ORPHANS", {"leftovers": (Leftover("x", has_records=True),) * 6}, "x (records), x (records) and 2 more"),
    ("PENDING_SETTINGS", {"remembered": Remembered(("stay_awake", "x"))}, "stay_awake, x"),
    ("JOURNAL_DAMAGED", {"remembered": Remembered((), damaged_journal="a.json is cut")}, "a.json is cut"),
    ("QUARANTINE_DAMAGED", {"remembered": Remembered((), damaged_quarantine="b.json is cut")}, "b.json is cut"),
]
NOT_FOUND: list[dict[str, Any]] = [
    {},
    {"battery": Battery(25.0, False, 44.9)},
    {"battery": Battery(85, False, None)},
    {"battery": None, "thermal": None, "settings": None, "wakefulness": None, "zones": None},
    {"thermal": None, "zones": 3},
    {"thermal": COOL, "later": (COOL, WARMER, WARMER, WARMER)},
    {"thermal": replace(COOL, readings=()), "later": (replace(COOL, readings=()),) * 4},
    {"thermal": replace(COOL, status=2)},
    {"settings": {"global low_power": "0", "system high_performance_mode_on": "null"}},
    {"folder": Folder("", "", 64 << 20)},
    {"remembered": Remembered(("stay_awake",)), "in_use": "a run that has changed it"},
]


@pytest.mark.parametrize(("name", "changes", "words"), FOUND)
def test_found(facts: MakeFacts, name: str, changes: dict[str, Any], words: str) -> None:
    found = {condition.name: condition for condition in judged(facts(**changes), CHECKS).conditions}
    extra = {"CHARGING"} if name == "LOW_BATTERY" else set()
    assert set(found) - extra == {name}
    assert words in found[name].what


def test_every_condition_is_looked_at() -> None:
    assert {name for name, _, _ in FOUND} == set(CHECKS)
    assert set(CHECKS) <= set(KINDS)


@pytest.mark.parametrize("changes", NOT_FOUND)
def test_not_found(facts: MakeFacts, changes: dict[str, Any]) -> None:
    diagnosis = judged(facts(**changes), CHECKS)
    assert (list(diagnosis.conditions), diagnosis.unknown) == ([], {})


def test_a_status_that_is_overridden_or_of_no_hal_is_no_heat(facts: MakeFacts) -> None:
    for thermal in (replace(COOL, override=True, status=5), replace(COOL, ready=False, status=5)):
        names = [condition.name for condition in judged(facts(thermal=thermal), CHECKS).conditions]
        assert "HOT" not in names and len(names) == 1


@pytest.mark.parametrize(
    ("fact", "names"),
    [
        ("topology", {"CORES_OFFLINE", "CORES_FORBIDDEN", "NO_AFFINITY"}),
        ("folder", {"WORK_FOLDER", "LITTLE_SPACE"}),
        ("leftovers", {"ORPHANS"}),
        ("battery", {"LOW_BATTERY", "HOT", "CHARGING"}),
        ("thermal", {"THERMAL_OVERRIDE", "THERMAL_UNKNOWN"}),
        ("later", {"THERMAL_FROZEN"}),
        ("settings", {"LOW_POWER_MODE", "GAME_MODE"}),
        ("wakefulness", {"SCREEN"}),
        ("remembered", {"PENDING_SETTINGS", "QUARANTINED", "JOURNAL_DAMAGED", "QUARANTINE_DAMAGED"}),
    ],
)
def test_a_fact_that_is_not_known_makes_its_conditions_unknown(facts: MakeFacts, fact: str, names: set[str]) -> None:
    diagnosis = judged(facts(**{fact: NotKnown("it never answered\nat all")}), CHECKS)
    assert set(diagnosis.unknown) == names
    assert diagnosis.conditions == ()
    (words,) = diagnosis.words_of_unknown()
    assert words.endswith(" not known: it never answered")


def test_what_stops_and_what_is_stamped(facts: MakeFacts) -> None:
    diagnosis = judged(
        facts(
            battery=Battery(3, True, 50),
            folder=Folder("", "", 1),
            leftovers=(LEFT,),
            identity=replace(PHONE, emulated=True),
        ),
        CHECKS,
    )
    assert [c.name for c in diagnosis.stopping()] == ["LOW_BATTERY", "HOT"]
    assert [c.name for c in diagnosis.stopping({"HOT"})] == ["LOW_BATTERY"]
    assert [c.name for c in diagnosis.stamps] == ["EMULATED", "LOW_BATTERY", "HOT", "CHARGING"]
    assert [c.name for c in diagnosis.remarks] == ["LITTLE_SPACE", "ORPHANS"]


def asked(phone: Any, **options: Any) -> Any:
    (diagnosis,) = diagnose([cast(Device, phone)], **options)
    return diagnosis


def test_a_phone_that_is_well_has_nothing(phone: FakePhone) -> None:
    diagnosis = asked(phone)
    assert (list(diagnosis.conditions), diagnosis.unknown) == ([], {})


def test_a_dumpsys_that_hangs_costs_its_own_conditions_only(phone: FakePhone) -> None:
    phone.answers["dumpsys thermalservice"] = DeadlineExceeded("S1: dumpsys took longer than 4 s and was stopped")
    phone.answers["dumpsys battery"] = "level: 3\nscale: 100\n"
    diagnosis = asked(phone)
    assert [condition.name for condition in diagnosis.conditions] == ["LOW_BATTERY"]
    assert set(diagnosis.unknown) == {"THERMAL_OVERRIDE", "THERMAL_UNKNOWN"}


def test_a_phone_that_another_host_measures_is_not_disturbed(phone: FakePhone) -> None:
    phone.holder = ELSEWHERE
    diagnosis = asked(phone, thorough=True)
    assert phone.asked == ["lock"]
    assert (diagnosis.in_use, list(diagnosis.conditions)) == (str(ELSEWHERE), [])
    assert set(diagnosis.unknown) >= {"LOW_BATTERY", "HOT", "THERMAL_OVERRIDE", "CORES_OFFLINE", "WORK_FOLDER"}
    assert asked(phone, held=True).in_use == "" and "dumpsys battery" in phone.asked


def test_no_load_where_nobody_knows_whether_it_is_in_use(phone: FakePhone) -> None:
    phone.answers["lock"] = "cut"
    assert asked(phone, thorough=True).unknown == {}
    assert "load" not in phone.asked and phone.asked.count("dumpsys thermalservice") == 1


def test_damaged_files_of_the_phone_are_told_and_left_as_they_are(phone: FakePhone) -> None:
    known = PhoneId.of(phone.identity)
    quarantine.put(known, quarantine.UNKILLABLE)
    files = [state_root() / folder / f"{known.digest}.json" for folder in ("settings", "quarantine")]
    for file in files:
        file.parent.mkdir(exist_ok=True)
        file.write_text("{")
    for _ in range(2):
        assert [condition.name for condition in asked(phone).conditions] == ["JOURNAL_DAMAGED", "QUARANTINE_DAMAGED"]
    assert [file.read_text() for file in files] == ["{", "{"]


def test_a_phone_that_goes_away_is_unknown_and_no_exception(phone: FakePhone) -> None:
    phone.fails = DeviceLost("S1: connection lost")
    diagnosis = asked(phone)
    assert diagnosis.conditions == ()
    assert len(diagnosis.unknown) >= 12


def test_settings_that_answer_too_little_are_unknown(phone: FakePhone) -> None:
    phone.answers["settings"] = "low_power=1\n"
    assert set(asked(phone).unknown) == {"LOW_POWER_MODE", "GAME_MODE"}


def test_a_phone_before_android_10_has_no_thermal_service(phone: FakePhone) -> None:
    phone.identity = replace(phone.identity, sdk=28)
    phone.answers["dumpsys thermalservice"] = AssertionError("asked all the same")
    assert asked(phone).unknown == {}


@pytest.mark.parametrize("moves", [False, True])
def test_sensors_under_load(phone: FakePhone, monkeypatch: pytest.MonkeyPatch, moves: bool) -> None:
    seen: list[str] = []

    def thermal(argv: Any, **options: Any) -> Any:
        if list(argv) == ["dumpsys", "thermalservice"]:
            seen.append("")
            phone.answers["dumpsys thermalservice"] = THERMAL.replace("31.0", f"{31 + len(seen) * moves}.0")
        return run(argv, **options)

    run = phone.run
    monkeypatch.setattr(phone, "run", thermal)
    monkeypatch.setattr(facts_module, "_LOAD_S", 0.01)
    names = [condition.name for condition in asked(phone, thorough=True).conditions]
    assert names == ([] if moves else ["THERMAL_FROZEN"])
    assert len(seen) == 5


def test_this_machine_is_asked_what_it_has(tmp_path: Path) -> None:
    diagnosis = asked(LocalDevice(tmp_path))
    assert diagnosis.unknown == {}
    assert not {"LOW_BATTERY", "SCREEN", "THERMAL_UNKNOWN", "WORK_FOLDER"} & {c.name for c in diagnosis.conditions}


def test_what_dead_runs_left_is_told_and_what_a_living_one_has_is_not(tmp_path: Path) -> None:
    for run, file, data in (
        ("dead", "4-7.1.jsonl", b"{}"),
        ("verify-x", "verify.jsonl", b""),
        ("mine", OWNER, Holder.me("mine").line.encode()),
    ):
        folder = Path(folder_of(str(tmp_path), run))
        folder.mkdir()
        (folder / file).write_bytes(data)
    (found,) = [c for c in asked(LocalDevice(tmp_path)).conditions if c.name == "ORPHANS"]
    assert found.what == "left by dead runs: dead (records), verify-x"
    (found,) = [c for c in asked(LocalDevice(tmp_path), own="dead").conditions if c.name == "ORPHANS"]
    assert found.what == "left by dead runs: verify-x"


def test_a_fault_of_ours_costs_its_own_conditions_only(phone: FakePhone) -> None:
    phone.answers["dumpsys thermalservice"] = ValueError("a parser of ours")
    phone.answers["dumpsys battery"] = "level: 3\nscale: 100\n"
    diagnosis = asked(phone)
    assert [condition.name for condition in diagnosis.conditions] == ["LOW_BATTERY"]
    assert "a parser of ours" in diagnosis.unknown["THERMAL_UNKNOWN"]
