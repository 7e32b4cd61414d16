"""The clusters of a device that a session measures, and those that it cannot reach now."""

from __future__ import annotations

from dataclasses import dataclass

from harness.devices.base import Topology, parse_cpus
from harness.measure.clusters import Target, done_without, out_of_reach, planned, targets
from harness.measure.request import Request
from harness.measure.run.clusterplan import planned_lines
from harness.store.rundir import RunDir


@dataclass(frozen=True)
class Chosen:
    """What is measured now, and why what is out of reach is (by label)."""

    targets: list[Target]
    out_of_reach: dict[str, str]
    allowed: tuple[str, ...] = ()  # labels of those of them that are not missed: --allow CORES_FORBIDDEN


def choose(run: RunDir, name: str, request: Request, topology: Topology) -> Chosen:
    """Writes all that are to be measured of the device ``name`` into plan.jsonl, those out of reach too."""
    clusters = planned(topology, request.cpus)
    usable = targets(topology, clusters)
    allowed = done_without(topology, clusters, request.allow)
    known = run.ledger.clusters(name)
    added = clusters
    if known:  # those that an earlier session saw; a cluster that was hidden may have turned up
        done = run.ledger.done(name)
        taken = {cpu for label, of_it in done.items() if of_it.has_samples for cpu in parse_cpus(label)}
        added = [t.cluster for t in usable if t.cluster.label not in known and not taken & set(t.cluster.cpus)]
    wanted = [cluster for cluster in added if cluster.label not in allowed]
    # All at once: a run that is killed in between would not know the rest of its clusters.
    run.add_jobs([line for cluster in wanted for line in planned_lines(name, cluster.label, request)])
    return Chosen(
        [t for t in usable if t.cluster.label in known or t.cluster in added],
        out_of_reach(topology, clusters),
        allowed,
    )
