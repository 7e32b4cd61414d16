"""``harness restore``: puts back settings that a killed run left changed."""

from __future__ import annotations

from harness.cli import options
from harness.cli.say import result, say
from harness.control import settings
from harness.control.lease import leased
from harness.devices import discovery
from harness.errors import ExitCode, HarnessError


def command(device: options.Devices = None, adb_server: options.Servers = None) -> ExitCode:
    """Put back settings left changed on attached phones."""
    serials = settings.pending_serials()
    if not serials:
        result("nothing to restore")
        return ExitCode.DONE
    code = ExitCode.DONE
    attached = discovery.find(device or [], adb_server or [])
    for phone in attached.devices:
        if phone.serial not in serials:
            continue
        serials.remove(phone.serial)
        try:
            with leased(phone.serial):  # what a run in progress has changed is not ours to put back
                done = settings.restore(phone)
        except HarnessError as error:
            say(f"{phone.serial}: {error}")
            code = ExitCode.INFRASTRUCTURE
            continue
        if done is not None:
            result(f"{phone.serial}: {done[1]}")
    for serial in serials if device is None else []:
        say(f"{serial}: not attached; its settings wait for the next run on it, or for `harness restore`")
        code = ExitCode.INFRASTRUCTURE
    return code
