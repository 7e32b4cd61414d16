"""Heat sources: units differ by phone, dead sensors exist, only what moves under load counts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.control import heat
from harness.devices.base import Completed, Device, Identity
from harness.errors import DeadlineExceeded, DeviceLost
from harness.model.condition import Condition
from tests.mutation import mutated

pytestmark = pytest.mark.unit


class Phone:
    """A device's files and battery, as far as heat.py asks."""

    def __init__(self, files: dict[str, str], battery: str = "", kind: str = "adb") -> None:
        self.files = files
        self.battery = battery
        self.identity = Identity("S", kind)
        self.silent_files: tuple[str, ...] = ()
        self.stamps: list[Condition] = []
        self.fails_once: set[str] = set()  # paths whose next reading gives nothing
        self.hangs: Exception | None = None

    def list_dir(self, path: str) -> tuple[str, ...]:
        return tuple({p.split("/")[4] for p in self.files if p.startswith(path)})

    def read_files(self, paths: Sequence[str]) -> dict[str, bytes | None]:
        failing, self.fails_once = self.fails_once, set()
        readable = set(self.files) - failing - set(self.silent_files)
        return {p: self.files[p].encode() if p in readable else None for p in paths}

    def run(self, argv: Sequence[str], **_: Any) -> Completed:
        assert list(argv) == ["dumpsys", "battery"]
        if self.hangs is not None:
            raise self.hangs
        return Completed(tuple(argv), 0 if self.battery else 127, self.battery.encode(), b"")


def zones(**temps: str) -> dict[str, str]:
    files = {}
    for number, (kind, temp) in enumerate(temps.items()):
        files[f"/sys/class/thermal/thermal_zone{number}/type"] = kind + "\n"
        files[f"/sys/class/thermal/thermal_zone{number}/temp"] = temp + "\n"
    return files


def find(phone: Phone, after: dict[str, str]) -> heat.HeatSource:
    source, _ = heat.find_heat(cast(Device, phone), lambda: phone.files.update(after), phone.stamps.append)
    return source


@pytest.mark.parametrize(
    ("raw", "celsius"),
    [(31200.0, 31.2), (312.0, 31.2), (31.0, 31.0), (850.0, 85.0), (-40000.0, None), (0.0, None), (-273.0, None)],
)
def test_units(raw: float, celsius: float | None) -> None:
    scale = heat.celsius_scale(raw)
    assert (None if scale is None else raw * scale) == (None if celsius is None else pytest.approx(celsius))


@given(st.floats(min_value=10, max_value=120), st.sampled_from([0.001, 0.1, 1.0]))
def test_units_of_any_plausible_temperature(celsius: float, scale: float) -> None:
    found = heat.celsius_scale(celsius / scale)
    assert found is not None
    assert 1 <= celsius / scale * found <= 130


def test_the_zone_that_rises_most_wins() -> None:
    phone = Phone(zones(frozen="45000", cpu="31000", skin="30000"), "  temperature: 250\n")
    source = find(phone, zones(frozen="45000", cpu="36000", skin="30500"))
    assert (source.name, source.kind, source.scale, source.temperature) == ("cpu:1", "file", 0.001, 31.0)


def test_nothing_moves_so_the_battery_counts() -> None:
    phone = Phone(zones(frozen="45000"), "Current Battery Service state:\n  temperature: 287\n  technology: Li-ion\n")
    source = find(phone, {})
    assert source.kind == "battery"
    assert source.temperature == pytest.approx(28.7)


def test_no_source_at_all() -> None:
    assert find(Phone({}), {}) == heat.NOWHERE
    assert find(Phone(zones(frozen="45000"), "temperature: 250", kind="local"), {}) == heat.NOWHERE


def test_what_is_no_temperature_is_never_chosen() -> None:
    kinds = ("ibat", "vbat", "pm8998-bcl-lvl0", "soc", "socd", "vph_pwr", "xo_therm")
    phone = Phone(zones(**dict.fromkeys(kinds, "31000")))
    assert find(phone, zones(**dict.fromkeys(kinds[:-1], "90000"), xo_therm="31500")).name == "xo_therm:6"
    names = ["soc_thermal", "mtktsbattery", "battery", "cpu-0-0-usr"]
    phone = Phone(zones(**dict.fromkeys(names, "31000")))
    assert [zone.name.partition(":")[0] for zone in heat.read_zones(cast(Device, phone)).values()] == names


def test_a_zone_of_the_cpu_comes_before_others() -> None:
    phone = Phone(zones(skin="30000", gpu="30000", BIG="31000"))
    assert find(phone, zones(skin="39000", gpu="38000", BIG="32000")).name == "BIG:2"


def test_one_reading_that_fails_or_is_off_decides_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(heat, "_PAUSE_S", 0)
    phone = Phone(zones(cpu="31000", skin="30000"))
    phone.fails_once = {"/sys/class/thermal/thermal_zone0/temp"}
    assert find(phone, zones(cpu="36000", skin="31000")).name == "cpu:0"


def test_a_step_that_no_core_makes_is_ignored() -> None:
    phone = Phone(zones(cpu0="31000", cpu1="31000"))
    assert find(phone, zones(cpu0="127000", cpu1="36000")).name == "cpu1:1"


def test_without_heat_it_is_measured_and_said() -> None:
    phone = Phone({})
    phone.hangs = DeadlineExceeded("dumpsys took longer than 10 s")
    assert find(phone, {}) == heat.NOWHERE
    (stamp,) = phone.stamps
    assert stamp.name == "THERMAL_UNKNOWN" and "dumpsys took longer" in stamp.what


def test_a_zone_that_never_answers_is_left_out_and_said() -> None:
    phone = Phone(zones(cpu="31000", skin="30000"))
    phone.silent_files = ("/sys/class/thermal/thermal_zone1/temp",)
    assert find(phone, zones(cpu="36000", skin="99000")).name == "cpu:0"
    assert [(stamp.name, "thermal_zone1/temp" in stamp.what) for stamp in phone.stamps] == [("SENSOR_SILENT", True)]


def test_a_lost_phone_is_lost() -> None:
    phone = Phone({})
    phone.hangs = DeviceLost("gone")
    with pytest.raises(DeviceLost):
        find(phone, {})


def test_types_may_repeat_and_may_hold_anything() -> None:
    files = zones(cpu="31000")
    files["/sys/class/thermal/thermal_zone7/type"] = "cpu <b>\x1b[1m\n"
    files["/sys/class/thermal/thermal_zone7/temp"] = "32000"
    assert sorted(z.name for z in heat.read_zones(cast(Device, Phone(files))).values()) == [
        "cpu:0",
        "cpu__b___1m:7",
    ]


@given(mutated(b"31000\n", b"45\n"), mutated(b"  temperature: 310\n", b"  temperature: -50\n  level: 3\n"))
def test_whatever_zones_and_the_battery_say(zone: bytes, battery: bytes) -> None:
    phone = Phone(zones(cpu=zone.decode("utf-8", "replace")), battery.decode("utf-8", "replace"))
    device = cast(Device, phone)
    found = [*heat._read_once(device, ["thermal_zone0"]).values(), heat.battery(device)]
    assert all(each.temperature is None or -30 <= each.temperature <= 120 for each in found)


def test_a_battery_of_any_number_of_digits() -> None:
    assert heat.battery(cast(Device, Phone({}, f"  temperature: {'9' * 5000}\n"))) == heat.NOWHERE
