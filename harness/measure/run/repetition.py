"""Further launches of layers whose ratios are not known as well as the policy asks, within their budget."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from harness.measure.clusters import Target
from harness.measure.request import Request
from harness.measure.run.clusterplan import planned_lines
from harness.model.policy import Policy
from harness.store.journal import EventLog
from harness.store.rundir import RunDir

LOOKED = "looked"  # an event: how well the ratios of a cluster are known, and what is measured further


@dataclass(frozen=True)
class Layer:
    """What a look tells of one: the ratios that matter, the seconds its launches took, and how many those are."""

    ratios: tuple[tuple[float, ...], ...]
    spent_s: float
    launches: int


def further_launches(layers: Mapping[str, Layer], policy: Policy) -> dict[str, int]:
    """How many launches layers are to have that need more. Pure.

    A layer's budget is the policy's; what a launch of it took is what a further one will take.
    """
    from harness.stats.stopping import launches_wanted  # noqa: PLC0415  loads scipy, not while measuring

    if policy.precision is None:
        return {}
    found: dict[str, int] = {}
    for name, layer in layers.items():
        most = policy.most_launches
        if layer.spent_s > 0:
            most = min(most, math.floor(policy.block_budget_s / layer.spent_s * layer.launches))
        wanted = launches_wanted(layer.ratios, layer.launches, policy.precision, most)
        if wanted > layer.launches:
            found[name] = wanted
    return found


def look(run: RunDir, name: str, request: Request, target: Target, *, emulated: bool) -> dict[str, int]:
    """Looks at what is on record of a cluster, and plans what is to be measured further: launches by layer, in all.

    Both is written down: an event, and lines of plan.jsonl. Empty: the cluster has ended.
    """
    from harness.results.repetition import look_at  # noqa: PLC0415  slow to load, not while measuring

    label, directory = target.cluster.label, run.device(name)
    planned = run.ledger.launches(name, label)
    others, policy = request.against, request.policy
    seen = look_at(directory.records, label, request.layers, policy, emulated=emulated, others=others)
    layers = {
        layer: Layer(tuple(map(tuple, found.ratios)), found.spent_s, planned[layer])
        for layer, found in seen.items()
        if layer in planned
    }
    further = further_launches(layers, request.budgeted)
    directory.events.add(LOOKED, cluster=label, launches=planned, further=further)
    if further:
        run.add_jobs(planned_lines(name, label, request, further, planned))
    return further


def is_to_look(request: Request, events: EventLog, label: str) -> bool:
    """Whether it is still to be told if a cluster needs further launches, once all is measured that is planned."""
    if request.policy.precision is None:
        return False
    looks = [event for event in events.named(LOOKED) if event.get("cluster") == label]
    return not looks or bool(looks[-1].get("further"))
