"""What two runs must have in common to be compared: what differs has a name, by which it may be allowed."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from harness.compare.side import Side
from harness.errors import UsageError
from harness.model.sustained import SUSTAINED
from harness.results.run import DeviceData

# By name, why it matters.
NAMES: Mapping[str, str] = {
    "SAME_RUN": "a run compared with itself shows nothing",
    "UNFINISHED": "what a run lacks may be what matters",
    "PHONE": "two phones differ, also two of one model",
    "TOPOLOGY": "other CPUs have other times",
    "SYSTEM": "another system, kernel or governor may be what made the difference",
    "CLOCK": "a phone that ran at another clock has other times, whatever the build",
    "POLICY": "other lengths, rounds or thresholds give other times",
    "MODE": "times of one cache mode say nothing about the other",
    "TOOLCHAIN": "another compiler may be what made the difference",
    "FLAGS": "other flags may be what made the difference",
    "LAYERS": "layers of one name and two shapes cannot be compared",
    "TUNED": "auto went by other tables",
    "CONDITIONS": "only one of them was measured under it",
}
_SYSTEM = ("android", "sdk", "fingerprint", "kernel", "page_size")
_LONGEST = 160


@dataclass(frozen=True)
class Mismatch:
    """Something that differs."""

    name: str
    what: str

    def __str__(self) -> str:
        return f"{self.name}: {self.what}"


def allowed_names(names: Collection[str]) -> frozenset[str]:
    """The names of --allow. Raises UsageError for one that there is not."""
    unknown = next((name for name in names if name not in NAMES), None)
    if unknown is not None:
        raise UsageError(f"--allow {unknown}: nothing has that name", f"one of: {', '.join(NAMES)}")
    return frozenset(names)


def check(base: Side, new: Side, devices: Mapping[str, str], allow: Collection[str]) -> list[Mismatch]:
    """What differs and is allowed. Raises UsageError for the rest, by name; ``devices``: new's names by base's."""
    _refuse_series(base, new)
    found = list(mismatches(base, new, devices))
    refused = [each for each in found if each.name not in allow]
    if refused:
        lines = "".join(f"\n  {each} ({NAMES[each.name]})" for each in refused)
        options = " ".join(f"--allow {name}" for name in dict.fromkeys(each.name for each in refused))
        raise UsageError(
            f"{base.name} and {new.name} cannot be compared:{lines}",
            f"measure both alike, or compare them all the same: {options}",
        )
    return found


def _refuse_series(base: Side, new: Side) -> None:
    """Nothing allows it: a sustained run has no times of a cool device, and those of a burst run none under load."""
    modes = {"BASE": base.results.run.mode, "NEW": new.results.run.mode}
    sustained = [word for word, mode in modes.items() if mode == SUSTAINED]
    if sustained:
        raise UsageError(
            f"{base.name} and {new.name} cannot be compared: of mode sustained is {' and '.join(sustained)}",
            "compare two runs of mode burst; what a variant keeps under load stands in sustained.csv of its run",
        )


def mismatches(base: Side, new: Side, devices: Mapping[str, str]) -> Iterator[Mismatch]:
    """All that differs."""
    if base.path == new.path or base.manifest("run") == new.manifest("run") is not None:
        yield Mismatch("SAME_RUN", f"both are {base.name}")
    for word, side in (("BASE", base), ("NEW", new)):
        if (status := side.manifest("status")) != "done":
            yield Mismatch("UNFINISHED", f"{word} is {_shown(status)}")
    yield from _settings(base, new, devices)
    own = {device.name: device for device in base.results.run.devices}
    others = {device.name: device for device in new.results.run.devices}
    for ours, theirs in devices.items():
        yield from _devices(base, new, own[ours], others[theirs])


def _settings(base: Side, new: Side, devices: Mapping[str, str]) -> Iterator[Mismatch]:
    ours, theirs = (side.policy.model_dump(mode="json") for side in (base, new))
    for key in ours:
        if key != "name" and ours[key] != theirs[key]:
            yield _mismatch("MODE" if key == "cache" else "POLICY", key, ours[key], theirs[key])
    ours, theirs = (_object(side.manifest("toolchain")) for side in (base, new))
    for abi in sorted(set(ours) & set(theirs)) or [""]:
        left, right = _object(ours.get(abi)), _object(theirs.get(abi))
        for name, keys in {"TOOLCHAIN": ("toolchain", "compiler"), "FLAGS": ("flags", "defines")}.items():
            for key in keys:
                if left.get(key) != right.get(key):
                    yield _mismatch(name, f"{abi} {key}", left.get(key), right.get(key))
    if not set(ours) & set(theirs) and (ours or theirs):
        yield _mismatch("TOOLCHAIN", "ABIs", sorted(ours), sorted(theirs))
    layers, others = base.results.run.layers, new.results.run.layers
    for layer in layers:
        if layer in others and layers[layer].shape_key != others[layer].shape_key:
            yield Mismatch("LAYERS", f"{layer} has another shape")
    tables = {devices.get(name, name): value for name, value in _object(base.manifest("tuned")).items()}
    yield from _unlike("TUNED", "tables", tables, _object(new.manifest("tuned")))


def _devices(base: Side, new: Side, ours: DeviceData, theirs: DeviceData) -> Iterator[Mismatch]:
    name = theirs.name
    phone, other = base.phones[ours.name], new.phones[theirs.name]
    if phone is None or other is None or not phone.is_same(other):
        if phone is None or other is None:
            why = "nothing tells which it is"
        elif phone.pseudonyms != other.pseudonyms:
            why = "known by pseudonyms of two keys, or by one of another user: nothing tells whether it is the same"
        else:
            why = "another phone"
        yield Mismatch("PHONE", f"{name}: {why}")
    if not ours.identity or not theirs.identity:
        return  # nothing else is known of it
    yield from _unlike("PHONE", f"{name} emulated", ours.emulated, theirs.emulated)
    clusters = [[{key: each.get(key) for key in ("label", "core", "midr")} for each in side.clusters]
                for side in (ours, theirs)]  # fmt: skip
    yield from _unlike("TOPOLOGY", name, *clusters)
    for key in _SYSTEM:
        yield from _unlike("SYSTEM", f"{name} {key}", ours.identity.get(key), theirs.identity.get(key))
    governors = [[each.get("governor") for each in side.clusters] for side in (ours, theirs)]
    yield from _unlike("SYSTEM", f"{name} governors", *governors)
    for cluster in base.results.run.clusters_of(ours):
        yield from _clocks(base, new, ours.name, theirs.name, cluster)
    stamps = [{stamp.name for stamp in side.stamps if not stamp.usual} for side in (ours, theirs)]
    yield from _unlike("CONDITIONS", name, *map(sorted, stamps))


def _clocks(base: Side, new: Side, ours: str, theirs: str, cluster: str) -> Iterator[Mismatch]:
    """Clocks further apart than two readings of one clock may be: each run is judged by its own best alone."""
    before, after = _clock(base, ours, cluster), _clock(new, theirs, cluster)
    most = base.policy.most_clock_change
    if before and after and abs(after - before) > most * max(before, after):
        yield _mismatch("CLOCK", f"{theirs} CPUs {cluster}", f"{before:.0f} MHz", f"{after:.0f} MHz")


def _clock(side: Side, device: str, cluster: str) -> float | None:
    """The median clock around valid samples, in MHz; None where none is known."""
    judged = side.results.verdicts.of(device, cluster)
    known = [
        clocks[(masks == 0) & np.isfinite(clocks)]
        for stream, masks in zip(judged.streams, judged.masks, strict=True)
        for clocks in (stream.samples.evidence.mhz_before, stream.samples.evidence.mhz_after)
    ]
    every = np.concatenate(known) if known else np.array([])
    return float(np.median(every)) if len(every) else None


def _unlike(name: str, what: str, ours: object, theirs: object) -> Iterator[Mismatch]:
    if ours != theirs:
        yield _mismatch(name, what, ours, theirs)


def _mismatch(name: str, what: str, ours: object, theirs: object) -> Mismatch:
    return Mismatch(name, f"{what.strip()}: {_shown(ours)} in BASE, {_shown(theirs)} in NEW")


def _shown(value: object) -> str:
    text = value if isinstance(value, str) else json.dumps(value, default=str)
    return f"{text[:_LONGEST]}..." if len(text) > _LONGEST else text or "nothing"


def _object(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}
