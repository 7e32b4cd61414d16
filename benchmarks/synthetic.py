"""Makes whole run directories with chosen true ratios: manifest, plan, devices and records. For tests, too."""

from __future__ import annotations

import json
import math
import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from harness.devices.base import parse_cpus
from harness.model.condition import Condition
from harness.model.variant import copy_name
from harness.store.journal import EventLog

RUN = "20261121-120000-quick"
BUILD = "0123456789ab"
KERNEL = "neon_8x8"
PEAK = 16.0  # FLOP per cycle
STEADY = 8.0  # of the probe beside samples, of vectors that may be narrower
MIN_NS = 12e6  # of a window, about
ASKED_BEST = ["im2col/best", "direct/best", "indirect/best", "auto"]
BEST = 0.8  # a best variant's true time over its published one's


def layer(name: str, size: int, k: int, cin: int, cout: int, stride: int = 1, groups: int = 1) -> dict[str, Any]:
    """A layer as the manifest holds it: square, padded to keep its size."""
    pad = (k - 1) // 2
    return {
        "name": name,
        **{"h": size, "w": size, "kh": k, "kw": k, "cin": cin, "cout": cout, "groups": groups, "batch": 1, "count": 1},
        **{"pad": [pad] * 4, "stride": [stride, stride], "dilation": [1, 1], "min": None, "max": None},
    }


LAYERS = (
    layer("conv1_7x7s2", 224, 7, 3, 64, stride=2),
    layer("conv2_3x3", 56, 3, 64, 64),
    layer("conv3_down_3x3s2", 56, 3, 64, 128, stride=2),
    layer("conv4_3x3", 14, 3, 256, 256),
    layer("conv3_proj_1x1s2", 56, 1, 64, 128, stride=2),
    layer("conv4_proj_1x1s2", 28, 1, 128, 256, stride=2),
    layer("fire2_squeeze_1x1", 55, 1, 96, 16),
    layer("fire4_expand_1x1", 27, 1, 32, 128),
    layer("fire9_squeeze_1x1", 13, 1, 512, 64),
    layer("depthwise_3x3", 28, 3, 64, 64, groups=64),
)


@dataclass
class Truth:
    """True times relative to indirect's, by category: over 1, indirect is faster."""

    im2col: Mapping[str, float] = field(default_factory=lambda: {"larger": 1.31, "1x1s2": 1.12, "1x1s1": 0.97})
    direct: float = 0.96
    spread: float = 0.06  # between layers
    launch_sd: float = 0.01
    noise_sd: float = 0.01


@dataclass(frozen=True)
class Other:
    """Another build of the library in the same rounds; ``times``: its true times over the run's own, by algorithm."""

    name: str = "HEAD~1"
    build: str = "ba9876543210"
    times: Mapping[str, float] = field(default_factory=dict)


@dataclass
class Phone:
    """A device of a run, and what is true of it."""

    name: str = "pixel-3"
    model: str = "Pixel 3"
    serial: str = "8A9X0SERIAL"
    soc: str = "SDM845"
    emulated: bool = False
    clusters: Sequence[tuple[str, str, int]] = (("0-3", "Cortex-A55", 1766), ("4-7", "Cortex-A75", 2803))
    truth: Truth = field(default_factory=Truth)
    kind: str = "adb"
    drift: float = 0.08  # the clock sinks by so much over the run
    caps: bool = False  # heat gates that hit their cap, capped settling, context switches
    faces: bool = False  # face best beside published
    aa: float | None = None  # indirect is measured twice; the true time of the second over the first's
    conditions: Sequence[Condition] = ()  # that it is stamped with
    threads: Sequence[int] = (1,)  # that share a call, where a cluster has so many CPUs
    others: Sequence[Other] = ()  # builds beside the run's own
    further: Mapping[str, float] = field(default_factory=dict)  # true times of further methods over indirect's
    nice: int | None = -10  # of workers; None: the records do not tell it


