"""Plans for ``convbench verify`` and ``convbench tune``: each layer once."""

from __future__ import annotations

from dataclasses import replace

from harness.devices.base import Identity
from harness.measure.clusters import Target
from harness.measure.planning import builds_of, cluster_jobs, extended, run_line
from harness.measure.request import Request
from harness.model.memory import MEMORY_BYTES
from harness.plan.planfile import MeasureLine, Plan, render


def verify_deadline_s(request: Request, identity: Identity) -> int:
    """Seconds after which ``convbench verify`` ends by itself: several times what a slow core takes."""
    return extended(300 + 200 * len(request.layers), identity)


def tune_deadline_s(request: Request, identity: Identity, budget_s: float) -> int:
    """Seconds after which ``convbench tune`` ends by itself; ``budget_s`` is a layer's."""
    return extended(120 + round(len(request.layers) * (3 * budget_s + 20)), identity)


def once_plan(request: Request, target: Target, run_id: str, program: str, deadline_s: int, budget_s: float = 1) -> str:
    """The plan's text; ``program``: its path on the device, ``budget_s``: seconds for each layer (tune alone)."""
    once = request.policy.model_copy(update={"launches": 1, "rounds": 1, "cache": ("hot",)})
    variants, jobs = cluster_jobs(replace(request, policy=once), target.cluster.label, "")
    run = run_line(run_id, target, 1, deadline_s)
    measure = MeasureLine(1, budget_s, MEMORY_BYTES, worker_timeout_s=3600)
    return render(Plan(run, measure, builds_of(request, program), variants, request.layers, jobs))
