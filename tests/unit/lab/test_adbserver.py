"""Attaching a virtual phone to the adb server, which may still be busy removing an earlier connection."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from harness.devices.transport import Server
from harness.errors import InfrastructureError
from harness.lab import adbserver

pytestmark = pytest.mark.unit

SERIAL = "127.0.0.1:6001"


@pytest.fixture
def answers(monkeypatch: pytest.MonkeyPatch) -> Callable[..., list[str]]:
    """Sets what the server answers `adb connect` one after the other; returns what is asked, as it comes in."""

    def prepare(*texts: str) -> list[str]:
        asked: list[str] = []
        left: Iterator[str] = iter(texts)

        def query(_server: Server, service: str, _seconds: float = 0) -> str:
            asked.append(service)
            return next(left) if service.startswith("host:connect") else ""

        monkeypatch.setattr(adbserver, "_server", lambda: Server("127.0.0.1", 1))
        monkeypatch.setattr(Server, "query", query)
        return asked

    return prepare


def test_a_connection_about_to_be_removed_is_none(answers: Callable[..., list[str]]) -> None:
    asked = answers(f"already connected to {SERIAL}", f"connected to {SERIAL}")
    adbserver.connect(SERIAL)
    assert asked == [f"host:disconnect:{SERIAL}", f"host:connect:{SERIAL}"] * 2


@pytest.mark.parametrize("text", [f"connected to {SERIAL}", f"failed to authenticate to {SERIAL}"])
def test_a_phone_that_is_there_is_asked_once(answers: Callable[..., list[str]], text: str) -> None:
    asked = answers(text)
    adbserver.connect(SERIAL)
    assert len(asked) == 2


@pytest.mark.parametrize("text", ["failed to connect to 127.0.0.1:6001: Connection refused", ""])
def test_a_refusal_is_named(answers: Callable[..., list[str]], text: str) -> None:
    answers(text)
    with pytest.raises(InfrastructureError, match=text or "no answer"):
        adbserver.connect(SERIAL)


def test_a_connection_that_is_never_removed_is_named(
    answers: Callable[..., list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(adbserver, "_ANSWER_S", 0.1)
    answers(*[f"already connected to {SERIAL}"] * 50)
    with pytest.raises(InfrastructureError, match="already connected"):
        adbserver.connect(SERIAL)