@dataclass(frozen=True)
class Way:
    """A variant: what ran, and its name."""

    algorithm: str
    schedule: str = KERNEL
    face: str = "published"
    auto: bool = False
    copy: bool = False  # the second one of an A/A pair
    threads: int = 1
    build: str = BUILD
    times: float = 1.0  # its true time over the same of the run's own build

    @property
    def variant(self) -> str:
        if self.copy:
            return copy_name(self.asked)
        if self.auto:
            return f"auto/{self.algorithm}_{self.schedule}"
        plain = self.face == "best" and "+" not in self.schedule
        return f"{self.algorithm}/{self.schedule}{'+best' if plain else ''}"

    @property
    def is_turned(self) -> bool:
        """Whether its layout is not the layers'."""
        return self.algorithm.endswith("-nchw")

    @property
    def asked(self) -> str:
        if self.auto:
            return "auto"
        return f"{self.algorithm}/best" if self.face == "best" else self.algorithm

    def fields(self, cache: str = "") -> dict[str, Any]:
        """What records of it say of it."""
        return {
            **{"variant": self.variant, "asked": self.asked, "algorithm": self.algorithm, "method": "tiled"},
            **{"kernel": self.schedule.partition("+")[0], "schedule": self.schedule, "face": self.face},
            **{
                "element": "f32",
                "layout": "nchw" if self.is_turned else "nhwc",
                "threads": self.threads,
                "build": self.build,
                "cache": cache,
            },
        }

    def asked_fields(self) -> dict[str, Any]:
        """The same where nothing ran."""
        return {**self.fields(), "variant": self.asked, "method": "", "kernel": "", "schedule": ""}


def ways(phone: Phone, kind: str, cluster: str) -> list[Way]:
    """What is measured of a layer of that category on a cluster."""
    point = kind == "1x1s1"
    found = [Way("indirect"), Way("im2col")] + [Way("direct")] * point
    found += [Way(name) for name in phone.further]
    if phone.aa is not None:
        found.append(Way("indirect", copy=True))
    if phone.faces:
        regions = f"{KERNEL}+regions"
        found += [Way("indirect", regions, "best"), Way("im2col", face="best")] + [Way("direct", face="best")] * point
        found.append(Way("direct", face="best", auto=True) if point else Way("indirect", regions, "best", auto=True))
    plain = [way for way in found if not way.copy]
    found += [
        replace(way, build=other.build, times=other.times.get(way.algorithm, 1.0))
        for other in phone.others
        for way in plain
    ]
    counts = [count for count in phone.threads if count <= len(parse_cpus(cluster))]
    return [replace(way, threads=count) for count in counts for way in found]


def category(shape: Mapping[str, Any]) -> str:
    """The category that results are grouped by."""
    if shape["groups"] > 1:
        return "grouped"
    if shape["kh"] > 1:
        return "larger"
    return "1x1s1" if shape["stride"][0] == 1 else "1x1s2"


def make_run(
    path: Path,
    phones: Sequence[Phone] = (Phone(),),
    layers: Sequence[Mapping[str, Any]] = LAYERS,
    launches: int = 8,
    rounds: int = 4,
    caches: Sequence[str] = ("rotate", "hot"),
    seed: int = 1,
    run: str = RUN,
    started: str = "2026-11-21T12:00:00Z",
) -> Path:
    """A complete run directory at ``path``."""
    path.mkdir(parents=True, exist_ok=True)
    manifest: dict[str, Any] = {
        "schema": 2,
        "run": run,
        "suite": {"name": "quick", "layers": list(layers)},
        "policy": {"name": "default", "launches": launches, "rounds": rounds, "min_ms": 10, "cache": list(caches)},
        "algorithms": ["im2col", "indirect", "direct"],
        "threads": sorted({count for phone in phones for count in phone.threads}),
        **{"clusters": None, "abi": None, "toolchain_asked": "auto"},
        "seed": seed,
        "devices": [phone.name for phone in phones],
        "toolchain": {"arm64-v8a": {"toolchain": "zig", "compiler": "clang 20.1.2", "build_id": BUILD + "0" * 28}},
        "git": {"commit": "49e8a82d3c0b4d3ad3b4b8a3c9b1f6c8a7d6e5f4", "dirty": False},
        "host": {"system": "Linux", "machine": "x86_64"},
        "versions": {"harness": "0.2.0", "python": "3.11.7"},
        "status": "done",
        "argv": ["harness", "run", "quick", *[f"--device={phone.serial}" for phone in phones]],
        "started": started,
        "finished": "2026-11-21T12:21:30Z",
        "exit_code": 0,
    }
    others = {other.name: other for phone in phones for other in phone.others}
    if others:
        manifest["against"] = [
            {
                **{"name": other.name, "kind": "revision", "source": "f" * 40},
                "programs": {"arm64-v8a": {"build_id": other.build + "0" * 28, "sha256": "0" * 64}},
            }
            for other in others.values()
        ]
    (path / "manifest.json").write_text(json.dumps(manifest))
    plan: list[dict[str, Any]] = []
    for phone in phones:
        folder = path / "devices" / phone.name
        folder.mkdir(parents=True)
        write_device(folder, phone)
        with (folder / "records.jsonl").open("w") as file:
            for cluster, _, mhz in phone.clusters:
                plan += [
                    {"device": phone.name, "cluster": cluster, "launch": launch, "layer": shape["name"],
                     "variants": ["im2col", "indirect", "direct", *phone.further, *ASKED_BEST * phone.faces], "seed": 1}
                    for launch in range(launches) for shape in layers
                ]  # fmt: skip
                dice = random.Random(seed + mhz)  # noqa: S311  the same run again for the same seed
                stream = records(phone, cluster, mhz, layers, launches, rounds, caches, dice)
                for number, record in enumerate(stream):
                    file.write(json.dumps({"seq": number, **record}) + "\n")
    (path / "plan.jsonl").write_text("".join(json.dumps(line) + "\n" for line in plan))
    return path


