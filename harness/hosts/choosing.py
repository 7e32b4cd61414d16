"""Which phones of a lab a run is of: all, some by name, or any of a model."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import cast

from harness.devices.base import LOCAL, Attached, Device, Unusable
from harness.devices.discovery import ALL
from harness.devices.phone_id import PhoneId
from harness.errors import NoDeviceError, UsageError
from harness.hosts.described import DescribedPhone
from harness.measure.called import named
from harness.store.rundir import slug


@dataclass(frozen=True)
class Chosen:
    """The phones, and those of them in whose place any other of the model will do."""

    phones: Sequence[DescribedPhone] = ()
    portable: Sequence[DescribedPhone] = field(default=())

    @property
    def names_of_portable(self) -> list[str]:
        """As they are called in the run."""
        return [name for name, device in named_phones(self.phones) if device in self.portable]


def named_phones(phones: Sequence[DescribedPhone]) -> list[tuple[str, DescribedPhone]]:
    """With the names of their folders in a run."""
    found = named(cast(Sequence[Device], phones))  # of a device their identity is asked for, and nothing else
    return [(name, cast(DescribedPhone, device)) for name, device in found]


def distinct(phones: Sequence[DescribedPhone]) -> list[DescribedPhone]:
    """Each phone once: two hosts may reach one."""
    kept: list[DescribedPhone] = []
    for phone in phones:
        one = PhoneId.of(phone.identity)
        if not any(one.is_same(PhoneId.of(other.identity)) for other in kept):
            kept.append(phone)
    return kept


def choose(wanted: Sequence[str], phones: Sequence[DescribedPhone]) -> Chosen:
    """What --device says of a lab's phones: ``all`` or nothing, a serial, the name of one (pixel-3-1a2b3c), or that of
    a model (pixel-3), of which any phone will do; given twice, any two. Raises UsageError, NoDeviceError.
    """
    if LOCAL in wanted:
        raise UsageError("--device local: hosts of a lab offer phones alone", "leave out --scheduler to measure here")
    if not wanted or ALL in wanted:
        return Chosen(tuple(phones))
    chosen: list[DescribedPhone] = []
    portable: list[DescribedPhone] = []
    several = {name: phone for phone in phones for name, _ in named_phones([phone, phone])}
    models: list[str] = []
    for each in wanted:
        found = next((phone for phone in phones if each == phone.serial), several.get(each))
        if found is None:
            models.append(each)
        elif found not in chosen:
            chosen.append(found)
    for model, count in Counter(models).items():
        free = [phone for phone in phones if slug(phone.identity.model) == model and phone not in chosen]
        if len(free) < count:
            what = "no phone" if not free else f"only {len(free)} free phone{'s' * (len(free) > 1)}"
            raise NoDeviceError(f"{what} {model!r} at the hosts of the lab", _there(phones))
        for _ in range(count):
            load = Counter(phone.address for phone in chosen)
            best = min((phone for phone in free if phone not in chosen), key=lambda phone: load[phone.address])
            chosen.append(best)
            portable.append(best)
    return Chosen(tuple(chosen), tuple(portable))


def _there(phones: Sequence[DescribedPhone]) -> str:
    names = sorted({slug(phone.identity.model) for phone in phones})
    return f"there are: {', '.join(names)}" if names else "no host has a phone: see `harness devices` there"


def attached(chosen: Chosen, unusable: Sequence[Unusable], wanted: Sequence[str]) -> Attached:
    """As what a run finds. Those that cannot be used count where all were meant, or they were named."""
    meant = [bad for bad in unusable if not wanted or ALL in wanted or bad.serial in wanted]
    return Attached(devices=cast(tuple[Device, ...], tuple(chosen.phones)), unusable=tuple(meant))
