"""The plan of one attempt at one cluster: what is still to measure, in convbench's format."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any

from harness.control.heat import Heat
from harness.control.sources import NO_SOURCES, Sources
from harness.devices.base import Identity
from harness.measure.clusters import Target
from harness.measure.planning import builds_of, cluster_jobs, extended, measured, names_of_builds, run_line
from harness.measure.request import Request
from harness.model.memory import MEMORY_BYTES
from harness.model.other_build import CHECKOUT
from harness.model.phone_state import LINES
from harness.model.sustained import SUSTAINED
from harness.plan.jobs import Job, PlannedVariant, estimate_s, latest_s
from harness.plan.known import known_lines
from harness.plan.planfile import AskLine, GateLine, KnownLine, MeasureLine, Plan, WatchLine, render
from harness.plan.remaining import remaining
from harness.plan.series import latest_series_s, series_s
from harness.store.progress import Done


@dataclass(frozen=True)
class ClusterPlan:
    """Jobs of one cluster that are still to do, and the number of this attempt (from 1)."""

    request: Request
    target: Target
    attempt: int
    variants: tuple[PlannedVariant, ...]
    jobs: tuple[Job, ...]
    planned: int  # launches x layers in all
    done: int  # of them
    known: tuple[KnownLine, ...] = ()  # from earlier attempts
    share: float = 1.0  # of the policy's budget that it may take

    def seconds(self) -> float:
        """About how long the jobs take."""
        if self._is_sustained:
            return series_s(self.jobs, self.request.policy)
        return estimate_s(self.jobs, self.request.layers, self.request.budgeted)

    def deadline_s(self, identity: Identity) -> int:
        """Seconds after which convbench ends by itself, whatever is still to do."""
        latest = latest_series_s if self._is_sustained else latest_s
        seconds = latest(self.jobs, self.request.budgeted, gate_cap_s=self._gate_cap_s(identity))
        return extended(seconds + self._hanging_s(), identity)

    def _hanging_s(self) -> int:
        """What workers of somebody else's cost that hang on every layer, in every cache mode."""
        ways = len(self._layers()) * len(self.request.policy.cache)
        return ways * len(self.request.workers) * MeasureLine.worker_timeout_s

    def render(
        self,
        identity: Identity,
        run_id: str,
        program: str,
        heat: Heat,
        tuned: str = "",
        sources: Sources = NO_SOURCES,
        others: Sequence[str] = (),
    ) -> str:
        """The plan file's text. ``program`` and ``tuned`` (a table, or "") are paths on the device.

        ``sources``: those that tell nothing are not asked. ``others``: the builds of the request's ``against`` there.
        """
        policy = self.request.budgeted
        run = run_line(run_id, self.target, self.attempt, self.deadline_s(identity), self.variants)
        measure = MeasureLine(
            int(policy.min_ms * 1e6),
            self.share * policy.block_budget_s,
            MEMORY_BYTES,
            settle_cold_ms=_settle_cold_ms(identity),
            launches=policy.budgeted_launches,
            duty=policy.sustained.duty if self._is_sustained else 1.0,
            fill=self._is_sustained,
        )
        return render(
            Plan(
                run,
                measure,
                builds_of(self.request, program, others),
                self.variants,
                self._layers(),
                self.jobs,
                self._gate(identity, heat),
                self._watches(heat, sources),
                self._asks(identity, sources),
                self.target.cluster.max_khz or None,
                self.known,
                tuned,
            )
        )

    @property
    def _is_sustained(self) -> bool:
        return self.request.mode == SUSTAINED

    def _gate_cap_s(self, identity: Identity) -> float:
        policy = self.request.policy
        here = policy.gate_cap_local_s if identity.capabilities.is_measured_alone else None
        return policy.gate_cap_s if here is None else min(policy.gate_cap_s, here)

    def _gate(self, identity: Identity, heat: Heat) -> GateLine:
        policy, source, rest, label = self.request.policy, heat.source, heat.rest, self.target.cluster.label
        always = GateLine(
            cap_s=self._gate_cap_s(identity),
            cool_mhz=heat.cool_mhz.get(label),
            hint_mhz=heat.hint_mhz.get(label),
            share=policy.gate_share,
            launch_s=round(self.seconds() / max(1, len({job.launch for job in self.jobs})), 3),
            credit_s=round(heat.credit_s(policy.gate_share), 3),
            clock="system" if identity.emulated else "probe",  # emulated chains may look as if at the host's clock
        )
        if not heat.is_known:
            return always
        return replace(
            always,
            kind="file" if source.kind == "file" else "battery",
            source=source.name,
            path=source.path,
            scale=source.scale,
            plateau_c=rest.today_c,
            baseline_c=rest.hottest_c,
            tolerance_c=policy.gate_tolerance_c,
        )

    def _asks(self, identity: Identity, sources: Sources) -> list[AskLine]:
        services = LINES if identity.capabilities.has_settings else {}
        return [AskLine(n, ("dumpsys", n), keep) for n, keep in services.items() if not sources.lacks(n)]

    def _watches(self, heat: Heat, sources: Sources) -> list[WatchLine]:
        policy = self.target.cluster.policy
        folder = f"/sys/devices/system/cpu/cpufreq/{policy}"
        watches: list[WatchLine] = []
        if policy:
            watches = [
                WatchLine("freq", f"{policy}/{leaf}", f"{folder}/{leaf}")
                for leaf in ("scaling_cur_freq", "scaling_max_freq")
            ]
            states = f"{policy}/time_in_state"
            if not sources.lacks(states):
                watches.append(WatchLine("states", states, f"{folder}/stats/time_in_state"))
        watches += [WatchLine("temp", zone.name, zone.path, zone.scale) for zone in heat.zones.values()]
        return watches + [WatchLine("text", name, path) for name, path in heat.power.items()]

    def _layers(self) -> list[Any]:
        wanted = {job.layer for job in self.jobs}
        return [layer for layer in self.request.layers if layer.name in wanted]


