"""The plan of one attempt at one cluster: what is still to measure, in convbench's format."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from harness import __version__
from harness.control.heat import HeatSource, Rest
from harness.devices.base import Identity, format_cpus
from harness.measure.clusters import Target
from harness.measure.request import Request
from harness.plan.jobs import Job, Variant, estimate_s, latest_s, make_jobs, make_variants
from harness.plan.known import known_lines
from harness.plan.planfile import BuildLine, GateLine, KnownLine, MeasureLine, Plan, RunLine, WatchLine, render
from harness.plan.remaining import Measured, remaining
from harness.store.progress import Done

_MEMORY_BYTES = 768 << 20
_LOCAL_QUICK_CAP_S = 3.0
# An emulated core is 40 to 200 times slower, but most of a plan's time are budgets and waits that do not grow with it;
# what does grow (checks, creating, one sample at least per variant) fits into this many times the deadline.
_EMULATED_SLOWNESS = 6


@dataclass(frozen=True)
class ClusterPlan:
    """Jobs of one cluster that are still to do, and the number of this attempt (from 1)."""

    request: Request
    target: Target
    attempt: int
    variants: tuple[Variant, ...]
    jobs: tuple[Job, ...]
    blocks: int  # launches x layers in all
    blocks_done: int
    known: tuple[KnownLine, ...] = ()  # from earlier attempts

    def seconds(self) -> float:
        """About how long the jobs take."""
        return estimate_s(self.jobs, self.request.layers, self.request.policy)

    def deadline_s(self, identity: Identity) -> int:
        """Seconds after which convbench ends by itself, whatever is still to do."""
        latest = latest_s(self.jobs, self.request.policy, gate_cap_s=self._gate_cap_s(identity))
        return latest * (_EMULATED_SLOWNESS if identity.emulated else 1)

    def render(
        self,
        identity: Identity,
        run_id: str,
        program: str,
        source: HeatSource,
        zones: dict[str, HeatSource],
        rest: Rest,
        tuned: str = "",
    ) -> str:
        """The plan file's text. ``rest``: at which temperature the device rests; ``tuned``: a table on the device."""
        policy = self.request.policy
        gate = self._gate(identity, source, rest)
        run = self._run_line(run_id, self.deadline_s(identity))
        measure = MeasureLine(int(policy.min_ms * 1e6), policy.block_budget_s, _MEMORY_BYTES, launches=policy.launches)
        return render(
            Plan(
                run,
                measure,
                [BuildLine(0, program)],
                self.variants,
                self._layers(),
                self.jobs,
                gate,
                self._watches(zones),
                self.target.cluster.max_khz or None,
                self.known,
                tuned,
            )
        )

    def _run_line(self, run_id: str, deadline_s: int) -> RunLine:
        target = self.target
        conductor = format_cpus(target.conductor)
        return RunLine(run_id, target.cluster.label, self.attempt, target.cpu, deadline_s, __version__, conductor)

    def _gate_cap_s(self, identity: Identity) -> float:
        policy = self.request.policy
        quick = identity.kind == "local" and policy.name == "quick"
        return min(policy.gate_cap_s, _LOCAL_QUICK_CAP_S) if quick else policy.gate_cap_s

    def _gate(self, identity: Identity, source: HeatSource, rest: Rest) -> GateLine:
        cap_s = self._gate_cap_s(identity)
        kind = source.kind
        if kind not in ("file", "battery"):
            return GateLine(cap_s=cap_s)
        return GateLine(
            kind="file" if kind == "file" else "battery",
            source=source.name,
            path=source.path,
            scale=source.scale,
            plateau_c=rest.today_c,
            baseline_c=rest.hottest_c,
            tolerance_c=self.request.policy.gate_tolerance_c,
            cap_s=cap_s,
        )

    def _watches(self, zones: dict[str, HeatSource]) -> list[WatchLine]:
        policy = self.target.cluster.policy
        folder = f"/sys/devices/system/cpu/cpufreq/{policy}"
        watches: list[WatchLine] = []
        if policy:
            watches = [
                WatchLine("freq", f"{policy}/{leaf}", f"{folder}/{leaf}")
                for leaf in ("scaling_cur_freq", "scaling_max_freq")
            ]
        return watches + [WatchLine("temp", zone.name, zone.path, zone.scale) for zone in zones.values()]

    def _layers(self) -> list[Any]:
        wanted = {job.layer for job in self.jobs}
        return [layer for layer in self.request.layers if layer.name in wanted]


def cluster_jobs(request: Request, label: str, device: str) -> tuple[tuple[Variant, ...], list[Job]]:
    """All jobs of a cluster, and the variants that each of them has. Pure."""
    variants = make_variants(request.algorithms, request.policy.cache, faces=request.faces)
    return variants, make_jobs(request.layers, request.policy, request.seed, label, variants, device)


def make_plan(request: Request, target: Target, done: Done, device: str = "") -> ClusterPlan:
    """What is missing of a cluster's jobs. Pure."""
    variants, jobs = cluster_jobs(request, target.cluster.label, device)
    left = remaining(jobs, Measured(done.blocks, done.samples, done.rounds))
    known = known_lines(dict.fromkeys(job.layer for job in left), variants, done.calls, done.out)
    return ClusterPlan(
        request, target, done.attempts + 1, variants, tuple(left), len(jobs), len(jobs) - len(left), tuple(known)
    )


def planned_lines(device: str, label: str, request: Request) -> list[dict[str, Any]]:
    """All jobs of a cluster as lines of plan.jsonl."""
    variants, jobs = cluster_jobs(request, label, device)
    asked = list(dict.fromkeys(variant.asked for variant in variants))
    return [
        {
            "device": device,
            "cluster": label,
            "launch": job.launch,
            "layer": job.layer,
            "variants": asked,
            "seed": job.seed,
        }
        for job in jobs
    ]


def verify_deadline_s(request: Request, identity: Identity) -> int:
    """Seconds after which ``convbench verify`` ends by itself: several times what a slow core takes."""
    return (300 + 200 * len(request.layers)) * (_EMULATED_SLOWNESS if identity.emulated else 1)


def tune_deadline_s(request: Request, identity: Identity, budget_s: float) -> int:
    """Seconds after which ``convbench tune`` ends by itself; ``budget_s`` is a layer's."""
    return (120 + round(len(request.layers) * (3 * budget_s + 20))) * (_EMULATED_SLOWNESS if identity.emulated else 1)


def verify_plan(
    request: Request, target: Target, run_id: str, program: str, deadline_s: int, budget_s: float = 1
) -> str:
    """A plan for ``convbench verify`` or, with seconds for each layer, ``convbench tune``: each layer once."""
    once = request.policy.model_copy(update={"launches": 1, "rounds": 1, "cache": ("hot",)})
    whole = make_plan(replace(request, policy=once), target, Done())
    run = RunLine(run_id, target.cluster.label, 1, target.cpu, deadline_s, __version__, format_cpus(target.conductor))
    measure = MeasureLine(1, budget_s, _MEMORY_BYTES, worker_timeout_s=3600)
    return render(Plan(run, measure, [BuildLine(0, program)], whole.variants, request.layers, whole.jobs))
