"""CPU clusters of a Mac from the text of ``sysctl``: its levels of performance. Pure functions; nothing is trusted.

macOS keeps no thread to a CPU, and its numbers of CPUs are told nowhere: ours count those of the slowest level
first, as convbench does (native/bench/machine/sysctl.h), which asks for a level by the quality of service of a thread.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from harness.devices.base import Cluster, Topology
from harness.devices.number import number

COMMAND = ("/usr/sbin/sysctl", "hw", "machdep.cpu", "kern.bootsessionuuid")
NOTE = (
    "macOS keeps no thread to a CPU: it chooses among cores by a thread's quality of service, and the numbers of CPUs"
    " here are ours"
)
_MOST_LEVELS, _MOST_CPUS, _LONGEST = 8, 1024, 64
_LINE = re.compile(r"([a-z][a-z0-9_.]{0,63}): ?(.*)")


def values_of(text: str) -> dict[str, str]:
    """Names and values of what ``sysctl`` prints; other lines are left out."""
    found = (_LINE.fullmatch(line) for line in text.splitlines())
    return {match[1]: "".join(c for c in match[2] if c.isprintable()).strip()[:256] for match in found if match}


def topology(values: Mapping[str, str]) -> Topology:
    """A cluster for each level, fastest last; one of all CPUs where the system tells no levels."""
    levels = number(values.get("hw.nperflevels", ""), 0, _MOST_LEVELS) or 0
    clusters: list[Cluster] = []
    first = 0
    for level in reversed(range(levels)):
        name = f"hw.perflevel{level}"
        count = number(values.get(f"{name}.logicalcpu") or values.get(f"{name}.physicalcpu", ""), 0, _MOST_CPUS) or 0
        if count:
            core = values.get(f"{name}.name", "")[:_LONGEST]
            clusters.append(Cluster(tuple(range(first, first + count)), core=core, policy=f"perflevel{level}"))
            first += count
    if not clusters:
        first = number(values.get("hw.logicalcpu") or values.get("hw.ncpu", ""), 1, _MOST_CPUS) or 1
        clusters.append(Cluster(tuple(range(first))))
    return Topology(tuple(clusters), tuple(range(first)), (NOTE,), has_affinity=False)
