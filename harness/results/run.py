"""Reads a run directory, cut at whatever moment. Nothing in it is trusted; serial numbers stay out."""

from __future__ import annotations

import json
import re
from collections import Counter
from dataclasses import dataclass, field
from functools import cached_property
from itertools import repeat
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from harness.errors import InfrastructureError
from harness.model.emulation import mark_of
from harness.model.layer import Layer
from harness.results.stamps import Stamp, read_stamps
from harness.results.stream import Stream, read_records
from harness.store.journal import read_lines
from harness.store.manifest import LeftOut

WITHHELD = "(withheld)"
_MOST_LEFT_OUT = 100
_LONGEST = 500  # characters of a text
_IDENTITY = ("threads", "cache", "build", "launch", "round", "position", "layer", "variant")  # with the cluster


@dataclass
class DeviceData:
    """A device's folder: who it is (without serial number) and what was recorded."""

    name: str
    title: str  # of a known model; else empty
    identity: dict[str, Any]
    clusters: list[dict[str, Any]]
    notes: list[str]
    streams: list[Stream]
    faults: list[str]  # of records.jsonl: cut or unreadable lines
    messages: list[str]  # why the session on this device failed
    stamps: list[Stamp] = field(default_factory=list)  # conditions that its results are stamped with
    given_up: dict[str, str] = field(default_factory=dict)  # by cluster: why it was left after its last attempt
    out_of_reach: dict[str, str] = field(default_factory=dict)  # by cluster: why it was not to be had

    @property
    def emulated(self) -> bool:
        """Whether the device says that its CPU is emulated."""
        return bool(self.identity.get("emulated"))

    @property
    def mark(self) -> str:
        """What stands beside its figures: EMULATED, and conditions that are not usual; or nothing."""
        names = [stamp.name for stamp in self.stamps if not stamp.usual]
        return ", ".join(dict.fromkeys([*filter(None, [mark_of(self.emulated)]), *names]))

    @property
    def conditions(self) -> str:
        """The names of all conditions, as in results.csv: ``EMULATED+CHARGING``."""
        names = [stamp.name for stamp in self.stamps]
        return "+".join(dict.fromkeys([*filter(None, [mark_of(self.emulated)]), *names]))

    @property
    def model(self) -> str:
        """What people call the device; for this machine the folder's name and the processor."""
        model, soc = self.title or str(self.identity.get("model") or ""), str(self.identity.get("soc") or "")
        return model or (f"{self.name} ({soc})" if soc else self.name)

    def core(self, cluster: str) -> str:
        """The core type of a cluster; empty where unknown."""
        return next((str(c.get("core") or "") for c in self.clusters if c.get("label") == cluster), "")

    def streams_of(self, cluster: str) -> list[Stream]:
        """The runs of convbench on one cluster, in order."""
        return [stream for stream in self.streams if stream.header.cluster == cluster]


@dataclass
class RunData:
    """A run directory, read."""

    path: Path
    manifest: dict[str, Any]
    plan: list[dict[str, Any]]
    devices: list[DeviceData]
    layers: dict[str, Layer]  # by name
    faults: list[str]

    @property
    def suite(self) -> str:
        """The suite's name."""
        return str(_object(self.manifest.get("suite")).get("name") or "")

    @property
    def caches(self) -> list[str]:
        """The policy's cache modes."""
        caches = _object(self.manifest.get("policy")).get("cache")
        return [str(cache) for cache in caches] if isinstance(caches, list) else []

    @cached_property
    def left_out(self) -> list[LeftOut]:
        """Devices that were meant and are not measured."""
        found = self.manifest.get("unusable")
        return (
            [each for value in found[:_MOST_LEFT_OUT] if (each := _left_out(value))] if isinstance(found, list) else []
        )

    def jobs_of(self, device: DeviceData) -> list[dict[str, Any]]:
        """The jobs planned for a device."""
        return self._jobs.get(device.name, [])

    @cached_property
    def _jobs(self) -> dict[object, list[dict[str, Any]]]:
        found: dict[object, list[dict[str, Any]]] = {}
        for job in self.plan:
            name = job.get("device")
            if isinstance(name, str):
                found.setdefault(name, []).append(job)
        return found

    def clusters_of(self, device: DeviceData) -> list[str]:
        """Every cluster of a device that was planned or measured, the fastest first (device.json has it last)."""
        planned = [str(job.get("cluster", "")) for job in self.jobs_of(device)]
        found = dict.fromkeys([*planned, *(stream.header.cluster for stream in device.streams)])
        order = {str(cluster.get("label")): n for n, cluster in enumerate(device.clusters)}
        return sorted((c for c in found if c), key=lambda c: -order.get(c, -1))


def read_run(run_dir: Path) -> RunData:
    """Reads a run directory. Missing and damaged files are told in ``faults``.

    Raises InfrastructureError where one sample stands in the records twice.
    """
    faults: list[str] = []
    manifest = _read_object(run_dir / "manifest.json", faults)
    folders = sorted(path for path in (run_dir / "devices").glob("*") if path.is_dir())
    named = manifest.get("devices")
    names = [str(name) for name in named] if isinstance(named, list) else []
    folders.sort(key=lambda path: names.index(path.name) if path.name in names else len(names))
    raw = [(path, _read_object(path / "device.json", faults)) for path in folders]
    serials = {serial for _, value in raw for serial in _serials(value)}
    for name in names:
        if name not in {path.name for path in folders}:
            faults.append(f"{name}: nothing was recorded on this device")
    redact = _Redactor(serials)
    devices = [_device(path, value, redact) for path, value in raw]
    alike = Counter(device.model for device in devices)
    for device in devices:
        if alike[device.model] > 1:  # a drawer holds several of a kind: told apart by their folders
            device.title = f"{device.model} ({device.name})"
    named_layers = _object(manifest.get("suite")).get("layers")
    layers = [layer for item in named_layers if (layer := _layer(item))] if isinstance(named_layers, list) else []
    return RunData(
        run_dir,
        redact.value(manifest),
        redact.value(read_lines(run_dir / "plan.jsonl")),
        devices,
        {layer.name: layer for layer in layers},
        redact.value(faults),
    )


