"""Phones of a host that come back, where some were named and where none were."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import pytest

from benchmarks.hosts.replay import Recording, ReplayPhone
from harness.devices import discovery
from harness.devices.base import AdbServer, Attached, Device, Key, Unusable, key_of
from harness.hosts.source import AdbSource
from harness.measure import naming

pytestmark = pytest.mark.unit

ONE, OTHER = (ReplayPhone(number, Recording("0-1", b"", [], [])) for number in (1, 2))
LOCKED = Unusable("L1", "unauthorized", "unlock it", ("UNAUTHORIZED",), "127.0.0.1:5037")


@pytest.mark.parametrize(("wanted", "back", "unusable"), [([], [ONE, OTHER], [LOCKED]), ([ONE.serial], [ONE], [])])
def test_phones_that_are_back_are_found_and_no_others_are_asked_than_those_that_are_wanted(
    monkeypatch: pytest.MonkeyPatch, wanted: list[str], back: list[Device], unusable: list[Unusable]
) -> None:
    asked: list[Device] = []

    def look(known: Collection[Key], beside: Sequence[Device]) -> Attached:
        asked.extend(phone for phone in (ONE, OTHER) if key_of(phone) not in known)
        return Attached(tuple(asked), (LOCKED,))

    found = Attached((ONE,) if wanted else (ONE, OTHER), servers=(AdbServer("127.0.0.1:5037", ""),))
    monkeypatch.setattr(naming, "find", lambda *_: found)
    monkeypatch.setattr(discovery, "ready", lambda _: {key_of(ONE), key_of(OTHER)})
    monkeypatch.setattr(discovery, "Newcomers", lambda _: look)
    source = AdbSource(wanted)
    source.attached()
    assert source.newcomers([], []) == Attached(tuple(back), tuple(unusable))
    assert asked == back