def write_device(folder: Path, phone: Phone) -> None:
    """device.json, and the events of its conditions."""
    identity = {
        **{"serial": phone.serial, "kind": phone.kind, "model": phone.model, "manufacturer": "Maker"},
        **{"soc": phone.soc, "android": "12", "sdk": 31, "abis": ["arm64-v8a"], "fingerprint": "maker/p/p:12/X/1"},
        **{"kernel": "4.9.270", "page_size": 4096, "boot_id": "b0", "emulated": phone.emulated, "host": "h:5037"},
    }
    clusters = [
        {"cpus": parse_cpus(cluster), "core": core, "midr": "0x1", "policy": "policy0", "max_khz": mhz * 1000,
         "capacity": mhz, "governor": "schedutil", "label": cluster}
        for cluster, core, mhz in phone.clusters
    ]  # fmt: skip
    device = {
        **{"name": phone.name, "identity": identity, "serial_is_secret": phone.kind == "adb"},
        **{"clusters": clusters, "notes": []},
    }
    (folder / "device.json").write_text(json.dumps(device))
    for condition in phone.conditions:
        EventLog(folder / "events.jsonl").add("condition", **condition.as_json())


def check(way: Way, layer: str) -> dict[str, Any]:
    """The check of a variant whose error is an eighth of its bound."""
    bound = 1.2e-6
    return {
        **{"type": "check", "launch": 0, "layer": layer, **way.fields(), "by": "reference", "outputs": 4096},
        **{"error_over_bound": 0.125, "max_error": bound / 8, "bound": bound, "ok": True},
    }


