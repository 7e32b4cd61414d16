"""What a device tells is asked for once; what it does not tell has a reason."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.control.sources import Sources, probe
from harness.devices.base import Cluster, Completed, Device, Identity, Topology
from harness.errors import DeadlineExceeded, DeviceError, DeviceLost

pytestmark = pytest.mark.unit

FOLDER = "/sys/devices/system/cpu/cpufreq/policy4"
FILES: Mapping[str, bytes | None] = {
    f"{FOLDER}/cpuinfo_max_freq": b"2803200\n",
    f"{FOLDER}/scaling_max_freq": b"2803200\n",
    f"{FOLDER}/scaling_cur_freq": b"1766400\n",
    f"{FOLDER}/stats/time_in_state": b"300000 7\n2803200 0\n",
}
SAID = {
    "power": "mWakefulness=Awake\n",
    "thermalservice": "IsStatusOverride: false\nThermal Status: 0\nHAL Ready: true\n",
}
TOPOLOGY = Topology((Cluster((4, 5), policy="policy4"), Cluster((0, 1))), (0, 1, 4, 5))


class Phone:
    def __init__(self, files: Mapping[str, bytes | None] = FILES, **said: Any) -> None:
        self.identity = Identity("S1", "adb", boot_id="b")
        self._files = files
        self._said = {**SAID, **said}

    def read_files(self, paths: Sequence[str]) -> dict[str, bytes | None]:
        return {path: self._files.get(path) for path in paths}

    def list_dir(self, path: str) -> tuple[str, ...]:
        return ("thermal_zone0", "cooling_device0")

    def run(self, argv: Sequence[str], *, deadline_s: float) -> Completed:
        said = self._said[argv[1]]
        if isinstance(said, Exception):
            raise said
        code = said if isinstance(said, int) else 0
        return Completed(tuple(argv), code, b"" if code else said.encode(), b"it is broken" if code else b"")


def sources_of(phone: Phone, topology: Topology = TOPOLOGY) -> Sources:
    return probe(cast(Device, phone), topology)


def whys(sources: Sources) -> dict[str, str]:
    return {source.name: source.why for source in sources.every if source.why is not None}


def test_a_device_that_tells_all() -> None:
    found = sources_of(Phone())
    names = [
        f"policy4/{leaf}" for leaf in ("cpuinfo_max_freq", "scaling_max_freq", "scaling_cur_freq", "time_in_state")
    ]
    others = ["cpufreq of CPUs 0-1", "thermal zones", "boot id", "power", "thermalservice"]
    assert [source.name for source in found.every] == names + others
    assert whys(found) == {"cpufreq of CPUs 0-1": "the system shows no frequencies of these CPUs"}
    assert found.lacks("cpufreq of CPUs 0-1") and not found.lacks("power") and not found.lacks("unheard of")
    assert found.as_json()[0] == {"name": names[0], "reads": f"{FOLDER}/cpuinfo_max_freq", "why": None}


@pytest.mark.parametrize(
    ("data", "why"),
    [
        pytest.param(None, "it cannot be read", id="unreadable"),
        pytest.param(b" \n", "it is empty", id="empty"),
        pytest.param(b"-5\n", "it holds what cannot be: '-5'", id="negative"),
        pytest.param(b"0", "it holds what cannot be: '0'", id="zero"),
        pytest.param(b"9" * 900, f"it holds what cannot be: '{'9' * 24}'", id="huge"),
        pytest.param(b"\xff\x00\xfe", "it holds what cannot be: '???'", id="bytes"),
    ],
)
def test_a_file_of_garbage_has_a_reason(data: bytes | None, why: str) -> None:
    found = whys(sources_of(Phone(dict.fromkeys(FILES, data))))
    assert {name: text for name, text in found.items() if name.startswith("policy4")} == dict.fromkeys(
        ("policy4/cpuinfo_max_freq", "policy4/scaling_max_freq", "policy4/scaling_cur_freq", "policy4/time_in_state"),
        why,
    )


@given(st.binary(max_size=200))
def test_no_bytes_break_it(data: bytes) -> None:
    for name, why in whys(sources_of(Phone(dict.fromkeys(FILES, data)))).items():
        assert why and len(why) < 200, name


@pytest.mark.parametrize(
    ("said", "why"),
    [
        pytest.param(DeadlineExceeded("dumpsys took longer than 4 s"), "dumpsys took longer than 4 s", id="hangs"),
        pytest.param(DeviceError("dumpsys cannot be started"), "dumpsys cannot be started", id="missing"),
        pytest.param(20, "exit code 20: it is broken", id="fails"),
        pytest.param("", "it gives no status", id="says nothing"),
        pytest.param(
            SAID["thermalservice"].replace("Ready: true", "Ready: false"),
            "its sensors do not answer: the status is 0 for ever",
            id="no sensors",
        ),
    ],
)
def test_a_service_that_does_not_tell_has_a_reason(said: Any, why: str) -> None:
    assert whys(sources_of(Phone(thermalservice=said)))["thermalservice"] == why


def test_a_phone_that_is_gone_is_no_reason() -> None:
    with pytest.raises(DeviceLost):
        sources_of(Phone(power=DeviceLost("S1: device offline")))


def test_this_machine_is_not_asked_for_services() -> None:
    phone = Phone()
    phone.identity = Identity("local", "local")
    found = sources_of(phone)
    assert [source.name for source in found.every][-2:] == ["thermal zones", "boot id"]
    assert whys(found)["boot id"] == "it cannot be read"
