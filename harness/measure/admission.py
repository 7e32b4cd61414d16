"""Which of the devices may be measured, by their conditions; and what those that are measured are stamped with."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import MappingProxyType

from harness.control.conditions.diagnosis import Diagnosis, diagnose
from harness.control.conditions.modes import BATTERY_SAVER
from harness.devices.base import Device, Unusable
from harness.measure.context import Context, Say
from harness.model.condition import Condition
from harness.model.policy import Policy

Key = tuple[str, str]  # adb server, serial
_NONE: Mapping[str, Sequence[Condition]] = MappingProxyType({})


def key_of(device: Device) -> Key:
    """What tells the devices of one command apart."""
    return device.identity.host, device.serial


@dataclass(frozen=True)
class Admission:
    """The devices that may be measured, those that may not, and the conditions that results are stamped with."""

    devices: Sequence[Device] = ()
    refused: Sequence[Unusable] = ()
    stamps: Mapping[Key, Sequence[Condition]] = field(default_factory=dict)

    def of(self, device: Device) -> Sequence[Condition]:
        """What the results of that device are stamped with."""
        return self.stamps.get(key_of(device), ())


def mended(policy: Policy) -> tuple[Condition, ...]:
    """What a run sets right by itself before it measures, by its policy."""
    return (BATTERY_SAVER,) if policy.settings.battery_saver_off else ()


def admit(
    devices: Sequence[Device],
    allowed: Collection[str],
    say: Say,
    seen: Mapping[str, Sequence[Condition]] = _NONE,
    mended: Collection[Condition] = (),
) -> Admission:
    """Asks every device for its conditions, all at the same time; says what is no weakness of the numbers.

    ``seen``: by serial, what was seen when the devices were looked for. ``mended``: what does not count.
    """
    admitted: list[Device] = []
    refused: list[Unusable] = []
    stamps: dict[Key, Sequence[Condition]] = {}
    for device, found in zip(devices, diagnose(devices), strict=True):
        conditions = (*seen.get(device.serial, ()), *found.conditions)
        diagnosis = replace(found, conditions=tuple(each for each in conditions if each not in mended))
        _tell(device, diagnosis, say)
        if stopping := diagnosis.stopping(allowed):
            refused.append(_refused(device, stopping))
        else:
            admitted.append(device)
            stamps[key_of(device)] = diagnosis.stamps
    return Admission(tuple(admitted), tuple(refused), stamps)


def admitted(context: Context) -> tuple[Context, Admission]:
    """The context with those devices alone that may be measured; the others are among its unusable ones."""
    attached = context.attached
    request = context.request
    found = admit(attached.devices, request.allow, context.say, attached.conditions, mended(request.policy))
    usable = replace(attached, devices=tuple(found.devices), unusable=(*attached.unusable, *found.refused))
    return replace(context, attached=usable), found


def _refused(device: Device, stopping: Sequence[Condition]) -> Unusable:
    names = ", ".join(condition.name for condition in stopping)
    words = "; ".join(condition.what for condition in stopping)
    remedies = "; ".join(dict.fromkeys(condition.advice for condition in stopping))
    insist = " ".join(f"--allow {condition.name}" for condition in stopping)
    return Unusable(
        device.serial,
        f"not measured, {names} ({words})",
        f"{remedies}; or measure all the same: {insist}",
        device.identity.model,
        tuple(condition.name for condition in stopping),
    )


def _tell(device: Device, diagnosis: Diagnosis, say: Say) -> None:
    for remark in diagnosis.remarks:
        say(f"{device.serial}: {remark.text}")
    for words in diagnosis.words_of_unknown():
        say(f"{device.serial}: {words}")
