"""Whether what the phone says of its heat can be believed."""

from __future__ import annotations

from harness.control.conditions.facts import Facts
from harness.control.conditions.known import NotKnown, known
from harness.model.condition import Condition


def thermal_override(facts: Facts) -> Condition | None:
    """THERMAL_OVERRIDE."""
    thermal = known(facts.thermal)
    if thermal is None or not thermal.override:
        return None
    return Condition("THERMAL_OVERRIDE", f"the thermal status is set by hand (to {thermal.status})")


def thermal_frozen(facts: Facts) -> Condition | None:
    """THERMAL_FROZEN: one snapshot after the other is the same, to the last digit, while a core works."""
    later = known(facts.later)
    if later is None:
        return None
    snapshots = [known(facts.thermal), *later]
    readings = {snapshot.readings for snapshot in snapshots if snapshot is not None}
    if len(later) < 2 or len(readings) != 1 or readings == {()}:
        return None
    return Condition(
        "THERMAL_FROZEN",
        f"{len(snapshots)} snapshots of the thermal service are the same while a core works",
    )


def thermal_unknown(facts: Facts) -> Condition | None:
    """THERMAL_UNKNOWN."""
    thermal = known(facts.thermal)
    if thermal is not None:
        if thermal.ready is False:
            return Condition("THERMAL_UNKNOWN", "the thermal service says that its HAL is not ready")
        if thermal.status is None:
            return Condition("THERMAL_UNKNOWN", "the thermal service tells no status")
        return None
    zones = facts.zones
    if zones is None or isinstance(zones, NotKnown) or zones:
        return None
    return Condition("THERMAL_UNKNOWN", "the phone has no thermal service, and shows no thermal zones")
