"""``--dry-run``: the jobs of a run and the time they may take, without touching a device's files."""

from __future__ import annotations

from typing import Any

from harness.measure.called import named
from harness.measure.campaign import check_clusters
from harness.measure.clusters import out_of_reach, targets
from harness.measure.clusters import planned as planned_clusters
from harness.measure.context import Context
from harness.measure.fitness import asked_here, unfit
from harness.measure.run.clusterplan import make_plan, planned_lines
from harness.measure.tables import find_tables
from harness.store.progress import Done


def planned(context: Context) -> tuple[list[dict[str, Any]], dict[str, float]]:
    """The jobs as lines of plan.jsonl, and the seconds of each device at most. Raises UsageError, DeviceError."""
    request, devices = context.request, context.usable()
    check_clusters(devices, request)
    asked = asked_here if context.elsewhere is None else context.elsewhere.why_not
    lacking = unfit(named(devices), request.workers, asked)
    for name, lack in lacking.items():
        context.say(f"{name}: {lack}")
    find_tables(request, named(devices), context.say)
    jobs: list[dict[str, Any]] = []
    seconds: dict[str, float] = {}
    for name, device in named(devices):
        topology = device.topology()
        clusters = planned_clusters(topology, request.cpus)
        for label, why in out_of_reach(topology, clusters).items():
            context.say(f"{name}: cluster {label} cannot be measured now: {why}")
        jobs += [line for cluster in clusters for line in planned_lines(name, cluster.label, request)]
        most = {layer.name: request.policy.most_launches for layer in request.layers}
        seconds[name] = sum(
            make_plan(request, target, Done(), name, most).seconds() for target in targets(topology, clusters)
        )
    return jobs, seconds
