"""Phones that are attached and cannot be used: the state that the list shows, as a condition."""

from __future__ import annotations

from harness.devices.base import Unusable
from harness.model.condition import KINDS, Condition

# The beginning of Unusable.state -> condition. Others are NOT_READY.
_STATES = {
    "unauthorized": "UNAUTHORIZED",
    "offline": "OFFLINE",
    "no permissions": "NO_PERMISSIONS",
    "no answer": "NO_ANSWER",
    "no shell v2": "NO_SHELL_V2",
    "no arm64": "ABI",
}


def of_unusable(phone: Unusable) -> Condition:
    """Why the phone cannot be used; the state itself may be the condition's name already."""
    named = phone.state if phone.state in KINDS and KINDS[phone.state].stops else ""
    name = next(iter(phone.conditions), named)
    name = name or next((n for state, n in _STATES.items() if phone.state.startswith(state)), "NOT_READY")
    return Condition(name, f"adb shows it as: {phone.state}", phone.remedy)
