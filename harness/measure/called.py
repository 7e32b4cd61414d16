"""The names of devices in a run, and what messages call them before it has begun."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from harness.devices.base import LOCAL, Device, Key, Unusable, key_of
from harness.devices.phone_id import PhoneId
from harness.store.rundir import device_names, slug

Named = tuple[str, Device]


def named(devices: Sequence[Device]) -> list[Named]:
    """Devices with their folder names, unique in a run; that of this machine is never a phone's."""
    pairs = []
    for device in devices:
        name = device.identity.capabilities.folder
        if not name:
            model = device.identity.model
            name = f"phone {model}" if slug(model) == LOCAL else model
        pairs.append((name, PhoneId.of(device.identity).key))
    return list(zip(device_names(pairs), devices, strict=True))


def is_name_of(name: str, device: Device) -> bool:
    """Whether a device may be called that: as the only one of its model, or as one of several."""
    return name in {one for one, _ in (*named([device]), *named([device, device]))}


def called(devices: Sequence[Device], unusable: Sequence[Unusable] = ()) -> Mapping[Key, str]:
    """By key: ``pixel-3``. Where two are of one model the serial number stands behind it, for the name tells nobody
    which of them to walk to; of one that does not say its model it stands alone.
    """
    names = {key_of(device): name for name, device in named(devices)}
    models = {key_of(device): device.identity.capabilities.folder or slug(device.identity.model) for device in devices}
    for bad in unusable:
        names[bad.key] = models[bad.key] = slug(bad.model) if bad.model else ""
    counts = Counter(models.values())
    return {key: _with_serial(name, key[1], alone=counts[models[key]] == 1) for key, name in names.items()}


def _with_serial(name: str, serial: str, *, alone: bool) -> str:
    if not name:
        return serial
    return name if alone else f"{name} ({serial})"
