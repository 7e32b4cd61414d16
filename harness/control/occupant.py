"""Who is using a device: by the locks of this host, and by the one that lies on a phone itself."""

from __future__ import annotations

from harness.control import host_lock
from harness.control.holder import Holder
from harness.control.phone_lock import FOLDER, parse
from harness.devices import lock_scripts
from harness.devices.base import Device
from harness.devices.phone_id import PhoneId
from harness.devices.scripts import new_token, script

_ANSWER_S = 4.0


def occupant(device: Device) -> Holder | None:
    """Whoever holds the device, this process too; ``Holder.unknown()`` where it cannot be told which harness.

    A phone is asked once. Raises DeviceError where it does not say.
    """
    try:
        here = dict(host_lock.holders()).get(PhoneId.of(device.identity).digest)
    except (host_lock.Unlockable, OSError):
        here = None
    if here is not None or not device.identity.capabilities.has_lock:
        return here
    token = new_token()
    shown = device.run(script(lock_scripts.SHOW, token, f"{device.work_root()}/{FOLDER}"), deadline_s=_ANSWER_S)
    seen = parse(shown.text, token)
    last = seen.last
    if last is None or seen.stale_in_s(last) <= 0:
        return None
    return last.holder or Holder.unknown()
