"""Where the numbers come from: the run, its devices and every run of convbench, as pairs of name and text."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from harness.report.numbers import bytes_text
from harness.results.run import DeviceData, RunData
from harness.results.stream import Stream
from harness.store import records

Details = list[tuple[str, str]]


@dataclass(frozen=True)
class AttemptDetails:
    """One run of convbench."""

    title: str
    details: Details
    launches: list[dict[str, str]]  # gate, worker and clock of each launch


@dataclass(frozen=True)
class DeviceDetails:
    """One device."""

    device: DeviceData
    details: Details
    clusters: list[dict[str, str]]
    attempts: list[AttemptDetails]


def run_details(run: RunData) -> Details:
    """Everything of the manifest but the layers (they are in the tables)."""
    shown = {key: value for key, value in run.manifest.items() if key not in {"suite", "argv", "unusable"}}
    argv = run.manifest.get("argv")
    details = [("suite", f"{run.suite}, {len(run.layers)} layers")] if run.layers else []
    details += list(_flat(shown))
    if isinstance(argv, list):
        details.append(("command", " ".join(map(str, argv))))
    return details


def built_with(run: RunData) -> str:
    """One sentence: the toolchain of each ABI that the manifest tells of; empty where it tells of none."""
    told = run.manifest.get("toolchain")
    names = [f"{abi} with {_toolchain(build)}" for abi, build in told.items()] if isinstance(told, dict) else []
    return f"Built for {' and for '.join(names)}." if names else ""


def _toolchain(build: Any) -> str:
    """ "NDK 27.2.12479018 (clang version 18.0.3), -O2"; what a damaged or older manifest lacks is left out."""
    build = build if isinstance(build, dict) else {}
    compiler = build.get("compiler") if isinstance(build.get("compiler"), dict) else {}
    flags = build.get("flags") if isinstance(build.get("flags"), dict) else {}
    kind, revision, program = (_text(compiler.get(key)) for key in ("toolchain", "revision", "compiler"))
    if kind == "ndk":
        name = f"NDK {revision}" + (f" ({program})" if program else "")
    elif kind == "zig" or program == "zig":
        name = f"zig {revision}".rstrip()
    else:
        name = revision or program or _text(build.get("toolchain")) or "an unknown toolchain"
    every = flags.get("every_file")
    levels = [_text(flag) for flag in every if _text(flag).startswith("-O")] if isinstance(every, list) else []
    return ", ".join([name, *levels])


def device_details(device: DeviceData) -> DeviceDetails:
    """A device's identity without serial number, its clusters, and its runs of convbench."""
    return DeviceDetails(
        device,
        [(name, value) for name, value in _flat(device.identity) if value],
        [{str(k): _text(v) for k, v in cluster.items() if k != "cpus"} for cluster in device.clusters],
        [_attempt(stream) for stream in device.streams],
    )


def _attempt(stream: Stream) -> AttemptDetails:
    header = stream.header
    caches = header.caches
    sizes = [f"{name} {_size(size)}" for name, size in (("L1d", caches.l1d), ("L2", caches.l2), ("LLC", caches.llc))]
    end, timer = stream.end, header.timer
    details = [
        ("build id", header.build),
        ("ABI", header.abi),
        ("compiler", header.compiler),
        ("flags", header.flags),
        ("CPU features", " ".join(header.cpu_features)),
        ("measured CPU", str(header.cpu)),
        ("caches", ", ".join(sizes) + (" (LLC assumed)" if caches.llc_assumed else "")),
        ("timer", f"{timer.name}, tick {timer.tick_ns:.4g} ns, a reading costs {timer.cost_ns:.4g} ns"),
        ("arena for placement", _size(header.memory_budget)),
        ("page size", _size(header.page_size)),
        ("plan, SHA-256", header.plan_hash),
        ("boot id", header.boot_id),
        ("started", header.utc),
        ("convbench", f"{header.tool_version} (format {header.version})"),
        ("records", f"{len(stream)}" + (f", ended: {end.reason}" if end else ", no end record")),
        ("samples", str(len(stream.samples))),
        *_tables(stream),
        *_threads(stream),
    ]
    return AttemptDetails(
        f"CPUs {header.cluster}, attempt {header.attempt}", [f for f in details if f[1]], list(_launches(stream))
    )


