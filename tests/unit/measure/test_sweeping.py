"""What dead runs left is said and noted; what cannot be stopped is a condition, and a phone that nobody can use."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from harness.control import quarantine
from harness.control.orphans import Leftover, Swept
from harness.devices.base import Device, Identity
from harness.devices.phone_id import PhoneId
from harness.errors import DeviceError, DeviceLost, Unkillable
from harness.measure import sweeping
from harness.measure.outcome import DeviceOutcome
from harness.store.journal import EventLog, read_lines

pytestmark = pytest.mark.unit

IDENTITY = Identity("S1", "adb", model="Pixel 3", serialno="8A9X0B1C2")
PHONE = cast(Device, SimpleNamespace(identity=IDENTITY, serial="S1"))


@pytest.fixture
def swept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """What is said, noted and left of a sweep that gives, or raises, something."""

    def _swept(result: Swept | Exception) -> tuple[list[str], list[Any], DeviceOutcome]:
        def sweep(device: Device, own: str, *, alone: bool) -> Swept:
            assert not alone
            if isinstance(result, Exception):
                raise result
            return result

        monkeypatch.setattr(sweeping, "sweep", sweep)
        said: list[str] = []
        outcome = DeviceOutcome("pixel-3")
        sweeping.swept(PHONE, "mine", outcome, EventLog(tmp_path / "events.jsonl"), said.append, alone=False)
        return said, read_lines(tmp_path / "events.jsonl"), outcome

    return _swept


def test_a_clean_device_is_no_matter(swept: Any) -> None:
    said, events, outcome = swept(Swept())
    assert (said, events, outcome.messages) == ([], [], [])


def test_what_was_done_is_said_and_stands_in_the_events(swept: Any) -> None:
    said, events, outcome = swept(
        Swept(2, ("a",), (Leftover("b", has_folder=True, has_records=True),), (Leftover("c"),))
    )
    assert said[0] == "2 programs were left running by dead runs, and stopped"
    assert "run c may be at work" in said[2] and "--drop b" in said[3]
    assert (events[0]["stopped"], events[0]["removed"], events[0]["kept"]) == (2, ["a"], ["b"])
    assert events[0]["spared"] == ["c"]
    assert outcome.messages == []


def test_what_cannot_be_removed_is_a_condition_and_ends_nothing(swept: Any) -> None:
    _, events, outcome = swept(DeviceError("Permission denied"))
    assert [condition.name for condition in outcome.conditions] == ["ORPHANS"]
    assert "Permission denied" in events[0]["what"]
    assert outcome.codes == []
    assert quarantine.of(PhoneId.of(IDENTITY)) is None


def test_nothing_is_measured_beside_programs_that_cannot_be_killed(swept: Any) -> None:
    with pytest.raises(Unkillable):
        swept(Unkillable("2 processes cannot be killed"))


def test_a_phone_whose_programs_cannot_be_killed_is_not_measured_next() -> None:
    outcome = DeviceOutcome("pixel-3")
    sweeping.quarantined(Unkillable("2 processes cannot be killed"), PHONE, outcome)
    held = quarantine.of(PhoneId.of(IDENTITY))
    assert held is not None and held.reason == quarantine.UNKILLABLE
    assert any("in quarantine" in message for message in outcome.messages)
    assert outcome.codes == []


def test_a_phone_that_is_gone_is_the_session_s_matter(swept: Any) -> None:
    with pytest.raises(DeviceLost):
        swept(DeviceLost("usb"))
