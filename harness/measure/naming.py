"""Phones by the name of their folder in a run (`pixel-3`): what reports call them, in the place of a serial number."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace

from harness.devices import discovery
from harness.devices.base import LOCAL, Attached, Device, key_of
from harness.errors import NoDeviceError, UsageError
from harness.measure.called import is_name_of
from harness.store.rundir import slug


def find(wanted: Sequence[str], servers: Sequence[str], allow: Collection[str] = ()) -> Attached:
    """The devices that ``wanted`` select: as discovery.find, where a phone may also be called by its folder's name.

    A serial number comes before a name. Phones are asked once: where there is a name, all of them. Raises UsageError
    for a name that several phones have, and what discovery.find raises.
    """
    try:
        return discovery.find(wanted, servers, allow)
    except NoDeviceError as unknown:
        local = [LOCAL] if LOCAL in wanted else []
        attached = discovery.find([*local, discovery.ALL], servers, allow)
        serials = [_serial(each, attached.devices) for each in wanted]
        if serials == list(wanted):
            raise unknown from None
    if discovery.ALL in wanted:
        serials += [device.serial for device in attached.devices] + [each.serial for each in attached.unusable]
    chosen = _only(attached, set(serials))
    known = {device.serial for device in chosen.devices} | {each.serial for each in chosen.unusable}
    if set(serials) <= known | {discovery.ALL}:
        return chosen
    return discovery.find(serials, servers, allow)  # for its message, or for a phone by its other connection


def _only(attached: Attached, serials: Collection[str]) -> Attached:
    """What was found of these serials alone."""
    devices = tuple(each for each in attached.devices if each.serial in serials)
    known = {key_of(device) for device in devices}
    return replace(
        attached,
        devices=devices,
        unusable=tuple(each for each in attached.unusable if each.serial in serials),
        conditions={key: found for key, found in attached.conditions.items() if key in known},
        other_names={key: others for key, others in attached.other_names.items() if key in known},
    )


def _serial(wanted: str, attached: Sequence[Device]) -> str:
    """The serial of the phone that has that name; else ``wanted``."""
    if slug(wanted) != wanted or wanted in {device.serial for device in attached}:
        return wanted
    found = {device.serial for device in attached if is_name_of(wanted, device)}
    if len(found) > 1:
        several = ", ".join(sorted(found))
        raise UsageError(f"--device {wanted}: several phones are called that", f"name one of: {several}")
    return found.pop() if found else wanted
