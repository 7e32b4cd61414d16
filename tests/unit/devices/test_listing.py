"""Lists of an adb server, whatever stands in them."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.devices.listing import Twin, entries

pytestmark = pytest.mark.unit

LINES = st.text(alphabet="abS1 \t:?usb-transport_id0123456789\n", max_size=80)


def server(short: str, long: str = "") -> Any:
    return cast(Any, SimpleNamespace(query=lambda command: long if command.endswith("-l") else short))


def test_serials_as_they_are_listed() -> None:
    found = list(entries(server("a b?c\tdevice\n[fe80::1]:5555\toffline\n\nno state\n")))
    assert [(entry.serial, entry.state, entry.twin) for entry in found] == [
        ("a b?c", "device", None),
        ("[fe80::1]:5555", "offline", None),
    ]


def test_phones_without_any_serial() -> None:
    name = "(no serial number)"
    long = "".join(f"{name:<22} no permissions (see [http://x]) usb:1-{n} transport_id:{n}\n" for n in (4, 7))
    found = list(entries(server(f"{name}\tno permissions\n" * 2, long)))
    assert [entry.serial for entry in found] == ["usb:1-4", "usb:1-7"]
    assert {entry.state for entry in found} == {"no permissions (see [http://x])"}
    assert found[1].twin == Twin(name, "usb:1-7", 7) and found[1].names == ("usb:1-7", name)
    assert found[1].twin.present_id(server("", long.replace("transport_id:7", "transport_id:12"))) == 12
    assert found[1].twin.present_id(server("", "")) is None


@given(LINES, LINES)
def test_anything(short: str, long: str) -> None:
    found = list(entries(server(short + "S1\tdevice\nS1\tdevice\n", long + "\nS1" + " " * 21 + long)))
    assert all(entry.serial and isinstance(entry.state, str) for entry in found)
