"""Who is using a device, of this host or another one."""

from __future__ import annotations

from dataclasses import replace
from typing import cast

import pytest

from harness.control.holder import Holder
from harness.control.host_lock import HostLock
from harness.control.occupant import occupant
from harness.devices.base import Device
from harness.devices.phone_id import PhoneId
from harness.errors import DeviceError
from tests.unit.control.conditions.fakes import ELSEWHERE, FakePhone

pytestmark = pytest.mark.unit


def of(phone: FakePhone) -> Holder | None:
    return occupant(cast(Device, phone))


def test_whoever_holds_the_phone_s_own_lock_or_that_of_this_host() -> None:
    phone = FakePhone()
    assert of(phone) is None
    phone.holder = ELSEWHERE
    assert of(phone) == ELSEWHERE
    lock, me = HostLock(PhoneId.of(phone.identity).digest, pytest.fail), Holder.me()
    assert lock.acquire(me)
    assert of(phone) == me
    lock.release()
    lock.close()
    assert of(phone) == ELSEWHERE and phone.asked == ["lock"] * 3


def test_a_lock_without_a_sign_of_life_counts_for_nobody() -> None:
    phone = FakePhone()
    phone.holder = replace(Holder.me(), start=1)  # of this host, and dead
    assert of(phone) is None


def test_a_damaged_lock_is_somebodys_and_a_cut_answer_is_no_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    phone = FakePhone()
    phone.holder = ELSEWHERE
    monkeypatch.setattr(Holder, "line", "{")
    found = of(phone)
    assert found == Holder.unknown() and str(found) == "a harness that cannot be told"
    phone.answers["lock"] = "cut"
    with pytest.raises(DeviceError, match="did not tell"):
        of(phone)
