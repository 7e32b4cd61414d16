"""What Android says of its state, from lines as phones print them, and from garbage."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.model.phone_state import LINES, PowerState, ThermalState, power_state, thermal_state

pytestmark = pytest.mark.unit

POWER = """POWER MANAGER (dumpsys power)

Power Manager State:
  mDirty=0x0
  mWakefulness=Awake
  mIsPowered=true
  mPlugType=2
  Battery Saver is currently: OFF
    Last ON time: 2026-01-01 (-1h)
  mWakefulness=Asleep
"""
THERMAL = "IsStatusOverride: false\nThermalEventListeners:\nThermal Status: 2\nCached temperatures:\nHAL Ready: true\n"


def test_lines_of_a_phone() -> None:
    assert power_state(POWER) == PowerState("Awake", True, False)
    assert thermal_state(THERMAL) == ThermalState(2, False, True)
    assert power_state(POWER).awake is True and thermal_state(THERMAL).believed == 2


def test_the_lines_that_are_kept_say_the_same() -> None:
    def kept(text: str, service: str) -> list[str]:
        lines = [line.strip() for line in text.splitlines()]
        first = (next((line for line in lines if line.startswith(prefix)), "") for prefix in LINES[service])
        return [line for line in first if line]

    assert power_state(kept(POWER, "power")) == power_state(POWER)
    assert thermal_state(kept(THERMAL, "thermalservice")) == thermal_state(THERMAL)


@pytest.mark.parametrize("state", ["Asleep", "Dozing", "Dreaming"])
def test_whatever_is_not_awake_has_its_screen_off(state: str) -> None:
    assert power_state([f"mWakefulness={state}"]).awake is False


@pytest.mark.parametrize(
    ("change", "to"),
    [
        pytest.param("IsStatusOverride: false", "IsStatusOverride: true", id="set by hand"),
        pytest.param("HAL Ready: true", "HAL Ready: false", id="no sensors: 0 for ever"),
        pytest.param("Thermal Status: 2", "Thermal Status: 7", id="no such status"),
        pytest.param("Thermal Status: 2", "Thermal Status: -1", id="negative"),
        pytest.param("Thermal Status: 2", "Thermal Status: 2147483647", id="huge"),
        pytest.param("Thermal Status: 2", "Thermal Status: hot", id="a word"),
    ],
)
def test_a_status_that_is_none_is_unknown(change: str, to: str) -> None:
    assert thermal_state(THERMAL.replace(change, to)).believed is None


@given(st.one_of(st.text(), st.lists(st.text()), st.binary().map(lambda data: data.decode("latin-1"))))
def test_of_garbage_nothing_is_known(text: str | list[str]) -> None:
    joined = text if isinstance(text, str) else "\n".join(text)
    power, thermal = power_state(text), thermal_state(text)
    if not any(prefix in joined for prefixes in LINES.values() for prefix in prefixes):
        assert power == PowerState(None, None, None) and thermal == ThermalState(None, None, None)


@given(st.sampled_from([prefix for prefixes in LINES.values() for prefix in prefixes]), st.text(max_size=40))
def test_garbage_behind_a_name_is_a_value_that_can_be_or_none(prefix: str, rest: str) -> None:
    thermal, power = thermal_state(f"{prefix}{rest}"), power_state(f"{prefix}{rest}")
    assert thermal.status is None or 0 <= thermal.status <= 6
    assert power.wakefulness is None or power.wakefulness.isalpha()
