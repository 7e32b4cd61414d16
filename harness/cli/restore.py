"""``harness restore``: puts back settings that a killed run left changed, stops and removes what it left running."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import typer

from harness.cli.command import Command
from harness.cli.options import DeviceOptions
from harness.cli.outcome import Outcome
from harness.cli.say import say
from harness.control import settings
from harness.control.lease import leased
from harness.control.orphans import sweep
from harness.devices.base import Attached
from harness.errors import HarnessError, InfrastructureError
from harness.exit_codes import ExitCode, worst


@dataclass(frozen=True, kw_only=True)
class Restore(DeviceOptions, Command):
    """Puts back what dead runs left on attached phones; says which ones wait for a phone."""

    drop: Annotated[
        list[str] | None,
        typer.Option("--drop", metavar="RUNID", help="Give up that run's records on the phones. Repeats."),
    ] = None

    def __call__(self) -> Outcome:
        serials = settings.pending_serials()
        code, lines, dropped = ExitCode.DONE, [], set[str]()
        for phone in self._attached(needed=bool(serials or self.drop)).devices:
            is_changed = phone.serial in serials
            if is_changed:
                serials.remove(phone.serial)
            try:
                with leased(phone.serial):  # what a run in progress has changed is not ours to put back
                    done = settings.restore(phone) if is_changed else None
                    swept = sweep(phone, drop=self.drop or ())
            except HarnessError as error:
                say(f"{phone.serial}: {error}")
                code = ExitCode.INFRASTRUCTURE
                continue
            lines += [f"{phone.serial}: {text}" for text in ([done[1]] if done else []) + swept.lines]
            dropped |= set(swept.removed)
        for serial in serials if self.device is None else []:
            say(f"{serial}: not attached; its settings wait for the next run on it, or for `harness restore`")
            code = ExitCode.INFRASTRUCTURE
        if unknown := sorted(set(self.drop or ()) - dropped):
            say(f"--drop {', '.join(unknown)}: no attached phone has that run; `harness restore` lists them")
            code = worst([code, ExitCode.USAGE])
        return Outcome(code, tuple(lines or ["nothing to restore"] * (code == ExitCode.DONE)))

    def _attached(self, *, needed: bool) -> Attached:
        """The phones. Where nothing is known to wait for one, a host without adb is none that lacks anything."""
        try:
            return self.find()
        except InfrastructureError as error:
            if needed or self.device or self.adb_server:
                raise
            say(f"no phone was looked at: {error.message}")
            return Attached()


COMMAND = Restore
