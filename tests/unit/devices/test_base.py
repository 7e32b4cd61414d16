"""What is known of every device: capabilities by its kind, CPU lists."""

from __future__ import annotations

import pytest
from hypothesis import given

from harness.devices.base import Completed, Identity, format_cpus, parse_cpus
from harness.devices.local import LocalDevice
from tests.mutation import mutated

pytestmark = pytest.mark.unit


def test_this_machine_can_what_no_phone_can_and_lacks_what_every_phone_has() -> None:
    here, phone = LocalDevice().identity.capabilities, Identity("S1", "adb").capabilities
    assert (here.folder, phone.folder) == ("local", "")
    assert here.runs_host_programs and here.is_measured_alone
    assert not (phone.runs_host_programs or phone.is_measured_alone)
    assert phone.has_settings and phone.has_battery and phone.has_product_model and phone.has_secret_serial
    assert not (here.has_settings or here.has_battery or here.has_product_model or here.has_secret_serial)


def test_what_is_emulated_is_marked() -> None:
    assert (Identity("S", "adb", emulated=True).mark, Identity("S", "adb").mark) == ("EMULATED", "")


@pytest.mark.parametrize(("text", "cpus"), [("0,2-3", (0, 2, 3)), ("7", (7,))])
def test_lists_of_cpus(text: str, cpus: tuple[int, ...]) -> None:
    assert parse_cpus(text) == cpus
    assert format_cpus(cpus) == text


@pytest.mark.parametrize(
    ("serial", "networked"),
    [
        ("192.168.0.9:5555", True),
        ("[fe80::1]:5555", True),
        ("adb-8A9X-uRk7Zl._adb-tls-connect._tcp", True),
        ("adb-8A9X-uRk7Zl (2)._adb-tls-connect._tcp.", True),
        ("8A9X0B1C2", False),
        ("phone.lab:5555", True),
        ("emulator-5554", False),
        ("usb:1-2", False),
        ("usb:1:2", False),
        ("transport_id:5", False),
        ("10.0.0.7:99999999", False),
    ],
)
def test_a_serial_tells_whether_a_phone_is_reached_over_a_network(serial: str, networked: bool) -> None:
    assert Identity(serial, "adb").is_networked is networked


@pytest.mark.parametrize(
    ("stdout", "stderr", "told"),
    [
        (b"", b"", "exit code 3"),
        (b"df: not found\n", b"\n", "exit code 3: df: not found"),
        (
            b"",
            b"Exception occurred:\njava.lang.SecurityException: no\n\tat x\n",
            "exit code 3: java.lang.SecurityException: no",
        ),
        (b"", b"\x1b[31mred\x1b[0m", "exit code 3: [31mred[0m"),
        (b"", b"x" * 5000, f"exit code 3: {'x' * 160}"),
    ],
)
def test_a_refusal_is_one_line(stdout: bytes, stderr: bytes, told: str) -> None:
    assert Completed((), 3, stdout, stderr).refusal == told


@given(mutated(b"0-3,5", b"0-4095", b"0-4095," * 3000))
def test_a_list_of_cpus_is_one_or_none(said: bytes) -> None:
    try:
        cpus = parse_cpus(said.decode("utf-8", "replace"))
    except ValueError:
        return
    assert all(0 <= cpu <= 4095 for cpu in cpus)
