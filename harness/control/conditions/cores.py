"""CPUs and memory: clusters that cannot be measured, pages of another size."""

from __future__ import annotations

from harness.control.conditions.facts import Facts
from harness.control.conditions.known import known
from harness.devices.base import format_cpus
from harness.model.condition import Condition

_USUAL_PAGE = 4096


def cores_offline(facts: Facts) -> Condition | None:
    """CORES_OFFLINE."""
    topology = known(facts.topology)
    return Condition("CORES_OFFLINE", f"offline: CPU {format_cpus(topology.offline)}") if topology.offline else None


def cores_forbidden(facts: Facts) -> Condition | None:
    """CORES_FORBIDDEN."""
    topology = known(facts.topology)
    every = {cpu for cluster in topology.clusters for cpu in cluster.cpus}
    kept_off = sorted(every - set(topology.allowed) - set(topology.offline))
    if not kept_off:
        return None
    may = format_cpus(topology.allowed) or "none"
    return Condition("CORES_FORBIDDEN", f"its shell may not use CPU {format_cpus(kept_off)}, but {may} only")


def no_affinity(facts: Facts) -> Condition | None:
    """NO_AFFINITY."""
    if known(facts.topology).has_affinity:
        return None
    return Condition("NO_AFFINITY", "this system (macOS) keeps no thread to a CPU")


def page_size(facts: Facts) -> Condition | None:
    """PAGE_SIZE."""
    size = facts.identity.page_size
    if size == _USUAL_PAGE:
        return None
    return Condition("PAGE_SIZE", f"its memory has pages of {size >> 10} KiB, most phones' have {_USUAL_PAGE >> 10}")
