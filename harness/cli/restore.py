"""``harness restore``: puts back settings that a killed run left changed, on this host or another one."""

from __future__ import annotations

from dataclasses import dataclass

from harness.cli.command import Command
from harness.cli.options import DeviceOptions, WaitOption
from harness.cli.outcome import Outcome
from harness.cli.say import say
from harness.control import settings
from harness.control.lease import leased
from harness.control.settings_journal import Pending
from harness.devices.base import Attached, Device
from harness.devices.phone_id import PhoneId
from harness.errors import HarnessError, NoDeviceError
from harness.exit_codes import ExitCode


@dataclass(frozen=True, kw_only=True)
class Restore(WaitOption, DeviceOptions, Command):
    """Puts back the settings of attached phones; says which ones wait for a phone."""

    def __call__(self) -> Outcome:
        waiting = settings.pending_phones(say)
        found = self._found(waiting)
        code, lines = ExitCode.DONE, []
        for phone in found.devices:
            if not phone.identity.capabilities.has_settings:
                continue
            waiting = [each for each in waiting if not each.is_of(PhoneId.of(phone.identity))]
            restored = _restored(phone, self.wait)
            lines += [f"{phone.serial}: {text}" for text in (*restored.done, *restored.left)]
            for text in restored.failed:
                say(f"{phone.serial}: {text}")
                code = ExitCode.INFRASTRUCTURE
        states = {bad.serial: f"{bad.state}: {bad.remedy}" for bad in found.unusable}
        for each in waiting if self.device is None else [each for each in waiting if each.address in states]:
            why = states.get(each.address, "not attached")
            say(
                f"{each.address} ({each.title}): {why}; its settings wait for the next run on it, "
                "or for `harness restore`"
            )
            code = ExitCode.INFRASTRUCTURE
        if not lines and code == ExitCode.DONE:
            lines = ["nothing to restore"]
        return Outcome(code, tuple(lines))

    def _found(self, waiting: list[Pending]) -> Attached:
        try:
            return self.find()
        except HarnessError as error:
            if self.device is not None or not waiting:
                raise
            if not isinstance(error, NoDeviceError):
                say(str(error))
            return Attached()


def _restored(phone: Device, wait_s: float) -> settings.Restored:
    try:
        # What a run in progress has changed is not ours to put back.
        with leased(phone, wait_s=wait_s, say=say, run="harness restore"):
            return settings.restore(phone, say=lambda text: say(f"{phone.serial}: {text}"))
    except HarnessError as error:
        return settings.Restored(failed=[str(error)])


COMMAND = Restore
