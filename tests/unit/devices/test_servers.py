"""What an adb server is told to connect to, and what it says of it."""

from __future__ import annotations

from typing import Any

import pytest

from harness.devices import servers
from harness.devices.servers import parse
from harness.errors import InfrastructureError

pytestmark = pytest.mark.unit


def test_states(fake_adb: Any, add_phone: Any) -> None:
    add_phone("10.0.0.7:7401")
    add_phone("10.0.0.7:7405", state="unauthorized")
    found = servers.states(parse(fake_adb.address, "a test"))
    assert found == {"10.0.0.7:7401": "device", "10.0.0.7:7405": "unauthorized"}


def test_connecting_goes_by_what_is_listed_then(fake_adb: Any, add_phone: Any) -> None:
    """Versions of adb word their answers in their own ways."""
    add_phone("10.0.0.7:7401", state="offline")
    servers.connect(fake_adb.address, "10.0.0.7:7401")
    assert "host:connect:10.0.0.7:7401" in fake_adb.requests
    with pytest.raises(InfrastructureError, match=r"adb cannot connect to 10\.0\.0\.8:1: device not found"):
        servers.connect(fake_adb.address, "10.0.0.8:1")


def test_a_server_that_does_not_do_it(fake_adb: Any) -> None:
    with pytest.raises(InfrastructureError, match=f"adb server {fake_adb.address}: disconnect: closed"):
        servers.disconnect(fake_adb.address, "10.0.0.7:7401")
    assert fake_adb.requests == ["host:disconnect:10.0.0.7:7401"]
