"""Reserved devices of farms on this host's disk: who may take one, and what is damaged."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from harness.control import farm_leases
from harness.control.farm_leases import FarmLease, HeldHere
from harness.control.holder import Holder

pytestmark = [pytest.mark.unit, pytest.mark.usefixtures("state")]

ME = Holder.me("test")
DEAD = replace(ME, pid=2**22 + 1)
ALIVE = replace(ME, pid=1, start=int(Path("/proc/1/stat").read_text().rpartition(")")[2].split()[19]))
ELSEWHERE = replace(ME, kernel="another boot", host="lab7")


def lease(holder: Holder = ME, serial: str = "S1", farm: str = "https://farm.example:443") -> FarmLease:
    return FarmLease(farm=farm, serial=serial, token="0" * 12, holder=holder.line, adb_server="127.0.0.1:5037")


def claim(one: FarmLease, *, free: bool = True) -> None:
    farm_leases.claim(one, free=free, say=pytest.fail)


def test_written_before_it_is_asked_for_and_forgotten() -> None:
    one = lease()
    claim(one)
    assert farm_leases.known(pytest.fail) == [one] and one.is_ours
    claim(one)  # the same process once more
    farm_leases.keep(one.model_copy(update={"address": "10.0.0.7:7401"}))
    assert farm_leases.known(pytest.fail, one.farm)[0].address == "10.0.0.7:7401"
    assert farm_leases.known(pytest.fail, "https://other.example:443") == []
    farm_leases.forget(one)
    farm_leases.forget(one)
    assert farm_leases.known(pytest.fail) == []


@pytest.mark.parametrize(
    ("holder", "free", "taken"),
    [
        (DEAD, True, True), (DEAD, False, True), (ALIVE, True, False), (ALIVE, False, False),
        (ELSEWHERE, True, True),  # a container that is gone, say; the farm has the device back
        (ELSEWHERE, False, False),
    ],
)  # fmt: skip
def test_whose_lease_counts(holder: Holder, free: bool, taken: bool) -> None:
    farm_leases.keep(lease(holder))
    if taken:
        claim(lease(), free=free)
        assert farm_leases.known(pytest.fail)[0].is_ours
    else:
        with pytest.raises(HeldHere, match=f"S1: .* on {holder.host}, pid {holder.pid}"):
            claim(lease(), free=free)
        assert farm_leases.known(pytest.fail)[0].who == holder


@pytest.mark.parametrize(
    "damage",
    [
        lambda text: "", lambda text: "[" * 9999, lambda text: text[:-1], lambda text: text.replace("S1", "S2"),
        lambda text: text.replace('"S1"', '"a b"'), lambda text: text.replace("{", '{"more": 1,', 1),
        lambda text: text + " " * 99_999,
    ],
)  # fmt: skip
def test_a_damaged_lease_is_put_aside(damage: object) -> None:
    one = lease()
    claim(one)
    one.file.write_text(damage(one.file.read_text()))  # type: ignore[operator]
    told: list[str] = []
    assert farm_leases.known(told.append) == []
    assert len(told) == 1 and "is damaged" in told[0] and not one.file.exists()
    assert len(list(one.file.parent.glob("*.damaged.*"))) == 1
