"""What a battery's counters tell, and when they tell nothing."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.judge.energy import LEAST_READINGS, Energy, Reading, energy_of

pytestmark = pytest.mark.unit

WATTS, VOLTS = 4.0, 4.0


def phone(
    seconds: int = 60, state: str = "Discharging", sign: int = -1, unit: float = 1e-6, **other: Callable[[int], Any]
) -> list[Reading]:
    """Readings once a second of a phone that takes 4 W at 4 V; ``unit`` of current and charge."""

    def texts(at: int) -> dict[str, str]:
        ampere = WATTS / VOLTS * (1.1 if at % 2 else 0.9)
        found: dict[str, Any] = {
            "status": f"{state}\n",
            "current_now": round(sign * ampere / unit),
            "voltage_now": round(VOLTS * 1e6),
            "charge_counter": round((2.5 - WATTS / VOLTS * at / 3600) / unit),
        }
        found |= {name: make(at) for name, make in other.items()}
        return {name: str(value) for name, value in found.items() if value is not None}

    return [Reading(float(at), texts(at)) for at in range(seconds + 1)]


def says(text: str | None, _: int) -> str | None:
    """The same at any time."""
    return text


@pytest.mark.parametrize("sign", [-1, 1], ids=["negative", "positive"])
@pytest.mark.parametrize("unit", [1e-6, 1e-3], ids=["micro", "milli"])
def test_units_and_signs_of_all_phones_give_the_same(sign: int, unit: float) -> None:
    found = energy_of(phone(sign=sign, unit=unit))
    assert (found.source, found.reason, found.seconds) == ("current_now", "", 60)
    assert found.watts == pytest.approx(WATTS, rel=0.02)
    assert found.joules == pytest.approx(60 * WATTS, rel=0.02)


@pytest.mark.parametrize("volts", ["4000", "4000000", "4"], ids=["mV", "uV", "V"])
def test_voltages_of_all_units(volts: str) -> None:
    assert energy_of(phone(voltage_now=lambda _: volts)).watts == pytest.approx(WATTS, rel=0.02)


def test_the_charge_alone_tells_where_the_current_does_not() -> None:
    for current in (None, "-1000000", "n/a", "0"):
        found = energy_of(phone(600, current_now=partial(says, current)))
        assert found.source == "charge_counter"
        assert found.watts == pytest.approx(WATTS, rel=0.02)


@pytest.mark.parametrize(
    ("readings", "reason"),
    [
        ([], "no counters of a battery"),
        ([Reading(0.0, {})] * 20, "no counters of a battery"),
        (phone(state="Charging"), "state was Charging: what a cable feeds"),
        (phone(state="Full"), "state was Full"),
        (phone(status=lambda at: "Discharging" if at < 30 else "Charging"), "state was Charging, Discharging"),
        (phone(status=lambda _: None), "state was not known"),
        (phone(LEAST_READINGS - 2), "read 9 times, 10 are needed"),
        (phone(voltage_now=lambda _: "12345678901"), "tells no voltage"),
        (phone(voltage_now=lambda _: "0"), "tells no voltage"),
        (
            phone(current_now=lambda _: "-900000", charge_counter=lambda _: None),
            "said the same all the time, and charge",
        ),
        (phone(current_now=lambda _: None, charge_counter=lambda _: "2500000"), "cannot be read, and charge_counter"),
        (phone(60, charge_counter=lambda at: 2500000 - 4 * 278 * at), "disagree"),
        (
            [Reading(20 * each.at_s, each.texts) for each in phone(charge_counter=lambda _: None)],
            "was not read for 20 s",
        ),
    ],
    ids=(
        *("none", "empty", "charging", "full", "plugged-in", "state-unknown", "few", "volts-huge", "volts-zero"),
        *("frozen", "no-counter", "disagree", "gap"),
    ),
)
def test_what_cannot_be_told_has_a_reason(readings: list[Reading], reason: str) -> None:
    found = energy_of(readings)
    assert (found.joules, found.watts, found.source) == (None, None, "")
    assert reason in found.reason


@given(
    st.lists(
        st.dictionaries(
            st.sampled_from(["status", "current_now", "voltage_now", "charge_counter"]),
            st.one_of(st.text(max_size=12), st.sampled_from(["Discharging", "-1", "4000000", "9" * 60, "nan", "1e9"])),
        ),
        max_size=30,
    )
)
def test_garbage_is_unknown_and_never_a_fault(texts: list[dict[str, str]]) -> None:
    found = energy_of([Reading(float(at), each) for at, each in enumerate(texts)])
    assert isinstance(found, Energy)
    assert (found.joules is None) == bool(found.reason)
