"""Modes that the phone is in: emulated, saving power, playing, asleep."""

from __future__ import annotations

from harness.control.conditions.facts import Facts
from harness.control.conditions.known import known
from harness.model.condition import Condition

# "namespace key" of a setting -> what it switches on where it is no 0.
_SAVERS = {
    "global low_power": "battery saver",
    "system POWER_SAVE_MODE_OPEN": "battery saver (MIUI)",
    "system power_supersave_mode_open": "ultra battery saver (MIUI)",
}
_GAME_MODES = {
    "global sem_enhanced_cpu_responsiveness": "enhanced processing (Samsung)",
    "system POWER_PERFORMANCE_MODE_OPEN": "performance mode (MIUI)",
    "system high_performance_mode_on": "high performance mode (ColorOS, OxygenOS)",
    "global high_performance_mode_on": "high performance mode (ColorOS, OxygenOS)",
    "system is_game_mode": "game mode (Funtouch OS)",
}
_OFF = ("", "0", "null", "false")
BATTERY_SAVER = Condition("LOW_POWER_MODE", "battery saver is on")  # that of Android, which a policy may switch off


def emulated(facts: Facts) -> Condition | None:
    """EMULATED."""
    if not facts.identity.emulated:
        return None
    if facts.identity.capabilities.runs_host_programs:
        return Condition("EMULATED", "programs here are for another CPU than the system's kernel: they are emulated")
    return Condition("EMULATED", "the phone says that its CPU is emulated")


def low_power_mode(facts: Facts) -> Condition | None:
    """LOW_POWER_MODE."""
    on = _on(facts, _SAVERS)
    return Condition("LOW_POWER_MODE", f"{on} is on") if on else None


def game_mode(facts: Facts) -> Condition | None:
    """GAME_MODE."""
    on = _on(facts, _GAME_MODES)
    return Condition("GAME_MODE", f"{on} is on") if on else None


def screen(facts: Facts) -> Condition | None:
    """SCREEN."""
    state = known(facts.wakefulness)
    if state is None or state == "Awake":
        return None
    return Condition("SCREEN", f"the phone is not awake, it is {state.lower()}")


def _on(facts: Facts, modes: dict[str, str]) -> str:
    """What is on of these modes, as words; empty for nothing."""
    settings = known(facts.settings) or {}
    return ", ".join(what for key, what in modes.items() if settings.get(key, "").strip() not in _OFF)
