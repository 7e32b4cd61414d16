"""Which clusters of a device are measured, on which CPU of each, and where the conductor waits."""

from __future__ import annotations

from dataclasses import dataclass

from harness.devices.base import Cluster, Topology, format_cpus
from harness.errors import DeviceError


@dataclass(frozen=True)
class Target:
    """A cluster, the CPU of it that is measured, and the CPUs that the conductor may use."""

    cluster: Cluster
    cpu: int
    conductor: tuple[int, ...]


def targets(topology: Topology, wanted: tuple[int, ...] | None) -> list[Target]:
    """The clusters to measure, slowest first, each on its last allowed CPU (the first ones serve interrupts).

    ``wanted`` (--clusters) keeps the clusters that lie in those CPUs. Raises DeviceError where none does.
    """
    found = []
    for cluster in topology.clusters:
        cpus = [cpu for cpu in cluster.cpus if cpu in topology.allowed]
        if not cpus or (wanted is not None and not set(cluster.cpus) <= set(wanted)):
            continue
        cpu = cpus[-1]
        elsewhere = [c for c in topology.allowed if c not in cluster.cpus]
        beside = [c for c in topology.allowed if c != cpu]
        found.append(Target(cluster, cpu, tuple(elsewhere or beside)))
    if not found:
        there = ", ".join(cluster.label for cluster in topology.clusters)
        asked = "" if wanted is None else f" in --clusters {format_cpus(wanted)}"
        raise DeviceError(
            f"no usable cluster{asked}; this device has {there}, allowed CPUs {format_cpus(topology.allowed)}",
            "name clusters of this device",
        )
    return found