def records(
    phone: Phone,
    cluster: str,
    mhz: int,
    layers: Sequence[Mapping[str, Any]],
    launches: int,
    rounds: int,
    caches: Sequence[str],
    dice: random.Random,
) -> Iterator[dict[str, Any]]:
    """The records of one run of convbench, without seq."""
    yield {
        **{"type": "header", "version": 2, "run": RUN, "attempt": 1, "cluster": cluster, "cpu": 4},
        **{"build": BUILD, "compiler": "clang 20.1.2", "flags": "-O3 -std=c11", "cpu_features": ["neon", "asimdhp"]},
        "caches": {"l1d": 65536, "l2": 262144, "llc": 2097152, "llc_assumed": phone.caps, "llc_capped": False},
        **{"plan_hash": "ab" * 32, "timer": {"name": "CNTVCT", "tick_ns": 52.08, "cost_ns": 8.0}},
        **{"memory_budget": 536870912, "page_size": 4096, "conductor_pid": 99, "conductor_start_ticks": 1},
        **{"boot_id": "b0", "utc": "2026-11-21T12:00:05Z", "tool_version": "0.2.0"},
    }
    checks = [check(way, shape["name"]) for shape in layers for way in ways(phone, category(shape), cluster)]
    yield from checks if phone.further else ()
    count, t_ns = 1 + len(checks) * bool(phone.further), 0
    for shape in layers:
        for variant in ("indirect", "im2col", "direct"):
            if variant == "direct" and category(shape) != "1x1s1":
                skipped = [Way("direct"), *[Way("direct", face="best")] * phone.faces]
                skipped += [replace(way, build=other.build) for other in phone.others for way in skipped]
                for way in skipped:
                    yield {
                        **{"type": "skip", "layer": shape["name"], **way.asked_fields()},
                        "reason": "direct covers 1x1 stride 1 without padding or groups only",
                    }
                    count += 1
    own = {shape["name"]: math.exp(dice.gauss(0, phone.truth.spread)) for shape in layers}
    for launch in range(launches):
        pid = 1000 + launch
        capped = phone.caps and launch % 3 == 1
        yield {
            **{"type": "gate", "launch": launch, "status": "capped" if capped else "passed", "source": "zone:cpu-1-0"},
            **{
                "from": 41.2,
                "to": 38.5 if capped else 32.0,
                "baseline": 31.2,
                "tolerance_c": 1.0,
                "waited_s": 17.5,
                "capped": capped,
            },
        }
        yield {
            **{"type": "worker", "launch": launch, "build": BUILD, "pid": pid, "cpus": cluster[-1], "nice": phone.nice},
            "clock": {"available": not phone.emulated, "reason": "", "mhz": mhz},
            "peak": {"isa": "neon", "ok": not phone.emulated, "flop_per_cycle": PEAK, "fmas_per_cycle": 2.0},
        }
        count += 2
        effects = {name: dice.gauss(0, phone.truth.launch_sd) for name in ("im2col", "direct")}
        for shape in layers:
            kind = category(shape)
            out = -(-shape["h"] // shape["stride"][0])
            taps = shape["kh"] ** 2
            flop = 2 * out**2 * taps * shape["cin"] * shape["cout"] // shape["groups"]
            base = flop / (PEAK * mhz / 1000 * (0.02 if kind == "grouped" else 0.82))
            need = 4 * out**2 * taps * shape["cin"] if kind != "1x1s1" else 0
            measured = ways(phone, kind, cluster)
            for way in measured:
                name = way.algorithm
                pointers = 8 * (-(-(out**2) // 8) * 8) * taps if name == "indirect" else 0
                yield {
                    **{"type": "layer", "launch": launch, "layer": shape["name"], **way.fields()},
                    **{"input_bytes": 1, "output_bytes": 1},
                    **{"weights_bytes": 1, "pointer_bytes": pointers, "padding_bytes": 64, "object_bytes": 512},
                    **{"matrix_bytes": need if name == "im2col" else 0, "create_ns": 51000.0, "reshape_ns": 9000.0},
                }
                count += 1
            for round_ in range(rounds):
                drift = 1 + phone.drift * (launch * rounds + round_) / (launches * rounds)
                order = [(way, cache) for way in measured for cache in caches]
                dice.shuffle(order)
                for position, (way, cache) in enumerate(order):
                    name = way.algorithm
                    copied = phone.truth.im2col.get(kind, 1.2) * own[shape["name"]]
                    known = {"indirect": 1.0, "direct": phone.truth.direct, **phone.further}
                    slower = known.get(name, copied)
                    slower *= BEST if way.face == "best" else (phone.aa or 1) if way.copy else 1
                    slower *= way.times / way.threads
                    noise = math.exp(effects.get(name, 0.0) + dice.gauss(0, phone.truth.noise_sd))
                    ns = base * slower * drift * noise * (1.15 if cache == "rotate" else 1)
                    calls = math.ceil(MIN_NS / base * way.threads)
                    t_ns += int(ns * calls)
                    clock = None if phone.emulated else mhz / drift
                    addresses = {"input": hex(dice.randrange(1 << 20) << 12), "output": hex(dice.randrange(1 << 20))}
                    copy_ns = need / 8.0 if name == "im2col" and need else None
                    addresses |= {
                        "weights": hex(t_ns << 8),
                        "pointers": hex(t_ns << 9) if name == "indirect" else "",
                        "matrix": hex(t_ns << 10) if copy_ns else "",
                    }
                    yield {
                        **{"type": "sample", "launch": launch, "round": round_, "position": position},
                        **{"layer": shape["name"], **way.fields(cache)},
                        **{"calls": calls, "ns": ns, "settle_ns": 2e6, "pid": pid},
                        **{"copies": 1 if cache == "hot" else 4, "copy_ns": copy_ns, "repinned": 0},
                        **{"window_ns": calls * ns, "window_short": False},
                        **({"to_nchw_ns": 4000.0, "to_nhwc_ns": 6000.0} if way.is_turned else {}),
                        "settle_capped": phone.caps and dice.random() < 0.1,
                        **{"mhz_before": clock, "mhz_after": clock, "cpu_before": 4, "cpu_after": 4, "faults": 0},
                        **{"nivcsw": int(phone.caps and dice.random() < 0.03), "t_ns": t_ns, "addresses": addresses},
                        **{"cpu_ns": (calls + 1) * ns, "span_ns": (calls + 1) * ns + 3e3, "probe_ns": 2.4e5},
                        **dict.fromkeys(("gflops_before", "gflops_after"), clock and STEADY * clock / 1e3),
                        **dict.fromkeys(("gbps_before", "gbps_after"), 12.5),
                    }
                    count += 1
            yield {
                **{"type": "job", "launch": launch, "layer": shape["name"], "rounds": rounds},
                **{"rounds_planned": rounds, "complete": True, "elapsed_s": 1.0},
            }
            count += 1
    yield {"type": "end", "records": count + 1, "reason": "done"}
