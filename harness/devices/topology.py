"""CPU clusters from the text of sysfs files: pure functions, the same for phones and this machine.

A cluster is the CPUs of one cpufreq policy and one MIDR: a policy may mix core types (SM8550), and a core type may
lie in two policies (Dimensity 9300).
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from harness.devices.base import Cluster, Topology, format_cpus, parse_cpus
from harness.devices.cores import core_name, make_midr
from harness.devices.number import LARGEST, number

CPU = "/sys/devices/system/cpu"
CPUINFO = "/proc/cpuinfo"
STATUS = "/proc/self/status"
_HYBRID = {"P-core": "/sys/devices/cpu_core/cpus", "E-core": "/sys/devices/cpu_atom/cpus"}
_LAST_CPU = 4095  # of any kernel
_MOST_KHZ, _MOST_CAPACITY = 10**9, 10**6
_MASK = re.compile(r"mask: {0,8}(?:0x)?([0-9a-fA-F,]{1,1400})\s{0,8}\Z")
_POLICY_FILES = ("related_cpus", "cpuinfo_max_freq", "scaling_governor")

Files = Mapping[str, bytes | None]

# The files to read, as a shell or a glob finds them; policies of kernels before 4.3 lie in the folders of their CPUs.
PATTERNS = (
    *(f"{CPU}/{name}" for name in ("possible", "present", "online")),
    *(CPUINFO, STATUS, *_HYBRID.values()),
    *(f"{CPU}/cpu[0-9]*/{name}" for name in ("cpu_capacity", "regs/identification/midr_el1")),
    *(f"{CPU}/{folder}/{name}" for folder in ("cpufreq/policy[0-9]*", "cpu[0-9]*/cpufreq") for name in _POLICY_FILES),
)


def cpus_of(files: Files, fallback: Sequence[int] = ()) -> tuple[int, ...]:
    """CPUs that are present, offline ones too; ``fallback`` where the system says nothing."""
    for name in ("present", "possible", "online"):
        if cpus := _list(files, f"{CPU}/{name}"):
            return cpus
    return _CpuInfo.parse(_text(files, CPUINFO)).processors or tuple(sorted(fallback)) or (0,)


def allowed_by_status(files: Files) -> tuple[int, ...]:
    """Cpus_allowed_list of /proc/self/status; empty where it is not shown."""
    match = re.search(r"^Cpus_allowed_list:\s*(\S+)", _text(files, STATUS), re.MULTILINE)
    return _parse(match[1]) if match else ()


def allowed_by_mask(said: str) -> tuple[int, ...]:
    """The CPUs of the mask that ``taskset -p`` prints; empty where it prints none."""
    found = _MASK.search(said[-2000:])
    bits = int((found[1].replace(",", "") if found else "") or "0", 16)
    return tuple(cpu for cpu in range(min(bits.bit_length(), _LAST_CPU + 1)) if bits >> cpu & 1)


@dataclass(frozen=True)
class _Policy:
    name: str = ""
    cpus: tuple[int, ...] = ()
    max_khz: int = 0
    governor: str = ""


def build(files: Files, allowed: Sequence[int] = ()) -> Topology:
    """Clusters of the device, fastest last, from the files of PATTERNS.

    ``allowed``: CPUs that the affinity mask lets us use (empty: not known, so all); those offline are left out.
    """
    cpus = cpus_of(files, allowed)
    online = _list(files, f"{CPU}/online") or cpus
    notes = []
    if offline := tuple(sorted(set(cpus) - set(online))):
        notes.append(f"offline: cpu {format_cpus(offline)}")
    info = _CpuInfo.parse(_text(files, CPUINFO))
    policies = _policies(files, cpus)
    midrs = {cpu: _midr(files, cpu) or info.midrs.get(cpu, 0) for cpu in cpus}
    if info.shared_part and not all(midrs.values()):
        notes.append("the kernel prints one CPU part for all CPUs: core types are not known")
    notes += _fill_in(midrs, policies)
    clusters = _same_clock(files, cpus, policies) if info.x86 else _clusters(files, cpus, policies, midrs)
    usable = set(allowed or cpus) & set(online) & set(cpus)
    return Topology(clusters=_ordered(clusters), allowed=tuple(sorted(usable)), notes=tuple(notes), offline=offline)


def without_others(topology: Topology) -> Topology:
    """Without clusters that this process is kept off, by taskset or a container: they are none of its business."""
    own = set(topology.allowed) | set(topology.offline)
    others = [cluster for cluster in topology.clusters if not own & set(cluster.cpus)]
    if not others or len(others) == len(topology.clusters):
        return topology
    note = f"not for this process: cpu {format_cpus([cpu for cluster in others for cpu in cluster.cpus])}"
    clusters = tuple(cluster for cluster in topology.clusters if cluster not in others)
    return replace(topology, clusters=clusters, notes=(*topology.notes, note))


def _clusters(
    files: Files, cpus: Sequence[int], policies: Mapping[int, _Policy], midrs: Mapping[int, int]
) -> list[Cluster]:
    groups: dict[tuple[_Policy, int], list[int]] = defaultdict(list)
    for cpu in cpus:
        groups[policies[cpu], midrs[cpu]].append(cpu)
    return [
        Cluster(
            cpus=tuple(members),
            core=core_name(midr),
            midr=f"{midr:#010x}" if midr else "",
            policy=policy.name,
            max_khz=policy.max_khz,
            capacity=_capacity(files, members),
            governor=policy.governor,
        )
        for (policy, midr), members in groups.items()
    ]


def _same_clock(files: Files, cpus: Sequence[int], policies: Mapping[int, _Policy]) -> list[Cluster]:
    """x86 has a policy per CPU: a cluster is the CPUs of one core type and one highest clock."""
    kinds = {cpu: kind for kind, path in _HYBRID.items() for cpu in _list(files, path)}
    groups: dict[tuple[str, int], list[int]] = defaultdict(list)
    for cpu in cpus:
        groups[kinds.get(cpu, ""), policies[cpu].max_khz].append(cpu)
    clusters = []
    for (kind, khz), members in groups.items():
        names = {policies[cpu].name for cpu in members}
        governors = {policies[cpu].governor for cpu in members}
        clusters.append(
            Cluster(
                cpus=tuple(members),
                core=kind,
                policy=names.pop() if len(names) == 1 else "",
                max_khz=khz,
                capacity=_capacity(files, members),
                governor=governors.pop() if len(governors) == 1 else "",
            )
        )
    return clusters


def _ordered(clusters: list[Cluster]) -> tuple[Cluster, ...]:
    """By capacity where every cluster has one, else by highest clock; then by the first CPU."""
    by_capacity = all(cluster.capacity for cluster in clusters)
    return tuple(sorted(clusters, key=lambda c: (c.capacity if by_capacity else c.max_khz, c.max_khz, c.cpus[0])))


def _policies(files: Files, cpus: Sequence[int]) -> dict[int, _Policy]:
    found = dict.fromkeys(cpus, _Policy())
    for cpu in cpus:
        for folder in (f"{CPU}/cpufreq/policy{cpu}", f"{CPU}/cpu{cpu}/cpufreq"):
            related = _parse(_text(files, f"{folder}/related_cpus").replace(" ", ","))
            if cpu not in related:
                continue
            members = tuple(other for other in related if other in found)
            policy = _Policy(
                name=f"policy{members[0]}",
                cpus=members,
                max_khz=_number(files, f"{folder}/cpuinfo_max_freq", _MOST_KHZ),
                governor=_text(files, f"{folder}/scaling_governor")[:64],
            )
            for member in members:
                if not found[member].name:
                    found[member] = policy
            break
    return found


def _fill_in(midrs: dict[int, int], policies: Mapping[int, _Policy]) -> list[str]:
    """Gives CPUs without a MIDR (offline ones) that of their policy, where it has one only; returns notes."""
    notes = []
    for policy in sorted({p for p in policies.values() if p.name}, key=lambda p: p.cpus):
        kinds = {midrs[cpu] for cpu in policy.cpus} - {0}
        unknown = [cpu for cpu in policy.cpus if not midrs[cpu]]
        if len(kinds) > 1:
            notes.append(f"{policy.name} mixes core types: the load of a neighbour moves the clock")
        if unknown and len(kinds) > 1:
            notes.append(f"core type of cpu {format_cpus(unknown)} is not known")
        elif unknown and kinds:
            midrs.update(dict.fromkeys(unknown, next(iter(kinds))))
            notes.append(f"core type of cpu {format_cpus(unknown)} taken from {policy.name}")
    return notes


@dataclass(frozen=True)
class _CpuInfo:
    """/proc/cpuinfo: its processors, their MIDRs where each has its own, and what kind of file it is."""

    processors: tuple[int, ...]
    midrs: dict[int, int]
    shared_part: bool
    x86: bool

    @staticmethod
    def parse(text: str) -> _CpuInfo:
        fields: dict[int, dict[str, str]] = {}
        parts = 0
        current: dict[str, str] = {}
        for line in text.splitlines():
            key, _, value = (piece.strip() for piece in line.partition(":"))
            if key == "processor" and (cpu := number(value, 0, _LAST_CPU)) is not None:
                current = fields.setdefault(cpu, {})
            elif key.startswith("CPU "):
                current[key] = value
                parts += key == "CPU part"
        # Some arm64 kernels of 2015 and 2016 print implementer and part once: not those of every CPU.
        shared = parts == 1 and len(fields) > 1
        midrs = {} if shared else {cpu: midr for cpu, own in fields.items() if (midr := _from_fields(own))}
        return _CpuInfo(tuple(sorted(fields)), midrs, shared, "vendor_id" in text)


def _from_fields(own: Mapping[str, str]) -> int:
    most = {"implementer": 0xFF, "variant": 0xF, "part": 0xFFF, "revision": 0xF}
    values = [number(own.get(f"CPU {name}", ""), 0, high) for name, high in most.items()]
    return make_midr(*(value for value in values if value is not None)) if None not in values else 0


def _midr(files: Files, cpu: int) -> int:
    return _number(files, f"{CPU}/cpu{cpu}/regs/identification/midr_el1", LARGEST) & 0xFFFFFFFF


def _capacity(files: Files, cpus: Sequence[int]) -> int:
    return max(_number(files, f"{CPU}/cpu{cpu}/cpu_capacity", _MOST_CAPACITY) for cpu in cpus)


def _text(files: Files, path: str) -> str:
    return (files.get(path) or b"").decode("utf-8", "replace").strip()


def _number(files: Files, path: str, high: int) -> int:
    return number(_text(files, path), 0, high) or 0


def _list(files: Files, path: str) -> tuple[int, ...]:
    return _parse(_text(files, path))


def _parse(text: str) -> tuple[int, ...]:
    try:
        return parse_cpus(text)
    except ValueError:
        return ()
