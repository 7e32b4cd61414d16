"""Where a farm is, its token, and what it gives for adb: what is taken, and what is refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.errors import InfrastructureError, UsageError
from harness.stf.address import parse_adb_address, parse_url, read_token
from tests.stf_stub import TOKEN

pytestmark = pytest.mark.unit


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("https://farm.example", "https://farm.example:443"),
        ("https://farm.example:8443/stf/", "https://farm.example:8443/stf"),
        ("http://127.0.0.1:7100", "http://127.0.0.1:7100"),
        ("http://localhost", "http://localhost:80"),
        ("http://[::1]:7100", "http://[::1]:7100"),
    ],
)
def test_a_farms_address(text: str, shown: str) -> None:
    assert str(parse_url(text)) == shown
    assert parse_url(shown) == parse_url(text)


@pytest.mark.parametrize(
    "text",
    [
        "farm.example", "ftp://farm.example", "https://", "https://farm.example:99999", "https://farm.example/?a=1",
        "https://farm.example/a/../b", "https://farm.example/%2e%2e", "https://[fe80::1%25eth0]/", "https://a..b", "",
        "https://farm.example/a b", "https://farm.example/#x", "https://fa\nrm.example/\r\nX: y z",
    ],
)  # fmt: skip
def test_what_is_no_address(text: str) -> None:
    with pytest.raises(UsageError, match="no address of a farm"):
        parse_url(text)


def test_a_token_never_goes_over_a_wire_in_clear() -> None:
    with pytest.raises(UsageError, match="anybody on the way") as caught:
        parse_url("http://farm.example/stf")
    assert "ssh -L 7100:127.0.0.1:80 farm.example" in caught.value.remedy
    assert "http://127.0.0.1:7100/stf" in caught.value.remedy


def test_a_password_in_the_address_is_not_repeated() -> None:
    with pytest.raises(UsageError) as caught:
        parse_url("https://me:secret@farm.example")
    assert "secret" not in str(caught.value)


def test_tokens(tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_text(f"{TOKEN}\n")
    assert read_token(file, {}).text == read_token(None, {"STF_TOKEN": TOKEN}).text == TOKEN
    assert TOKEN not in repr(read_token(file, {})) and TOKEN not in read_token(file, {}).digest
    with pytest.raises(UsageError, match="there is none"):
        read_token(None, {})
    with pytest.raises(UsageError, match="No such file"):
        read_token(tmp_path / "nope", {})
    for text in ("short", "two words here", "a\r\nX-Injected: yes", "käse-und-brot"):
        file.write_text(text)
        with pytest.raises(UsageError, match="this is no token") as caught:
            read_token(file, {})
        assert text not in str(caught.value)


FAR, HERE = parse_url("https://farm.example"), parse_url("http://127.0.0.1:7100")


@pytest.mark.parametrize("address", ["provider1.example:7401", "10.0.0.7:7401", "[2001:db8::7]:7401"])
def test_an_address_for_adb(address: str) -> None:
    assert parse_adb_address(address, FAR) == address


@pytest.mark.parametrize(
    "address",
    [
        None, 7401, "", "host", "host:", "host:0", "host:65536", "host:7401 -s x", "host:7401\nhost:5555", "a:b:7401",
        "-oProxyCommand=x:22", "[::g]:7401", "h\x00st:7401", "usb:1-2", "http://host:7401", ["host:7401"],
    ],
)  # fmt: skip
def test_what_is_no_address_for_adb(address: object) -> None:
    with pytest.raises(InfrastructureError, match="no HOST:PORT"):
        parse_adb_address(address, FAR)


@pytest.mark.parametrize(
    "address", ["127.0.0.1:5555", "localhost:5555", "[::1]:5555", "0.0.0.0:5555", "169.254.169.254:80"]
)
def test_a_farm_elsewhere_names_no_port_of_this_machine(address: str) -> None:
    with pytest.raises(InfrastructureError, match="of this machine"):
        parse_adb_address(address, FAR)
    assert parse_adb_address(address, HERE) == address  # over a tunnel it may
