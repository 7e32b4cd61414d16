"""Which of the devices may be measured, by their conditions; and what those that are measured are stamped with."""

from __future__ import annotations

import threading
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import MappingProxyType

from harness.control.conditions.diagnosis import Diagnosis, diagnose
from harness.control.conditions.modes import BATTERY_SAVER
from harness.control.setting import TABLE
from harness.devices.base import Device, Key, Unusable, key_of
from harness.errors import DeviceError, DeviceLost, WrongDevice
from harness.measure.called import called
from harness.measure.context import Context, Say, Work
from harness.measure.programs import Programs
from harness.model.condition import Condition
from harness.model.policy import Policy

_NONE: Mapping[Key, Sequence[Condition]] = MappingProxyType({})
_NO_NAMES: Mapping[Key, str] = MappingProxyType({})


@dataclass(frozen=True)
class Admission:
    """The devices that may be measured, those that may not, and the conditions that results are stamped with."""

    devices: Sequence[Device] = ()
    refused: Sequence[Unusable] = ()
    stamps: Mapping[Key, Sequence[Condition]] = field(default_factory=dict)
    in_use: Collection[Key] = frozenset()  # devices that were not asked; ask_held asks them

    def work(
        self,
        context: Context,
        devices: Sequence[tuple[str, Device]],
        programs: Programs,
        stop: threading.Event,
        unfit: Mapping[str, DeviceError] | None = None,
    ) -> Work:
        """What these devices, by their names, share while they are at work."""
        return Work(
            context.request,
            programs,
            stop,
            context.say,
            unfit or {},
            context.wait_s,
            {name: self.of(device) for name, device in devices},
            {name for name, device in devices if self.is_to_ask(device)},
        )

    def is_to_ask(self, device: Device) -> bool:
        """Whether the device has still to be asked for its conditions."""
        return key_of(device) in self.in_use

    def of(self, device: Device) -> Sequence[Condition]:
        """What the results of that device are stamped with."""
        return self.stamps.get(key_of(device), ())


def mended(policy: Policy) -> tuple[Condition, ...]:
    """What a run sets right by itself before it measures, by its policy. It refuses nobody; the run looks again."""
    return (BATTERY_SAVER,) if policy.settings.battery_saver_off else ()


def check_mended(device: Device, condition: Condition, allowed: Collection[str]) -> Condition | None:
    """Once the run has set it right: the condition where the device has it all the same and that is allowed, else None.

    Raises DeviceError where it is not allowed, or nobody knows whether the device has it.
    """
    saver = TABLE["battery_saver"]
    try:
        if saver.read(device) == saver.ours:
            return None
        found = replace(condition, what=f"{condition.what}, and the phone does not let it be switched off")
    except (DeviceLost, WrongDevice):
        raise
    except DeviceError as error:
        found = replace(condition, what=f"{condition.what}, and it cannot be told whether it is off: {error.message}")
    if condition.name in allowed:
        return found
    refused = _refused(device, [found])
    raise DeviceError(refused.state, refused.remedy)


def admit(
    devices: Sequence[Device],
    allowed: Collection[str],
    say: Say,
    seen: Mapping[Key, Sequence[Condition]] = _NONE,
    mended: Collection[Condition] = (),
    *,
    held: bool = False,
    own: str = "",
    names: Mapping[Key, str] = _NO_NAMES,
) -> Admission:
    """Asks every device for its conditions, all at the same time; says what is no weakness of the numbers.

    One that somebody holds is admitted without being asked. ``held``: the caller holds the devices;
    ``own``: its run, where that is one that goes on.

    ``seen``: what was seen when the devices were looked for. ``mended``: what refuses no device, and is
    among its stamps to be looked at again. ``names``: what they are called, where that is known; empty: `say` adds it.
    """
    names = {**called(devices), **names}
    admitted: list[Device] = []
    refused: list[Unusable] = []
    stamps: dict[Key, Sequence[Condition]] = {}
    in_use: set[Key] = set()
    for device, found in zip(devices, diagnose(devices, held=held, own=own), strict=True):
        conditions = (*seen.get(key_of(device), ()), *found.conditions)
        diagnosis = replace(found, conditions=conditions)
        _tell(names[key_of(device)], diagnosis, say)
        if stopping := [each for each in diagnosis.stopping(allowed) if each not in mended]:
            refused.append(_refused(device, stopping))
        else:
            admitted.append(device)
            stamps[key_of(device)] = diagnosis.stamps
            in_use |= {key_of(device)} if diagnosis.in_use else set()
    return Admission(tuple(admitted), tuple(refused), stamps, frozenset(in_use))


def ask_held(device: Device, allowed: Collection[str], say: Say, mended: Collection[Condition]) -> Sequence[Condition]:
    """What the results of a device are stamped with that was in use at first, and is the caller's by now.

    Raises DeviceError where it may not be measured.
    """
    found = admit([device], allowed, say, mended=mended, held=True, names={key_of(device): ""})
    for refused in found.refused:
        raise DeviceError(refused.state, refused.remedy)
    return found.of(device)


def admitted(context: Context) -> tuple[Context, Admission]:
    """The context with those devices alone that may be measured; the others are among its unusable ones."""
    attached = context.attached
    request = context.request
    names, to_mend = called(attached.devices, attached.unusable), mended(request.policy)
    found = admit(attached.devices, request.allow, context.say, attached.conditions, to_mend, names=names)
    usable = replace(attached, devices=tuple(found.devices), unusable=(*attached.unusable, *found.refused))
    return replace(context, attached=usable), found


def _refused(device: Device, stopping: Sequence[Condition]) -> Unusable:
    names = ", ".join(condition.name for condition in stopping)
    words = "; ".join(condition.what for condition in stopping)
    remedies = "; ".join(dict.fromkeys(condition.advice for condition in stopping))
    insist = " ".join(f"--allow {condition.name}" for condition in stopping)
    remedy = f"{remedies}; or measure all the same: {insist}"
    return Unusable.of(device, f"not measured, {names} ({words})", remedy, tuple(each.name for each in stopping))


def _tell(name: str, diagnosis: Diagnosis, say: Say) -> None:
    before = f"{name}: " if name else ""
    for remark in diagnosis.remarks:
        say(f"{before}{remark.text}")
    if diagnosis.in_use:
        say(f"{before}in use by {diagnosis.in_use}: it is asked for its conditions once it is free")
        return
    for words in diagnosis.words_of_unknown():
        say(f"{before}{words}")
