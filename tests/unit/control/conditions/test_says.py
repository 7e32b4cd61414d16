"""What phones say is taken for what it is, or is not known; whatever stands there, nothing else happens."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.control.conditions import folder, says
from harness.control.conditions.known import NotKnown

pytestmark = pytest.mark.unit

BATTERY = (
    "Current Battery Service state:\n  AC powered: false\n  status: 2\n"
    "  level: {level}\n  scale: {scale}\n  temperature: {tenths}\n"
)
PIXEL = """IsStatusOverride: false
ThermalEventListeners:
	callbacks: 2
Thermal Status: 1
Cached temperatures:
	Temperature{mValue=30.1, mType=3, mName=VIRTUAL-SKIN, mStatus=0}
HAL Ready: true
HAL connection:
	ThermalHAL AIDL 2 connected: yes
Current temperatures from HAL:
	Temperature{mValue=34.5, mType=0, mName=BIG, mStatus=0}
	Temperature{mValue=NaN, mType=9, mName=TPU, mStatus=0}
Current cooling devices from HAL:
	CoolingDevice{mValue=0, mType=2, mName=thermal-cpufreq-0}
"""
MOUNTS = r"""/dev/root / ext4 ro,seclabel 0 0
tmpfs /data/with\040space tmpfs rw,noexec 0 0
/dev/block/dm-5 /data f2fs rw,nosuid,nodev,noatime 0 0
/dev/block/dm-6 /data/local f2fs ro 0 0
none /database tmpfs rw 0 0
/dev/block/dm-7 /data/local f2fs rw,noexec 0 0
"""
# Lines of the real answers, cut, repeated and mixed with noise.
WORDS = st.sampled_from(
    [*PIXEL.splitlines(), *MOUNTS.splitlines(), *BATTERY.splitlines(), "low_power=1", "level: 9" * 9]
)
ANSWERS = st.one_of(st.text(), st.lists(st.one_of(WORDS, st.text(max_size=30)), max_size=30).map("\n".join))


@pytest.mark.parametrize(("present", "is_there"), [("false", False), ("true", True), ("", True)])
def test_a_phone_without_a_battery_tells_a_level_of_0(present: str, is_there: bool) -> None:
    text = f"  present: {present}\n{BATTERY.format(level=0, scale=100, tenths=0)}"
    assert (says.battery(text) is not None) is is_there


@given(st.integers(0, 1000), st.integers(1, 1000), st.integers(-10_000, 10_000))
def test_a_battery(level: int, scale: int, tenths: int) -> None:
    text = BATTERY.format(level=level, scale=scale, tenths=tenths)
    if level > scale:
        with pytest.raises(NotKnown):
            says.battery(text)
        return
    found = says.battery(text)
    assert found is not None
    assert 0 <= found.percent <= 100
    assert found.charging
    assert found.celsius == (tenths / 10 if -300 <= tenths <= 1200 else None)


def test_a_pixel_s_thermal_service() -> None:
    found = says.thermal(PIXEL)
    assert found is not None
    assert (found.override, found.status, found.ready, len(found.readings)) == (False, 1, True, 2)
    assert says.thermal("Can't find service: thermalservice\n") is None


@pytest.mark.parametrize(
    ("path", "point"),
    [("/data/local/tmp", "/data/local"), ("/data", "/data"), ("/data/with space/x", "/data/with space"), ("/x", "/")],
)
def test_a_path_lies_on_the_longest_mount_point_and_the_last_of_it(path: str, point: str) -> None:
    mount = says.mount_of(path, MOUNTS)
    assert mount is not None
    assert mount.point == point
    assert ("noexec" in mount.options) == (point in ("/data/local", "/data/with space"))


@pytest.mark.parametrize(
    ("line", "user"),
    [
        ("drwxrwx--x 3 shell shell 4096 2026-11-29 10:00 /data/local/tmp", "shell"),
        ("drwxrwx--x shell    shell   2016-01-01 00:00 tmp", "shell"),
        ("drwxr-xr-x. 2 root root 40 Nov 29 10:00 /data/local/tmp", "root"),
        ("ls: /data/local/tmp: No such file or directory", None),
    ],
)
def test_an_owner(line: str, user: str | None) -> None:
    found = says.owner_of(line)
    assert (found.user if found else None) == user


def test_settings_among_noise() -> None:
    text = "WARNING: linker: libfoo.so has text relocations\r\nlow_power=1\r\nname=a=b\n"
    assert says.settings(text) == {"low_power": "1", "name": "a=b"}


def test_space() -> None:
    text = "Filesystem     1K-blocks Used Available Use% Mounted on\n/dev/dm-5 1000 400 600 40% /data\n"
    assert says.free_bytes(text) == 600 * 1024


@pytest.mark.parametrize(
    "parse", [says.battery, says.thermal, says.settings, says.wakefulness, says.free_bytes, says.owner_of]
)
@given(text=ANSWERS)
def test_anything_is_a_value_or_not_known(parse: Callable[[str], Any], text: str) -> None:
    try:
        value = parse(text)
    except NotKnown as unknown:
        assert unknown.why
    else:
        assert value is None or len(repr(value)) < 100_000


@given(ANSWERS)
def test_anything_is_a_mount_that_the_path_lies_on(text: str) -> None:
    mount = says.mount_of("/data/local/tmp", text)
    assert mount is None or "/data/local/tmp".startswith(mount.point)


PARTS = ("folder", "write", "run", "mounts", "space")


@given(st.dictionaries(st.sampled_from(PARTS), ANSWERS), st.booleans())
def test_any_answer_about_the_work_folder(parts: dict[str, str], is_whole: bool) -> None:
    text = "noise" + "".join(f"\nT0KEN {name}\n{part}" for name, part in parts.items()) + "\nT0KEN end\n" * is_whole
    try:
        found = folder.parse(text, "T0KEN", "/data/local/tmp")
    except NotKnown:
        assert not is_whole
    else:
        assert bool(found.trouble) == bool(found.remedy)
