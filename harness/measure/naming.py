"""Phones by the name of their folder in a run (`pixel-3`): what reports call them, in the place of a serial number."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from harness.devices import discovery
from harness.devices.base import Attached, Device
from harness.errors import NoDeviceError, UsageError
from harness.measure.campaign import named
from harness.store.rundir import slug


def find(wanted: Sequence[str], servers: Sequence[str], allow: Collection[str] = ()) -> Attached:
    """The devices that ``wanted`` select: as discovery.find, where a phone may also be called by its folder's name.

    A serial number comes before a name. Raises UsageError for a name that several phones have, and what discovery.find
    raises.
    """
    try:
        return discovery.find(wanted, servers, allow)
    except NoDeviceError as unknown:
        attached = discovery.find([discovery.ALL], servers, allow).devices
        serials = [_serial(each, attached) for each in wanted]
        if serials == list(wanted):
            raise unknown from None
    return discovery.find(serials, servers, allow)


def _serial(wanted: str, attached: Sequence[Device]) -> str:
    """The serial of the phone that has that name; else ``wanted``."""
    if slug(wanted) != wanted or wanted in {device.serial for device in attached}:
        return wanted
    found = {device.serial for device in attached if wanted in _names(device)}
    if len(found) > 1:
        several = ", ".join(sorted(found))
        raise UsageError(f"--device {wanted}: several phones are called that", f"name one of: {several}")
    return found.pop() if found else wanted


def _names(device: Device) -> set[str]:
    """What it is called where it is the only one of its model, and where it is not."""
    return {name for name, _ in (*named([device]), *named([device, device]))}