def _layer(value: object) -> Layer | None:
    """A layer of the manifest; None for something that is none: a report never fails over a manifest."""
    try:
        return Layer.model_validate(value)
    except ValidationError:
        return None


def _left_out(value: object) -> LeftOut | None:
    """A device of the manifest that is left out, its texts cut; None for something that is none."""
    try:
        found = LeftOut.model_validate(value)
    except ValidationError:
        return None
    texts = {key: " ".join(getattr(found, key).split())[:_LONGEST] for key in ("name", "state", "remedy")}
    return found.model_copy(update={**texts, "conditions": [name[:40] for name in found.conditions[:_MOST_LEFT_OUT]]})


def _device(path: Path, value: dict[str, Any], redact: _Redactor) -> DeviceData:
    streams, faults = read_records(path / "records.jsonl")
    _refuse_duplicates(path / "records.jsonl", streams)
    identity = {k: v for k, v in _object(value.get("identity")).items() if k not in {"serial", "serialno", "host"}}
    clusters = value.get("clusters")
    notes = value.get("notes")
    events: list[dict[str, Any]] = redact.value(read_lines(path / "events.jsonl"))
    finished = [event for event in events if event.get("event") == "finished"]
    messages = finished[-1].get("messages") if finished else []
    stamps = read_stamps(events)
    return DeviceData(
        path.name,
        redact.value(str(value.get("title") or "")),
        redact.value(identity),
        redact.value([c for c in clusters if isinstance(c, dict)] if isinstance(clusters, list) else []),
        redact.value([str(note) for note in notes] if isinstance(notes, list) else []),
        streams,
        redact.value(faults),
        redact.value(_failures(messages, stamps)),
        stamps,
        redact.value(_reasons(events, "given up")),
        redact.value(_reasons(events, "out of reach")),
    )


def _failures(messages: object, stamps: list[Stamp]) -> list[str]:
    """The messages without those that are stamps, which are told by themselves."""
    told = tuple(f"{stamp.name}: " for stamp in stamps)
    texts = [str(message) for message in messages] if isinstance(messages, list) else []
    return [text for text in texts if not text.startswith(told)]


def _reasons(events: list[dict[str, Any]], name: str) -> dict[str, str]:
    """By cluster, why the newest of these events came."""
    return {str(event.get("cluster")): str(event.get("why") or "") for event in events if event.get("event") == name}


def _refuse_duplicates(path: Path, streams: list[Stream]) -> None:
    seen: Counter[tuple[Any, ...]] = Counter()
    for stream in streams:
        seen.update(zip(repeat(stream.header.cluster), *map(stream.samples.column, _IDENTITY)))
    twice = [key for key, count in seen.items() if count > 1]
    if twice:
        shown = "; ".join(
            f"cluster {c}, {cache}, launch {launch}, round {number}, position {position}, {layer} {variant}"
            for c, _, cache, _, launch, number, position, layer, variant in twice[:5]
        )
        more = f" and {len(twice) - 5} more" if len(twice) > 5 else ""
        raise InfrastructureError(
            f"{path}: {len(twice)} sample(s) stand there more than once: {shown}{more}",
            "a sample may be counted only once: take the later lines of each out of a copy of the run directory, "
            "and report that copy",
        )


class _Redactor:
    """Takes serial numbers out of whatever is shown."""

    def __init__(self, serials: set[str]) -> None:
        self._serials = sorted(serials, key=len, reverse=True)

    def value(self, value: Any) -> Any:
        """The same JSON value with serial numbers replaced."""
        if isinstance(value, str):
            for serial in self._serials:
                value = value.replace(serial, WITHHELD)
            return value
        if isinstance(value, list):
            return [self.value(item) for item in value]
        if isinstance(value, dict):
            return {self.value(key): self.value(item) for key, item in value.items() if key != "serial"}
        return value


def _serials(device: dict[str, Any]) -> list[str]:
    """The serial numbers that are not to be shown; a word (``unknown``) is none. Secret where device.json is silent."""
    if device.get("serial_is_secret") is False:
        return []
    identity = _object(device.get("identity"))
    serial, serialno = (str(identity.get(key) or "") for key in ("serial", "serialno"))
    return [each for each in (serial, serialno if re.search("[0-9]", serialno) else "") if len(each) > 3]


def _read_object(path: Path, faults: list[str]) -> dict[str, Any]:
    shown = f"{path.parent.name}/{path.name}"
    try:
        value = json.loads(path.read_bytes())
    except OSError as error:
        faults.append(f"{shown} cannot be read: {error.strerror or error}")
        return {}
    except ValueError:
        faults.append(f"{shown} is damaged and is ignored")
        return {}
    return _object(value)


def _object(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}
