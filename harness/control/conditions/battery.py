"""The battery: its charge, its heat."""

from __future__ import annotations

from harness.control.conditions.facts import Facts
from harness.control.conditions.known import known
from harness.control.conditions.says import Thermal
from harness.model.condition import Condition

LEAST_PERCENT = 25.0  # androidx.benchmark's limit: below it phones unplug big cores, even while they are charged
HOTTEST_C = 45.0  # where phones stop charging
_SEVERE = 3  # of the thermal status, 0 to 6: PowerManager.THERMAL_STATUS_SEVERE


def low_battery(facts: Facts) -> Condition | None:
    """LOW_BATTERY."""
    battery = known(facts.battery)
    if battery is None or battery.percent >= LEAST_PERCENT:
        return None
    return Condition("LOW_BATTERY", f"the battery is at {battery.percent:.0f} %, less than {LEAST_PERCENT:.0f} %")


def charging(facts: Facts) -> Condition | None:
    """CHARGING."""
    battery = known(facts.battery)
    return Condition("CHARGING", "the battery is being charged") if battery is not None and battery.charging else None


def hot(facts: Facts) -> Condition | None:
    """HOT: by the battery, or by what the phone says of itself, where that can be believed."""
    thermal = facts.thermal
    if isinstance(thermal, Thermal) and thermal.tells and (thermal.status or 0) >= _SEVERE:
        return Condition("HOT", f"the phone throttles: its thermal status is {thermal.status} of 6")
    battery = known(facts.battery)
    if battery is None or battery.celsius is None or battery.celsius < HOTTEST_C:
        return None
    return Condition("HOT", f"the battery has {battery.celsius:.1f} °C, {HOTTEST_C:.0f} or more")
