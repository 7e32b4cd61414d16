"""device.json of a run: who was measured, and its clusters."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

from harness.control.sources import NO_SOURCES, Sources
from harness.devices.base import Identity, Topology, as_json
from harness.devices.phone_id import PhoneId
from harness.errors import WrongDevice
from harness.measure.clusters import out_of_reach
from harness.store.journal import write_atomically


def write(file: Path, name: str, identity: Identity, topology: Topology, sources: Sources = NO_SOURCES) -> None:
    """Writes what the device ``name`` is now; clusters that are out of reach as they were when they could be seen."""
    value = {
        "name": name,
        "title": _title(identity),
        "identity": as_json(_with_known_mark(file, identity)),
        "serial_is_secret": identity.capabilities.has_secret_serial,
        "clusters": _clusters(file, topology),
        "notes": list(topology.notes),
        "evidence": sources.as_json(),
    }
    write_atomically(file, (json.dumps(value, indent=2, ensure_ascii=False) + "\n").encode())


def check(file: Path, identity: Identity) -> None:
    """Raises WrongDevice where the file tells of another device, and where it is damaged: then nobody knows of which.

    Whatever is appended, put back or removed for the run belongs to the device of that file.
    """
    try:
        owner = PhoneId.read(file)
    except FileNotFoundError:
        return  # it is measured for the first time
    except (OSError, ValueError) as error:
        raise WrongDevice(
            f"{file}: it does not tell which device this is ({error})", "put it back, or start a new run"
        ) from error
    phone = PhoneId.of(identity)
    if not owner.is_same(phone):
        raise WrongDevice(
            f"the phone that was measured is {owner.title}; the one that is attached is {phone.title}, with another "
            "serial number or android_id",
            "attach the first to go on with the run, which was left as it is; start a new run for the second",
        )


def _with_known_mark(file: Path, identity: Identity) -> Identity:
    """A second mark that the phone does not tell just now is not forgotten."""
    known = PhoneId.read_or_none(file)
    return identity if identity.second_mark or known is None else replace(identity, second_mark=known.second)


def _clusters(file: Path, topology: Topology) -> list[dict[str, Any]]:
    now = [{**as_json(c), "label": c.label} for c in topology.clusters]
    try:
        before = json.loads(file.read_bytes())["clusters"]
        known = {str(cluster["label"]): cluster for cluster in before}
    except (OSError, ValueError, KeyError, TypeError):
        return now
    hidden = out_of_reach(topology, topology.clusters)
    seen = [known.get(c["label"], c) if c["label"] in hidden else c for c in now]
    return seen + [cluster for label, cluster in known.items() if label not in {c["label"] for c in now}]


def _title(identity: Identity) -> str:
    """What people call the device; empty where that is not known."""
    if not identity.capabilities.has_product_model:
        return ""
    from harness.model.device_model import known_name  # noqa: PLC0415  the files of all known phones

    return known_name(identity.model)