def make_plan(
    request: Request, target: Target, done: Done, device: str = "", further: Mapping[str, int] = MappingProxyType({})
) -> ClusterPlan:
    """What is missing of a cluster's jobs. Pure.

    ``further``: the launches of layers that have more than the policy's.
    """
    variants, jobs = cluster_jobs(request, target.cluster.label, device, further)
    left = remaining(jobs, measured(done))
    known = known_of(request, left, variants, done)
    return ClusterPlan(
        request, target, done.attempts + 1, variants, tuple(left), len(jobs), len(jobs) - len(left), known
    )


def known_of(
    request: Request, jobs: Sequence[Job], variants: Sequence[PlannedVariant], done: Done
) -> tuple[KnownLine, ...]:
    """What is on record of the variants on the jobs' layers. Pure."""
    layers, builds = dict.fromkeys(job.layer for job in jobs), names_of_builds(request)
    return tuple(known_lines(layers, variants, done.calls, done.excluded, builds))


def planned_lines(
    device: str,
    label: str,
    request: Request,
    further: Mapping[str, int] = MappingProxyType({}),
    planned: Mapping[str, int] = MappingProxyType({}),
) -> list[dict[str, Any]]:
    """All jobs of a cluster as lines of plan.jsonl.

    ``further``: as for ``make_plan``. ``planned``: of layers, the launches that have their lines there already.
    """
    variants, jobs = cluster_jobs(request, label, device, further)
    return [
        {
            "device": device,
            "cluster": label,
            "launch": job.launch,
            "layer": job.layer,
            "variants": list(dict.fromkeys(variants[n].label or variants[n].asked.name for n in job.variants)),
            "threads": sorted({variants[n].threads for n in job.variants}),
            **({"builds": [CHECKOUT, *(other.name for other in request.against)]} if request.against else {}),
            "seed": job.seed,
        }
        for job in jobs
        if job.launch >= planned.get(job.layer, 0)
    ]


def _settle_cold_ms(identity: Identity) -> int:
    """An emulated CPU has no clock that rises under load: each sample would take all of the time for it."""
    return MeasureLine.settle_ms if identity.emulated else MeasureLine.settle_cold_ms
