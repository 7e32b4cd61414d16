"""``harness restore``: puts back settings that a killed run left changed."""

from __future__ import annotations

from dataclasses import dataclass

from harness.cli.command import Command
from harness.cli.options import DeviceOptions, WaitOption
from harness.cli.outcome import Outcome
from harness.cli.say import say
from harness.control import settings
from harness.control.lease import leased
from harness.errors import HarnessError
from harness.exit_codes import ExitCode


@dataclass(frozen=True, kw_only=True)
class Restore(WaitOption, DeviceOptions, Command):
    """Puts back the settings of attached phones; says which ones wait for a phone."""

    def __call__(self) -> Outcome:
        serials = settings.pending_serials()
        if not serials:
            return Outcome(lines=("nothing to restore",))
        code, lines = ExitCode.DONE, []
        for phone in self.find().devices:
            if phone.serial not in serials:
                continue
            serials.remove(phone.serial)
            try:
                with leased(
                    phone, wait_s=self.wait, say=say, run="harness restore"
                ):  # what a run in progress has changed is not ours to put back
                    done = settings.restore(phone)
            except HarnessError as error:
                say(f"{phone.serial}: {error}")
                code = ExitCode.INFRASTRUCTURE
                continue
            if done is not None:
                lines.append(f"{phone.serial}: {done[1]}")
        for serial in serials if self.device is None else []:
            say(f"{serial}: not attached; its settings wait for the next run on it, or for `harness restore`")
            code = ExitCode.INFRASTRUCTURE
        return Outcome(code, tuple(lines))


COMMAND = Restore