def _tables(stream: Stream) -> Iterator[tuple[str, str]]:
    """The tuned tables that workers were given, and whether those or the model chose, by layer."""
    given = dict.fromkeys((w.table.sha256, w.table.refused) for w in stream.of(records.Worker) if w.table)
    for sha256, refused in given:
        yield "tuned table, SHA-256", (sha256 or "unknown") + (f", not used: {refused}" if refused else "")
    for way in ("table", "model"):
        layers = dict.fromkeys(layer.layer for layer in stream.of(records.Layer) if layer.chosen_by == way)
        yield f"auto went by the {way} on", ", ".join(layers)


def _threads(stream: Stream) -> Iterator[tuple[str, str]]:
    """The CPUs on which the threads that share a call were found."""
    for threads, cpus in sorted({(layer.threads, layer.cpus) for layer in stream.of(records.Layer) if layer.cpus}):
        if threads > 1:
            yield f"{threads} threads on CPUs", cpus


def _launches(stream: Stream) -> Iterator[dict[str, str]]:
    ours = stream.header.build
    gates = {gate.launch: gate for gate in stream.of(records.Gate)}
    for worker in stream.of(records.Worker):
        gate = gates.get(worker.launch)
        clock, peak = worker.clock, worker.peak
        flop = f"{peak.flop_per_cycle:.3g}" if peak.flop_per_cycle is not None else "?"
        yield {
            "launch": str(worker.launch + 1),
            "heat gate": _gate(gate) if gate else "",
            "worker": ("" if worker.build == ours else f"{worker.build}, ") + f"pid {worker.pid} on CPU {worker.cpus}",
            "priority": "" if worker.nice is None else f"nice {worker.nice}",
            "clock": f"{clock.mhz:.0f} MHz" if clock.available and clock.mhz else clock.reason or "unavailable",
            "peak": f"{peak.isa}: {flop} FLOP per cycle" if peak.ok else peak.reason or f"{peak.isa}: not used",
        }


def _gate(gate: records.Gate) -> str:
    if gate.status == "unavailable":
        return "unavailable"
    clock = f"{gate.mhz:.0f} MHz under load ({gate.clock})" if gate.mhz is not None else ""
    if gate.start is None and clock:
        return f"{gate.status}, {clock} in {gate.waited_s:.0f} s"
    ends = " → ".join("?" if value is None else f"{value:.1f}" for value in (gate.start, gate.end))
    beside = f", {clock}" if clock else ""
    return f"{gate.status}, {ends} °C in {gate.waited_s:.0f} s ({_rest(gate)}, {gate.source}{beside})"


def _rest(gate: records.Gate) -> str:
    """Which temperature counted as cool."""
    if gate.tolerance_c is None:  # older records
        return "baseline unknown" if gate.baseline is None else f"baseline {gate.baseline:.1f} °C"
    by = [] if gate.plateau is None else [f"at rest {gate.plateau:.1f} °C"]
    learned = [] if gate.learned is None else [f"found to rest at {gate.learned:.1f} °C"]
    return ", ".join(by + learned) or "where it rests is not known"


def _flat(value: dict[str, Any], prefix: str = "") -> Iterator[tuple[str, str]]:
    for key, item in value.items():
        name = f"{prefix}{key}"
        if isinstance(item, dict):
            yield from _flat(item, f"{name}.")
        else:
            yield name, _text(item)


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return ", ".join(_text(item) for item in value)
    if isinstance(value, dict):
        return "; ".join(f"{name} {text}" for name, item in value.items() if (text := _text(item)))
    return "" if value is None else str(value)


def _size(size: int) -> str:
    if not size:
        return "unknown"
    number, unit, _ = bytes_text(size)
    return f"{number} {unit}"
