"""The plan that convbench reads: text lines of ``key=value`` fields, values percent-encoded."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

from harness.model.layer import Layer
from harness.model.variant import is_foreign
from harness.plan.jobs import Job, PlannedVariant

FIRST_LINE = "convbench-plan 2"

Field = tuple[str, "str | int | float"]


@dataclass(frozen=True)
class RunLine:
    """Which run this is and where: ``cluster`` its CPUs (``4-7``), ``cpu`` the measured one; deadline in seconds.

    ``cpus``: those of variants of several threads, ``cpu`` among them; empty: there is none.
    """

    id: str
    cluster: str
    attempt: int
    cpu: int
    deadline_s: int
    tool: str
    conductor_cpus: str = ""
    cpus: str = ""


@dataclass(frozen=True)
class MeasureLine:
    """How to measure. ``budget_s``: of a layer over all launches, of which each gets its share of ``launches``.

    ``duty``: the share of the time that rounds take; pauses take the rest. ``fill``: rounds go on until the
    budget is spent; else none begins that would not fit into it. ``launches`` 0: as many as the plan's jobs
    have; a plan for what was left of a run names the run's. ``llc_bytes`` 0: as the device's sysfs says.
    ``memory_bytes``: less where the device has less.
    """

    min_ns: int
    budget_s: float
    memory_bytes: int = 512 << 20
    settle_ms: int = 50
    settle_cold_ms: int = 500
    worker_timeout_s: int = 60
    llc_bytes: int = 0
    launches: int = 0
    duty: float = 1.0
    fill: bool = False


@dataclass(frozen=True)
class GateLine:
    """The wait for a cool device before each launch; temperatures in degrees C.

    ``plateau_c``: where the device rests today; None: the first gate learns it, when the temperature falls by less than
    ``slope_c`` from half to half of ``window_s``, or by less than ``look_c`` in ``look_s`` where the clock under load
    is the cool one: ``cool_mhz``, as this run has seen it, or ``hint_mhz``, as earlier ones have. ``baseline_c``: the
    hottest plateau of earlier runs, for the record. ``share``: of the run's time that gates may take, 1: no bound;
    ``launch_s``: what the first launch takes, about; ``credit_s``: what gates of other clusters left of their share.
    ``clock``: ``system`` where the probe of it would tell another machine's, that of an emulator.
    """

    kind: Literal["file", "battery", "none"] = "none"
    source: str = ""
    path: str = ""
    scale: float = 1.0
    plateau_c: float | None = None
    baseline_c: float | None = None
    tolerance_c: float = 1.0
    cap_s: float = 120.0
    window_s: float = 15.0
    slope_c: float = 0.2
    look_s: float = 4.0
    look_c: float = 0.1
    cool_mhz: float | None = None
    hint_mhz: float | None = None
    share: float = 1.0
    launch_s: float = 0.0
    credit_s: float = 0.0
    clock: Literal["probe", "system"] = "probe"


@dataclass(frozen=True)
class WatchLine:
    """A file to read: ``freq`` (kHz) between samples, ``temp`` (degrees C after ``scale``) between rounds.

    ``states``: cpufreq's time_in_state, around each round. ``text``: as it stands there, between rounds.
    """

    kind: Literal["freq", "temp", "states", "text"]
    name: str
    path: str
    scale: float = 1.0


@dataclass(frozen=True)
class AskLine:
    """A program whose output is on record at each launch, at the end, and between jobs every ``every_s`` seconds.

    ``keep``: of its output the first line that begins with each of these. No comma in any of them.
    """

    name: str
    argv: tuple[str, ...]
    keep: tuple[str, ...]
    every_s: float = 10.0


@dataclass(frozen=True)
class BuildLine:
    """A program on the device; ``name`` empty: recorded under its build id. ``foreign``: somebody else's, so named.

    ``absent``: why that of somebody else is not there (``exe`` is empty then): its variants are skipped with it.
    """

    index: int
    exe: str
    name: str = ""
    foreign: bool = False
    absent: str = ""


@dataclass(frozen=True)
class KnownLine:
    """What an earlier part of the run settled of a variant on a layer: its ``calls`` a sample (0: not yet).

    ``excluded``: it is never tried, since it crashed, hung or is too short for its cache mode.
    """

    layer: str
    variant: int
    calls: int = 0
    excluded: bool = False


@dataclass(frozen=True)
class Plan:
    """Everything one run of convbench does: one device, one cluster, one attempt."""

    run: RunLine
    measure: MeasureLine
    builds: Sequence[BuildLine]
    variants: Sequence[PlannedVariant]
    layers: Sequence[Layer]
    jobs: Sequence[Job]
    gate: GateLine = field(default_factory=GateLine)
    watches: Sequence[WatchLine] = ()
    asks: Sequence[AskLine] = ()
    max_khz: int | None = None
    known: Sequence[KnownLine] = ()
    tuned: str = ""  # a tuned table on the device


def render(plan: Plan) -> str:
    """The plan as text, ending in a newline. Raises ValueError for a job of a layer or variant that is not in it."""
    _check(plan)
    lines = [FIRST_LINE, _run(plan.run), _measure(plan.measure, plan.jobs), _gate(plan.gate)]
    lines += [_watch(watch) for watch in plan.watches]
    lines += [_ask(ask) for ask in plan.asks]
    if plan.max_khz:
        lines.append(_line("max_khz", ("khz", plan.max_khz)))
    if plan.tuned:
        lines.append(_line("tuned", ("path", plan.tuned)))
    lines += [_build(build) for build in plan.builds]
    lines += [_variant(variant) for variant in plan.variants]
    lines += [_layer(layer) for layer in plan.layers]
    lines += [_known(known) for known in plan.known]
    lines += [_job(job) for job in plan.jobs]
    return "\n".join(lines) + "\n"


def encode(value: str) -> str:
    """Percent-encodes what would end a field: space, %, control characters (as UTF-8 bytes)."""
    return "".join(
        "".join(f"%{byte:02X}" for byte in char.encode("utf-8", "replace"))
        if char in " %" or not char.isprintable()
        else char
        for char in value
    )


def _line(word: str, *fields: Field) -> str:
    return " ".join([word, *(f"{key}={_text(value)}" for key, value in fields)])


def _text(value: str | float) -> str:
    if isinstance(value, str):
        return encode(value)
    if isinstance(value, float):
        if math.isinf(value):
            return "inf" if value > 0 else "-inf"
        return str(int(value)) if value == int(value) and abs(value) < 1e15 else repr(value)
    return str(value)


def _run(run: RunLine) -> str:
    cpus: list[Field] = [("cpus", run.cpus)] if run.cpus else []
    return _line(
        "run",
        ("id", run.id),
        ("cluster", run.cluster),
        ("attempt", run.attempt),
        ("cpu", run.cpu),
        *cpus,
        ("conductor_cpus", run.conductor_cpus),
        ("deadline_s", run.deadline_s),
        ("tool", run.tool),
    )


def _measure(measure: MeasureLine, jobs: Sequence[Job]) -> str:
    return _line(
        "measure",
        ("min_ns", measure.min_ns),
        ("budget_s", measure.budget_s),
        ("launches", measure.launches or max(1, len({job.launch for job in jobs}))),
        ("memory_bytes", measure.memory_bytes),
        ("settle_ms", measure.settle_ms),
        ("settle_cold_ms", measure.settle_cold_ms),
        ("worker_timeout_s", measure.worker_timeout_s),
        ("llc_bytes", measure.llc_bytes),
        ("duty", measure.duty),
        ("fill", int(measure.fill)),
    )


def _or_unknown(value: float | None) -> float | str:
    return "unknown" if value is None else value


def _gate(gate: GateLine) -> str:
    clock: list[Field] = [("clock", gate.clock)] if gate.clock != "probe" else []
    return _line(
        "gate",
        ("source", gate.source),
        ("kind", gate.kind),
        ("path", gate.path),
        ("scale", gate.scale),
        ("plateau_c", _or_unknown(gate.plateau_c)),
        ("baseline_c", _or_unknown(gate.baseline_c)),
        ("tolerance_c", gate.tolerance_c),
        ("cap_s", gate.cap_s),
        ("window_s", gate.window_s),
        ("slope_c", gate.slope_c),
        ("look_s", gate.look_s),
        ("look_c", gate.look_c),
        ("cool_mhz", _or_unknown(gate.cool_mhz)),
        ("hint_mhz", _or_unknown(gate.hint_mhz)),
        ("share", gate.share),
        ("launch_s", gate.launch_s),
        ("credit_s", gate.credit_s),
        *clock,
    )


def _watch(watch: WatchLine) -> str:
    fields: list[Field] = [("kind", watch.kind), ("name", watch.name), ("path", watch.path)]
    if watch.kind == "temp":
        fields.append(("scale", watch.scale))
    return _line("watch", *fields)


def _ask(ask: AskLine) -> str:
    argv, keep = (",".join(words) for words in (ask.argv, ask.keep))
    return _line("ask", ("name", ask.name), ("argv", argv), ("keep", keep), ("every_s", ask.every_s))


def _build(build: BuildLine) -> str:
    absent: list[Field] = [("absent", build.absent)] if build.absent else []
    exe, foreign = ("exe", build.exe), ("foreign", int(build.foreign))
    return _line("build", ("index", build.index), exe, ("name", build.name), foreign, *absent)


def _variant(variant: PlannedVariant) -> str:
    placement: list[Field] = [("placement", "shared")] if variant.shares_placement else []
    return _line(
        "variant",
        ("index", variant.index),
        ("algorithm", variant.asked.algorithm),
        ("schedule", variant.asked.schedule),
        ("face", variant.asked.face),
        ("build", variant.build),
        ("cache", variant.cache),
        ("threads", variant.threads),
        ("label", variant.label),
        *placement,
    )


def _layer(layer: Layer) -> str:
    top, right, bottom, left = layer.pad
    return _line(
        "layer",
        ("name", layer.name),
        ("type", layer.type),
        ("layout", layer.layout),
        ("h", layer.h),
        ("w", layer.w),
        ("kh", layer.kh),
        ("kw", layer.kw),
        ("pt", top),
        ("pr", right),
        ("pb", bottom),
        ("pl", left),
        ("sh", layer.stride[0]),
        ("sw", layer.stride[1]),
        ("dh", layer.dilation[0]),
        ("dw", layer.dilation[1]),
        ("groups", layer.groups),
        ("batch", layer.batch),
        ("cin", layer.cin),
        ("cout", layer.cout),
        ("min", float(layer.min)),
        ("max", float(layer.max)),
    )


def _known(known: KnownLine) -> str:
    excluded = int(known.excluded)
    return _line(
        "known", ("layer", known.layer), ("variant", known.variant), ("calls", known.calls), ("excluded", excluded)
    )


def _job(job: Job) -> str:
    return _line(
        "job",
        ("launch", job.launch),
        ("layer", job.layer),
        ("seed", job.seed),
        ("rounds", job.rounds),
        ("variants", ",".join(map(str, job.variants))),
        ("done", ",".join(f"{r}.{p}" for r, p in job.done)),
        ("first_round", job.first_round),
    )


def _check(plan: Plan) -> None:
    layers = {layer.name for layer in plan.layers}
    variants = {variant.index for variant in plan.variants}
    builds = {build.index for build in plan.builds}
    for job in plan.jobs:
        if job.layer not in layers or not variants.issuperset(job.variants):
            raise ValueError(f"a job names a layer or variant that the plan lacks: {job}")
    if not builds.issuperset(variant.build for variant in plan.variants):
        raise ValueError("a variant names a build that the plan lacks")
    names = {build.index: build.name if build.foreign else "" for build in plan.builds}
    for variant in plan.variants:
        if (variant.asked.algorithm if is_foreign(variant.asked.algorithm) else "") != names[variant.build]:
            raise ValueError(f"not the program of {variant.asked.name}: {names[variant.build] or 'ours'}")
