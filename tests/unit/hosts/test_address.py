"""Off this machine a scheduler is spoken to encrypted, or not at all."""

from __future__ import annotations

import pytest

from harness.errors import UsageError
from harness.hosts.address import check_listening, parse

pytestmark = pytest.mark.unit


@pytest.mark.parametrize("text", ["tcp://127.0.0.1:8786", "tcp://[::1]:8786", "tls://lab.example.org:8786"])
def test_addresses(text: str) -> None:
    assert str(parse(text)) == text


@pytest.mark.parametrize("text", ["", "127.0.0.1:8786", "http://127.0.0.1:1", "tcp://127.0.0.1:0", "tcp://a b:1"])
def test_what_is_no_address(text: str) -> None:
    with pytest.raises(UsageError, match="not an address of a scheduler"):
        parse(text)


def test_unencrypted_elsewhere_is_refused() -> None:
    with pytest.raises(UsageError, match=r"not encrypted, and 192\.0\.2\.7 is not this machine alone"):
        parse("tcp://192.0.2.7:8786")


def test_a_scheduler_that_listens_to_everybody_is_refused() -> None:
    check_listening("tcp://127.0.0.1:8786")
    check_listening("tls://192.0.2.7:8786")
    with pytest.raises(UsageError, match="unencrypted"):
        check_listening("tcp://192.0.2.7:8786")
