"""A farm of memory, and a client of it that does not wait."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from harness.stf.address import Token, parse_url
from harness.stf.client import Client
from tests.stf_stub import TOKEN, StubFarm, serving


@pytest.fixture
def stub() -> Iterator[StubFarm]:
    with serving() as farm:
        yield farm


@pytest.fixture
def waits() -> list[float]:
    """The pauses that the client has made."""
    return []


@pytest.fixture
def client(stub: StubFarm, waits: list[float]) -> Client:
    return Client(parse_url(stub.url), Token(TOKEN), waits.append)
