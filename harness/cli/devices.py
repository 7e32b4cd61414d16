"""``harness devices``: what is attached, and what of it can be used."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from harness.cli.command import Command, Examples
from harness.cli.options import DeviceOptions
from harness.cli.outcome import Outcome
from harness.cli.say import say
from harness.control import quarantine
from harness.control.holder import Holder
from harness.control.occupant import occupant
from harness.devices.base import LOCAL, Attached, Device, as_json, key_of
from harness.devices.phone_id import PhoneId
from harness.errors import HarnessError
from harness.exit_codes import ExitCode
from harness.measure.called import named
from harness.model.device_model import known_name

if TYPE_CHECKING:
    from harness.stf.farm import Farm


@dataclass(frozen=True, kw_only=True)
class Devices(DeviceOptions, Command):
    """Lists phones, or this machine, with their clusters."""

    codes: ClassVar[Mapping[ExitCode, str]] = {
        ExitCode.INFRASTRUCTURE: "an adb server that was named, or the farm, does not answer",
        ExitCode.NO_DEVICE: "none, or none that can be used: each with its remedy; of a farm none that is free",
    }
    examples: ClassVar[Examples] = (
        ("harness devices", "every attached phone, its clusters, and who is using it"),
        ("harness devices --device local", "this machine"),
        ("harness devices --adb-server lab:5037 --json", "those of another host, for a script"),
        ("harness devices --stf https://farm.example", "those of a farm, and who has them; none is reserved"),
    )

    def __call__(self) -> Outcome:
        if (farm := self.farm()) is not None:
            return _of_farm(farm)
        found = self.find()
        attached = quarantine.without(found, say)
        holders = [_holder(device) for device in attached.devices]
        rows = [_row(device, attached, holder) for device, holder in zip(attached.devices, holders, strict=True)]
        value = {
            "devices": rows,
            "unusable": [asdict(bad) for bad in attached.unusable],
            "quarantine": [{"serial": device.serial, **known.as_json()} for device, known in quarantine.held(found)],
            "adb_servers": [asdict(server) for server in attached.servers],
            "farm": [],
        }
        code = ExitCode.DONE if attached.devices else ExitCode.NO_DEVICE
        return Outcome(code, tuple(_lines(attached, rows, holders)), value)


def _of_farm(farm: Farm) -> Outcome:
    """The devices of a farm. Raises HarnessError."""
    devices = sorted(farm.devices().values(), key=lambda device: device.serial)
    rows = [
        {
            "serial": device.serial,
            "model": device.model,
            "state": device.state,
            "user": device.owner_name or device.owner,
        }
        for device in devices
    ]
    lines = [f"farm {farm.url}"]
    lines += [f"{device.serial}  {device.model or 'model unknown'}  {device.state_in_words}" for device in devices]
    lines += ["it shows no device to you"] * (not devices)
    value = {"devices": [], "unusable": [], "quarantine": [], "adb_servers": [], "farm": rows}
    usable = any(device.is_free or device.owner == farm.user() for device in devices)
    return Outcome(ExitCode.DONE if usable else ExitCode.NO_DEVICE, tuple(lines), value)


def _row(device: Device, attached: Attached, holder: Holder | None) -> dict[str, Any]:
    seen = {
        "identity": as_json(device.identity),
        "held_by": None if holder is None else holder.as_json(),
        "known_by": PhoneId.of(device.identity).known_by,
        "other_names": list(attached.other_names.get(key_of(device), ())),
        "conditions": [condition.as_json() for condition in attached.conditions.get(key_of(device), ())],
    }
    try:
        topology = device.topology()
    except HarnessError as error:
        return {**seen, "clusters": [], "notes": [str(error)]}
    return {
        **seen,
        "clusters": [{**as_json(cluster), "label": cluster.label} for cluster in topology.clusters],
        "notes": list(topology.notes),
    }


def _holder(device: Device) -> Holder | None:
    """Who is using it, as far as that is told."""
    try:
        return occupant(device)
    except HarnessError:
        return None


def _lines(attached: Attached, rows: list[dict[str, Any]], holders: list[Holder | None]) -> Iterator[str]:
    for server in attached.servers:
        yield f"adb server {server.address}  {server.adb or 'its program is not told by the system'}"
    names = {key_of(device): name for name, device in named(attached.devices)}
    for device, row, holder in zip(attached.devices, rows, holders, strict=True):
        identity = device.identity
        android = f"Android {identity.android}" if identity.android else ""
        known = ", ".join(filter(None, (android, identity.soc)))
        name = known_name(identity.model) or identity.model
        words = f"{name}  ({known})" if name and known else name or known or "model unknown"
        yield "  ".join(filter(None, (identity.serial, words, identity.mark)))
        if identity.model and (called := names[key_of(device)]) not in (identity.serial, LOCAL):
            yield f"    called {called}: also by --device"
        if row["other_names"]:
            yield f"    also listed as {', '.join(row['other_names'])}"
        if holder is not None:
            yield f"    in use: {holder}"
        for condition in row["conditions"]:
            yield f"    {condition['name']}: {condition['what']}"
        for cluster in row["clusters"]:
            yield f"    CPUs {cluster['label']:<8} {_core_and_clock(cluster)}"
        for note in row["notes"]:
            yield f"    note: {note}"
    for bad in attached.unusable:
        yield f"{bad.serial}  cannot be used: {bad.state}"
        yield f"    {bad.remedy}"
    if not attached.devices and not attached.unusable:
        yield "no phone is attached; this machine: --device local"


def _core_and_clock(cluster: dict[str, Any]) -> str:
    if not cluster["core"] and not cluster["max_khz"]:
        return "core type and clock not told by the system"
    clock = f"{cluster['max_khz'] / 1e6:.2f} GHz" if cluster["max_khz"] else "clock unknown"
    return f"{cluster['core'] or 'core unknown'}, {clock}"


COMMAND = Devices
