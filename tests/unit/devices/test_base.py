"""What is known of every device: capabilities by its kind, CPU lists."""

from __future__ import annotations

import pytest

from harness.devices.base import Identity, format_cpus, parse_cpus
from harness.devices.local import LocalDevice

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
