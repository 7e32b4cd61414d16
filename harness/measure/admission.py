"""Which of the devices may be measured, by their conditions; and what those that are measured are stamped with."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace

from harness.control.conditions.diagnosis import Diagnosis, diagnose
from harness.devices.base import Attached, Device, Unusable
from harness.measure.context import Context, Say
from harness.model.condition import Condition


@dataclass(frozen=True)
class Admission:
    """The devices that may be measured, those that may not, and the conditions that results are stamped with."""

    devices: Sequence[Device] = ()
    refused: Sequence[Unusable] = ()
    # By serial. Devices of two adb servers may have the same one: they share what either has.
    stamps: Mapping[str, Sequence[Condition]] = field(default_factory=dict)


def admit(attached: Attached, allowed: Collection[str], say: Say) -> Admission:
    """Asks every device for its conditions, all at the same time; says what is no weakness of the numbers."""
    admitted: list[Device] = []
    refused: list[Unusable] = []
    stamps: dict[str, list[Condition]] = {}
    for device, diagnosis in zip(attached.devices, diagnose(attached.devices, attached.conditions), strict=True):
        _tell(device, diagnosis, say)
        if stopping := diagnosis.stopping(allowed):
            refused.append(_refused(device, stopping))
        else:
            admitted.append(device)
            stamps.setdefault(device.serial, []).extend(diagnosis.stamps)
    return Admission(tuple(admitted), tuple(refused), stamps)


def admitted(context: Context) -> tuple[Context, Admission]:
    """The context with those devices alone that may be measured; the others are among its unusable ones."""
    attached = context.attached
    found = admit(attached, context.request.allow, context.say)
    usable = replace(attached, devices=tuple(found.devices), unusable=(*attached.unusable, *found.refused))
    return replace(context, attached=usable), found


def _refused(device: Device, stopping: Sequence[Condition]) -> Unusable:
    names = ", ".join(condition.name for condition in stopping)
    words = "; ".join(condition.what for condition in stopping)
    remedies = "; ".join(dict.fromkeys(condition.advice for condition in stopping))
    insist = " ".join(f"--allow {condition.name}" for condition in stopping)
    return Unusable(device.serial, f"not measured, {names} ({words})", f"{remedies}; or measure all the same: {insist}")


def _tell(device: Device, diagnosis: Diagnosis, say: Say) -> None:
    for remark in diagnosis.remarks:
        say(f"{device.serial}: {remark.text}")
    for words in diagnosis.words_of_unknown():
        say(f"{device.serial}: {words}")
