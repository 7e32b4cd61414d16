"""Which clusters of a device are measured, on which CPU of each, and where the conductor waits."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from harness.devices.base import Cluster, Topology, format_cpus, parse_cpus
from harness.errors import DeviceError


@dataclass(frozen=True)
class Target:
    """A cluster, the CPU of it that is measured, and the CPUs that the conductor may use.

    ``usable``: the cluster's CPUs that are to be had now.
    """

    cluster: Cluster
    cpu: int
    conductor: tuple[int, ...]
    usable: tuple[int, ...] = ()

    def cpus(self, threads: int) -> tuple[int, ...]:
        """The CPUs of so many threads, all of this cluster: the measured one, then the last others.

        Where too few are to be had now, some of them are not: who measures there finds that out.
        """
        among = self.usable if len(self.usable) >= threads else self.cluster.cpus
        others = [cpu for cpu in among if cpu != self.cpu]
        return (self.cpu, *others[len(others) - threads + 1 :])


def threads_of(label: str, threads: Sequence[int]) -> tuple[int, ...]:
    """The numbers of threads that a cluster has CPUs for; ``label``: its CPUs."""
    return tuple(count for count in threads if count <= len(parse_cpus(label)))


def planned(topology: Topology, wanted: tuple[int, ...] | None) -> list[Cluster]:
    """The clusters that a run is to measure, slowest first, whether or not their CPUs are to be had now.

    ``wanted`` (--clusters) keeps the clusters that lie in those CPUs. Raises DeviceError where none does.
    """
    found = [cluster for cluster in topology.clusters if wanted is None or set(cluster.cpus) <= set(wanted)]
    if not found:
        there = ", ".join(cluster.label for cluster in topology.clusters)
        asked = "" if wanted is None else f" in --clusters {format_cpus(wanted)}"
        raise DeviceError(
            f"no usable cluster{asked}; this device has {there or 'none'}", "name clusters of this device"
        )
    return found


def targets(topology: Topology, clusters: Sequence[Cluster]) -> list[Target]:
    """Those of the clusters that can be measured now, each on its last allowed CPU: the first ones serve interrupts."""
    found = []
    for cluster in clusters:
        cpus = [cpu for cpu in cluster.cpus if cpu in topology.allowed]
        if not cpus:
            continue
        elsewhere = [cpu for cpu in topology.allowed if cpu not in cluster.cpus]
        beside = [cpu for cpu in topology.allowed if cpu != cpus[-1]]
        found.append(Target(cluster, cpus[-1], tuple(elsewhere or beside), tuple(cpus)))
    return found


def out_of_reach(topology: Topology, clusters: Sequence[Cluster]) -> dict[str, str]:
    """Why those of the clusters cannot be measured now that cannot, by label."""
    return {
        cluster.label: "its CPUs are offline"
        if set(cluster.cpus) <= set(topology.offline)
        else f"the device lets this run use CPUs {format_cpus(topology.allowed) or 'none'} only"
        for cluster in clusters
        if not set(cluster.cpus) & set(topology.allowed)
    }


def forbidden(topology: Topology, clusters: Sequence[Cluster]) -> list[str]:
    """Labels of those of the clusters that the device keeps this run off, though they are online."""
    hidden = out_of_reach(topology, clusters)
    return [c.label for c in clusters if c.label in hidden and not set(c.cpus) <= set(topology.offline)]


def done_without(topology: Topology, clusters: Sequence[Cluster], allow: Collection[str]) -> tuple[str, ...]:
    """Labels of the forbidden ones where that is allowed, and others can be had: they are not missed."""
    is_allowed = "CORES_FORBIDDEN" in allow and bool(targets(topology, clusters))
    return tuple(forbidden(topology, clusters)) if is_allowed else ()


def not_superseded(labels: Sequence[str], measured: Collection[str]) -> list[str]:
    """Labels of planned clusters without those that later ones stand for.

    Offline CPUs may hide which clusters they belong to: they are planned as one, and apart when they are back.
    """
    later: set[int] = set()
    kept: list[str] = []
    for label in reversed(labels):
        cpus = set(parse_cpus(label))
        if label in measured or not cpus <= later:
            kept.insert(0, label)
        later |= cpus
    return kept
