"""``harness doctor``: what of each device, and of this host, a measurement has to know of."""

from __future__ import annotations

import io
import shutil
import sys
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Annotated, Any, ClassVar

import typer

from harness.cli.command import Command, Examples
from harness.cli.options import DeviceOptions
from harness.cli.outcome import Outcome
from harness.control import quarantine
from harness.control.conditions import host
from harness.control.conditions.diagnosis import Diagnosis, diagnose, judged
from harness.devices.base import Attached, Device, key_of
from harness.errors import HarnessError, UsageError
from harness.exit_codes import ExitCode
from harness.model.device_model import known_name

_WIDTH = 110  # without a terminal
_NARROWEST = 60


@dataclass(frozen=True)
class Patient:
    """A device, or this host, with what was found. ``title`` is untrusted text."""

    title: str
    value: dict[str, Any]  # for --json: who it is
    diagnosis: Diagnosis

    @property
    def may_be_measured(self) -> bool:
        """Whether a run would begin at once."""
        return not self.diagnosis.in_use and not self.diagnosis.stopping()

    @property
    def verdict(self) -> str:
        """Whether it may be measured."""
        if self.diagnosis.in_use:
            return f"in use by {self.diagnosis.in_use}"
        stopping = [condition.name for condition in self.diagnosis.stopping()]
        return f"not measured: {', '.join(stopping)}" if stopping else "may be measured"

    def as_json(self) -> dict[str, Any]:
        """The same as JSON-ready values."""
        conditions = [condition.as_json() for condition in self.diagnosis.conditions]
        return {**self.value, "conditions": conditions, "unknown": dict(self.diagnosis.unknown)}


@dataclass(frozen=True, kw_only=True)
class Doctor(DeviceOptions, Command):
    """Asks each device, and this host, for named conditions; ends a quarantine."""

    codes: ClassVar[Mapping[ExitCode, str]] = {
        ExitCode.INFRASTRUCTURE: "a device has a condition that stops a run",
        ExitCode.NO_DEVICE: "",
    }
    examples: ClassVar[Examples] = (
        ("harness doctor", "what is wrong with each phone and this host, and the remedies"),
        ("harness doctor --device pixel-3 --json", "of one phone, for a script"),
        ("harness doctor --release SERIAL", "it was looked after: measure it again"),
    )

    release: Annotated[
        str | None, typer.Option("--release", metavar="D", help="End the quarantine of that device, and nothing else.")
    ] = None

    def __call__(self) -> Outcome:
        if self.release is not None:
            return _released(self.release, *self._there())
        attached = self.find()
        facts = host.read(attached.servers)
        here = Patient("this host", {}, judged(facts, host.CHECKS))
        found = diagnose(attached.devices, thorough=True)
        seen = [attached.conditions.get(key_of(device), ()) for device in attached.devices]
        found = [replace(each, conditions=(*more, *each.conditions)) for each, more in zip(found, seen, strict=True)]
        patients = [_patient(device, each) for device, each in zip(attached.devices, found, strict=True)]
        for phone in attached.unusable:
            value = {"device": phone.serial, "state": phone.state, "usable": False}
            patients.append(Patient(phone.serial, value, Diagnosis(phone.found)))
        code = _code(patients)
        value = {
            "exit_code": int(code),
            "devices": [patient.as_json() for patient in patients],
            "host": {"adb_servers": [server.address for server in attached.servers], **here.as_json()},
        }
        return Outcome(code, tuple(_lines(patients, here)), value)

    def _there(self) -> tuple[Attached, Collection[str]]:
        """What is attached, and names of all that there is: the phone that is released need not be there.

        A farm is asked what it has; nothing is reserved.
        """
        try:
            if (farm := self.farm()) is not None:
                return Attached(), farm.devices().keys()
            found = self.attached()
            return found, {*(device.serial for device in found.devices), *(bad.serial for bad in found.unusable)}
        except HarnessError:
            return Attached(), ()


def _released(named: str, attached: Attached, names: Collection[str]) -> Outcome:
    """Raises UsageError for a name that no device has, and no quarantine."""
    held = [each.address for each in quarantine.every()]
    ended = quarantine.release_named(named, attached.devices)
    if not ended and named not in names:
        there = f"in quarantine: {', '.join(sorted(set(held)))}" if held else "no device is in quarantine"
        raise UsageError(f"--release {named}: no device of that name", there)
    lines = [f"{named}: the quarantine of {each.title} is over ({each.reason})" for each in ended]
    return Outcome(
        lines=tuple(lines or [f"{named}: in no quarantine"]), value={"released": [e.as_json() for e in ended]}
    )


def _patient(device: Device, diagnosis: Diagnosis) -> Patient:
    identity = device.identity
    model = (known_name(identity.model) or identity.model) if identity.capabilities.has_product_model else ""
    value = {
        "device": device.serial,
        "model": identity.model,
        "usable": not diagnosis.stopping(),
        "in_use": diagnosis.in_use,
    }
    return Patient(f"{device.serial}  {model}".strip(), value, diagnosis)


def _code(patients: Sequence[Patient]) -> ExitCode:
    if not patients:
        return ExitCode.NO_DEVICE
    return ExitCode.INFRASTRUCTURE if any(p.diagnosis.stopping() for p in patients) else ExitCode.DONE


def _lines(patients: Sequence[Patient], here: Patient) -> Iterator[str]:
    if not patients:
        yield "no phone is attached; this machine: --device local"
        yield ""
    for patient in patients:
        yield f"{patient.title}: {patient.verdict}"
        yield from _table(patient.diagnosis)
        yield ""
    yield here.title
    yield from _table(here.diagnosis)
    if len(patients) > 1:
        yield ""
        yield f"{sum(p.may_be_measured for p in patients)} of {len(patients)} may be measured now"


def _table(diagnosis: Diagnosis) -> Iterator[str]:
    rows = [
        (
            condition.name,
            "yes" if condition.kind.stops else "",
            f"{condition.what[0].upper()}{condition.what[1:]}. Why it matters: {condition.kind.why}.",
            condition.advice,
        )
        for condition in diagnosis.conditions
    ]
    if rows:
        yield from _rendered(("condition", "stops a run", "what was found", "remedy"), rows)
    else:
        yield "  no condition was found"
    for words in diagnosis.words_of_unknown():
        yield f"  {words}"


def _rendered(titles: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    """A table as plain lines, as wide as the terminal: texts of devices are no markup, and nothing is coloured."""
    from rich import box  # noqa: PLC0415  slow to load
    from rich.console import Console  # noqa: PLC0415
    from rich.table import Table  # noqa: PLC0415
    from rich.text import Text  # noqa: PLC0415

    width = shutil.get_terminal_size((_WIDTH, 24)).columns if sys.stdout.isatty() else _WIDTH
    table = Table(box=box.ASCII2, expand=False, pad_edge=True, show_lines=True, show_edge=False)
    for title, least in zip(titles, (16, 5, 20, 16), strict=True):
        table.add_column(title, min_width=least, overflow="fold", ratio=None)
    for row in rows:
        table.add_row(*(Text(" ".join(cell.split())) for cell in row))
    out = io.StringIO()
    console = Console(
        file=out, width=max(width, _NARROWEST), color_system=None, force_terminal=False, legacy_windows=False
    )
    console.print(table)
    return [line.rstrip() for line in out.getvalue().splitlines()]


COMMAND = Doctor
