"""Reads a run directory, cut at whatever moment. Nothing in it is trusted; serial numbers stay out."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import repeat
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from harness.errors import InfrastructureError
from harness.model.calibration import Calibration, parsed
from harness.model.emulation import mark_of
from harness.model.layer import Layer
from harness.model.other_build import OtherBuild
from harness.model.sustained import BURST, SUSTAINED, Mode
from harness.results.others import read_others
from harness.results.redactor import Redactor, serials_of
from harness.results.settings import SettingDone, settings_done
from harness.results.stamps import Stamp, read_stamps
from harness.results.stream import Stream, read_records
from harness.store.journal import objects, read_lines
from harness.store.manifest import LeftOut

_MOST_LEFT_OUT = 100
_MOST_STALE = 10
_MOST_SOURCES = 200  # of evidence
_LONGEST = 500  # characters of a text
Plan = dict[str, dict[str, dict[str, list[str]]]]  # by device, cluster and layer: what was asked for
Jobs = dict[tuple[str, str], set[tuple[int, str]]]  # by device and cluster: launch and layer of each job
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
    sources: list[tuple[str, str, str]] = field(default_factory=list)  # of evidence: name, what is read, why in vain
    refused: dict[str, str] = field(default_factory=dict)  # settings that it did not take, with the reason
    calibration: Calibration | None = None  # of this phone under this policy, before the run
    stale: Sequence[str] = ()  # why that is not to be relied on
    is_one_of_several: bool = False  # of its model in the run
    settings: Sequence[SettingDone] = ()  # that were changed

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
        """What the device is called wherever people read of it.

        As `harness devices` calls it (``Google Pixel 3``); the folder's name stands behind it where several are of a
        kind, and where it is not a part of that: ``Samsung Galaxy S8 (sm-g950f)``. For this machine that name and the
        processor.
        """
        model, soc = str(self.identity.get("model") or ""), str(self.identity.get("soc") or "")
        called = self.title.partition(" (")[0] or model
        if not called:
            return f"{self.name} ({soc})" if soc else self.name
        is_apart = self.is_one_of_several or (bool(self.title) and model not in self.title)
        return f"{called} ({self.name})" if is_apart else called

    def core(self, cluster: str) -> str:
        """The core type of a cluster; empty where unknown."""
        return next((str(c.get("core") or "") for c in self.clusters if c.get("label") == cluster), "")

    def cpu_count(self, cluster: str) -> int:
        """How many CPUs a cluster has; 0 where unknown."""
        cpus = next((c.get("cpus") for c in self.clusters if c.get("label") == cluster), None)
        return len(cpus) if isinstance(cpus, list) else 0

    def streams_of(self, cluster: str) -> list[Stream]:
        """The runs of convbench on one cluster, in order."""
        return [stream for stream in self.streams if stream.header.cluster == cluster]


@dataclass
class RunData:
    """A run directory, read."""

    path: Path
    manifest: dict[str, Any]
    plan: Plan
    devices: list[DeviceData]
    layers: dict[str, Layer]  # by name
    faults: list[str]
    jobs: Jobs = field(default_factory=dict)  # planned

    @property
    def name(self) -> str:
        """What the run is called wherever people read of it: its id, whatever its folder was named or copied to."""
        return str(self.manifest.get("run") or self.path.name)

    @property
    def status(self) -> str:
        """How it ended, by its manifest: ``done``, ``running``, ``interrupted``, ``failed``."""
        return str(self.manifest.get("status") or "unknown")

    @property
    def suite(self) -> str:
        """The suite's name."""
        return str(_object(self.manifest.get("suite")).get("name") or "")

    @property
    def mode(self) -> Mode:
        """The suite's: results of one mode are never set beside those of the other."""
        return SUSTAINED if _object(self.manifest.get("suite")).get("mode") == SUSTAINED else BURST

    @property
    def caches(self) -> list[str]:
        """The policy's cache modes."""
        caches = _object(self.manifest.get("policy")).get("cache")
        return [str(cache) for cache in caches] if isinstance(caches, list) else []

    @property
    def precision(self) -> float | None:
        """The width that the run's policy wants intervals to have; None where it wants none."""
        found = _object(self.manifest.get("policy")).get("precision")
        return found if isinstance(found, float) and 0 < found <= 1 else None

    @property
    def threads(self) -> list[int]:
        """How many shared a call: the numbers that were asked for; of older runs one."""
        counts = self.manifest.get("threads")
        found = [n for n in counts if type(n) is int and n > 0] if isinstance(counts, list) else []
        return sorted(set(found)) or [1]

    def planned(self, device: DeviceData, cluster: str) -> dict[str, list[str]]:
        """The layers planned for a cluster of a device, each with what was asked for."""
        return self.plan.get(device.name, {}).get(cluster, {})

    @cached_property
    def against(self) -> list[OtherBuild]:
        """Other builds of the library that were measured in the same rounds."""
        return read_others(self.manifest)

    @cached_property
    def left_out(self) -> list[LeftOut]:
        """Devices that were meant and are not measured."""
        found = self.manifest.get("unusable")
        values = found[:_MOST_LEFT_OUT] if isinstance(found, list) else []
        return [each for value in values if (each := _left_out(value))]

    def clusters_of(self, device: DeviceData) -> list[str]:
        """Every cluster of a device that was planned or measured, the fastest first (device.json has it last)."""
        found = dict.fromkeys([*self.plan.get(device.name, ()), *(stream.header.cluster for stream in device.streams)])
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
    serials = {serial for _, value in raw for serial in serials_of(value)}
    for name in names:
        if name not in {path.name for path in folders}:
            faults.append(f"{name}: nothing was recorded on this device")
    redact = Redactor(serials)
    devices = [_device(path, value, redact) for path, value in raw]
    alike = Counter(device.model for device in devices)
    for device in devices:
        device.is_one_of_several = alike[device.model] > 1
    named_layers = _object(manifest.get("suite")).get("layers")
    layers = [layer for item in named_layers if (layer := _layer(item))] if isinstance(named_layers, list) else []
    plan, jobs = _plan(run_dir / "plan.jsonl", redact)
    return RunData(
        run_dir,
        redact.value(manifest),
        plan,
        devices,
        {layer.name: layer for layer in layers},
        redact.value(faults),
        jobs,
    )


