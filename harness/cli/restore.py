"""``harness restore``: puts back settings that a killed run left changed, on this host or another one, and stops and
removes what dead runs left.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar

import typer

from harness.cli.command import Command, Examples
from harness.cli.options import DeviceOptions, WaitOption
from harness.cli.outcome import Outcome
from harness.cli.say import say
from harness.control import settings
from harness.control.lease import leased
from harness.control.orphans import Swept, sweep
from harness.control.settings_journal import Pending
from harness.devices.base import Attached, Device
from harness.devices.phone_id import PhoneId
from harness.errors import DeviceError, HarnessError, NoDeviceError
from harness.exit_codes import ExitCode, worst
from harness.model.condition import Condition, allowed


@dataclass(frozen=True, kw_only=True)
class Restore(WaitOption, DeviceOptions, Command):
    """Puts back what dead runs left on attached phones; says which ones wait for a phone.

    Devices of farms (--stf) that dead runs left reserved are given back.
    """

    codes: ClassVar[Mapping[ExitCode, str]] = {
        ExitCode.INFRASTRUCTURE: "something is not put back yet, or waits for its phone",
        ExitCode.NO_DEVICE: "",
    }
    examples: ClassVar[Examples] = (
        ("harness restore", "settings that a killed run left changed, on all attached phones"),
        ("harness restore --stf https://farm.example", "the same, and devices of that farm are given back"),
        ("harness restore --device SERIAL --drop RUNID", "give up what that run left on the phone"),
    )

    drop: Annotated[
        list[str] | None,
        typer.Option("--drop", metavar="RUNID", help="Give up that run's records on the phones. Repeats."),
    ] = None

    allow: Annotated[
        list[str] | None,
        typer.Option(
            "--allow", metavar="UNLOCKED", help="Also where a phone takes no lock, and no other harness uses it."
        ),
    ] = None

    def __call__(self) -> Outcome:
        allow = allowed(self.allow or ())
        waiting = settings.pending_phones(say)
        found = self._found(waiting)
        code, lines, dropped = ExitCode.DONE, [], set[str]()
        devices: list[dict[str, Any]] = []
        for phone in found.devices:
            waiting = [each for each in waiting if not each.is_of(PhoneId.of(phone.identity))]
            restored, swept = _restored(phone, self.wait, self.drop or (), allow)
            lines += [f"{phone.serial}: {text}" for text in (*restored.done, *restored.left, *swept.lines)]
            devices.append(_value(phone, restored, swept))
            dropped |= set(swept.removed)
            for text in restored.failed:
                say(f"{phone.serial}: {text}")
                code = ExitCode.INFRASTRUCTURE
        still = {each.phone for each in settings.pending_phones()}
        waiting = [each for each in waiting if each.phone in still]  # of those put back some had another name
        states = {bad.serial: f"{bad.state}: {bad.remedy}" for bad in found.unusable}
        if self.device is not None:
            waiting = [each for each in waiting if each.address in states]
        whys = [states.get(each.address, "not attached") for each in waiting]
        for each, why in zip(waiting, whys, strict=True):
            say(
                f"{each.address} ({each.title}): {why}; its settings wait for the next run on it, "
                "or for `harness restore`"
            )
            code = ExitCode.INFRASTRUCTURE
        if unknown := sorted(set(self.drop or ()) - dropped):
            say(f"--drop {', '.join(unknown)}: no attached phone has that run; `harness restore` lists them")
            code = worst([code, ExitCode.USAGE])
        returned, reserved = self._given_back()
        lines[:0] = returned
        if reserved:
            code = worst([code, ExitCode.INFRASTRUCTURE])
        if not lines and code == ExitCode.DONE:
            lines = ["nothing to restore"]
        value = {
            "devices": devices,
            "waiting": [
                {"device": each.address, "phone": each.title, "why": why, "settings": [c.setting for c in each.changes]}
                for each, why in zip(waiting, whys, strict=True)
            ],
            "not_dropped": unknown,
            "reserved": reserved,
        }
        return Outcome(code, tuple(lines), value)

    def _given_back(self) -> tuple[list[str], list[str]]:
        """Devices of farms that dead runs left reserved: lines of those given back, serials of those that are not."""
        from harness.control import farm_leases  # noqa: PLC0415  not for other commands' options

        farm = self.farm()
        dead = [lease for lease in farm_leases.known(say, str(farm.url) if farm else "") if lease.who.is_dead]
        if not dead:
            return [], []
        from harness.measure.farm_release import give_back_left  # noqa: PLC0415

        left = {lease.file for lease in give_back_left(farm, dead, say)}
        done = [f"{lease.serial}: given back to {lease.farm}" for lease in dead if lease.file not in left]
        return done, [lease.serial for lease in dead if lease.file in left]

    def _found(self, waiting: list[Pending]) -> Attached:
        try:
            return self.attached()
        except HarnessError as error:
            if self.device is not None or not (waiting or self.stf):
                raise
            if not isinstance(error, NoDeviceError):
                say(str(error))
            return Attached()


def _restored(
    phone: Device, wait_s: float, drop: Sequence[str], allow: Sequence[str]
) -> tuple[settings.Restored, Swept]:
    done, swept = settings.Restored(), Swept()

    def tell(text: str) -> None:
        say(f"{phone.serial}: {text}")

    try:
        # What a run in progress has changed is not ours to put back.
        with leased(phone, wait_s=wait_s, say=tell, run="harness restore") as lease:
            _refuse([condition for condition in lease.conditions if condition.name not in allow])
            if phone.identity.capabilities.has_settings:
                done = settings.restore(phone, say=tell)
            swept = sweep(phone, drop=drop, alone=lease.alone)
    except HarnessError as error:
        done.failed.append(str(error))
    return done, swept


def _value(phone: Device, restored: settings.Restored, swept: Swept) -> dict[str, Any]:
    """For --json: what was done on a phone, each of its settings in a sentence, and with what dead runs left."""
    return {
        "device": phone.serial,
        "restored": restored.done,
        "left": restored.left,
        "failed": restored.failed,
        "stopped": swept.stopped,
        "removed": list(swept.removed),
        "kept": [each.run for each in swept.kept],
        "spared": [each.run for each in swept.spared],
    }


def _refuse(conditions: Sequence[Condition]) -> None:
    """Raises DeviceError where it cannot be told whether a run is in progress."""
    for condition in conditions:
        raise DeviceError(
            f"nothing was put back: {condition.what}",
            f"mend it; or see that no harness of any host uses the device, then: --allow {condition.name}",
        )


COMMAND = Restore