def _plan(file: Path, redact: Redactor) -> tuple[Plan, Jobs]:
    """The plan's lines, of which each launch repeats the others' layers; and its jobs."""
    launches: dict[tuple[str, str], dict[str, set[int]]] = {}
    found: dict[str, dict[str, dict[str, dict[str, None]]]] = {}
    try:
        with file.open("rb") as lines:
            for line in objects(lines):
                clusters = found.setdefault(str(line.get("device", "")), {})
                layers = clusters.setdefault(str(line.get("cluster", "")), {})
                variants = line.get("variants")
                names = map(str, variants if isinstance(variants, list) else ())
                layer, launch = str(line.get("layer", "")), line.get("launch")
                layers.setdefault(layer, {}).update(dict.fromkeys(names))
                if type(launch) is int:
                    launches.setdefault((str(line.get("device", "")), str(line.get("cluster", ""))), {}).setdefault(
                        layer, set()
                    ).add(launch)
    except OSError:
        return {}, {}

    def shown(layers: dict[str, dict[str, None]]) -> dict[str, list[str]]:
        return {redact.text(layer): [redact.text(name) for name in names] for layer, names in layers.items()}

    plan = {
        device: {redact.text(cluster): shown(layers) for cluster, layers in clusters.items()}
        for device, clusters in found.items()
    }
    jobs: Jobs = {}
    for (device, cluster), by_layer in launches.items():
        named = {redact.text(layer): numbers for layer, numbers in by_layer.items()}
        jobs[device, redact.text(cluster)] = {(n, layer) for layer, numbers in named.items() for n in numbers}
    return plan, jobs


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


def _device(path: Path, value: dict[str, Any], redact: Redactor) -> DeviceData:
    streams, faults = read_records(path / "records.jsonl")
    _refuse_duplicates(path / "records.jsonl", streams)
    identity = {k: v for k, v in _object(value.get("identity")).items() if k not in {"serial", "serialno", "host"}}
    clusters = value.get("clusters")
    notes = value.get("notes")
    events: list[dict[str, Any]] = redact.value(read_lines(path / "events.jsonl"))
    endings = {event["event"]: event for event in events if event.get("event") in ("not begun", "finished")}
    messages = (endings.get("finished") or endings.get("not begun") or {}).get("messages")  # the newest that was begun
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
        list(_sources(redact.value(value.get("evidence")))),
        _refused(events),
        *_calibration(events),
        settings=settings_done(redact.value(read_lines(path / "settings.jsonl"))),
    )


def _sources(value: object) -> Iterator[tuple[str, str, str]]:
    """Of device.json; what is none is left out, and texts are cut."""
    for each in value[:_MOST_SOURCES] if isinstance(value, list) else ():
        if isinstance(each, dict) and isinstance(each.get("name"), str):
            name, reads, why = (" ".join(str(each.get(key) or "").split()) for key in ("name", "reads", "why"))
            yield name[:_LONGEST], reads[:_LONGEST], why[:_LONGEST]


def _calibration(events: Sequence[dict[str, Any]]) -> tuple[Calibration | None, Sequence[str]]:
    """The newest that was noted; none where that does not tell whether it is stale."""
    noted: dict[str, Any] = next((event for event in reversed(events) if event.get("event") == "calibration"), {})
    found, stale = parsed(noted.get("found")), noted.get("stale")
    if found is None or not isinstance(stale, list):
        return None, ()
    return found, [str(why)[:_LONGEST] for why in stale[:_MOST_STALE]]


def _failures(messages: object, stamps: list[Stamp]) -> list[str]:
    """The messages without those that are stamps, which are told by themselves."""
    told = tuple(f"{stamp.name}: " for stamp in stamps)
    texts = [str(message) for message in messages] if isinstance(messages, list) else []
    return [text for text in texts if not text.startswith(told)]


def _reasons(events: list[dict[str, Any]], name: str) -> dict[str, str]:
    """By cluster, why the newest of these events came."""
    return {str(event.get("cluster")): str(event.get("why") or "") for event in events if event.get("event") == name}


def _refused(events: list[dict[str, Any]]) -> dict[str, str]:
    """The settings of all SETTING_REFUSED conditions: ``stay_awake: why; brightness: why``."""
    found: dict[str, str] = {}
    for event in events:
        if event.get("event") == "condition" and event.get("name") == "SETTING_REFUSED":
            for part in str(event.get("what") or "")[: 4 * _LONGEST].split("; "):
                setting, colon, why = part.partition(": ")
                if colon and re.fullmatch("[a-z_]{1,40}", setting):
                    found.setdefault(setting, " ".join(why.split())[:_LONGEST])
    return found


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
