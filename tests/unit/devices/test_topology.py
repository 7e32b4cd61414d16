"""Clusters from sysfs files: every phone whose facts are known, and the ways kernels differ."""

from __future__ import annotations

from dataclasses import dataclass, replace
from fnmatch import fnmatch

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.devices import topology
from harness.devices.base import Cluster, Topology, format_cpus
from harness.devices.cores import core_name
from tests.mutation import mutated

pytestmark = pytest.mark.unit
CPU = "/sys/devices/system/cpu"


@dataclass(frozen=True)
class Part:
    """CPUs of one core type within one policy of a phone."""

    cpus: tuple[int, ...]
    midr: int
    khz: int = 0
    capacity: int = 0
    policy: int | None = None  # its first CPU, where it is not the first of ``cpus``
    name: str = ""


def part(
    low: int, high: int, midr: int, khz: int = 0, capacity: int = 0, name: str = "", policy: int | None = None
) -> Part:
    return Part(tuple(range(low, high + 1)), midr, khz, capacity, policy, name)


# Slowest first, as the clusters are to be ordered.
PHONES = {
    "galaxy-s8-exynos": (
        part(0, 3, 0x410FD034, 1690000, 230, "Cortex-A53"),
        part(4, 7, 0x534F0010, 2314000, 453, "Exynos M2"),
    ),
    "pixel-2-xl": (
        part(0, 3, 0x51AF8014, 1900800, 1024, "Kryo 260/280 Silver (Cortex-A53)"),
        part(4, 7, 0x51AF8001, 2457600, 1536, "Kryo 260/280 Gold (Cortex-A73)"),
    ),
    "pixel-3": (
        part(0, 3, 0x517F803C, 1766400, 611, "Kryo 385 Silver (Cortex-A55)"),
        part(4, 7, 0x516F802D, 2803200, 1024, "Kryo 385 Gold (Cortex-A75)"),
    ),
    "pixel-6": (
        part(0, 3, 0x412FD050, 1803000, 250, "Cortex-A55"),
        part(4, 5, 0x414FD0B0, 2253000, 620, "Cortex-A76"),
        part(6, 7, 0x411FD440, 2802000, 1024, "Cortex-X1"),
    ),
    "pixel-8": (
        part(0, 3, 0x411FD461, 1704000, 193, "Cortex-A510"),
        part(4, 7, 0x411FD4D0, 2367000, 927, "Cortex-A715"),
        part(8, 8, 0x411FD4E0, 2914000, 1024, "Cortex-X3"),
    ),
    "galaxy-s23": (
        part(0, 2, 0x411FD461, 2016000, 326, "Cortex-A510"),
        part(3, 4, 0x411FD4D0, 2707200, 693, "Cortex-A715", policy=3),
        part(5, 6, 0x412FD470, 2707200, 693, "Cortex-A710", policy=3),
        part(7, 7, 0x411FD4E0, 2956800, 1024, "Cortex-X3"),
    ),
    "sm8650": (
        part(0, 1, 0x410FD801, 2265600, 1024, "Cortex-A520"),
        part(5, 6, 0x410FD811, 2956800, 1792, "Cortex-A720"),
        part(2, 4, 0x410FD811, 3148800, 1792, "Cortex-A720"),
        part(7, 7, 0x410FD821, 3302400, 1894, "Cortex-X4"),
    ),
    "dimensity-9300": (
        part(0, 3, 0x410FD811, 0, 766, "Cortex-A720"),
        part(4, 6, 0x410FD821, 0, 958, "Cortex-X4"),
        part(7, 7, 0x410FD821, 0, 1024, "Cortex-X4"),
    ),
    "sm8750": (
        part(0, 5, 0x514F0014, 3532800, 1792, "Oryon"),
        part(6, 7, 0x513F0014, 4320000, 1894, "Oryon"),
    ),
    "redmi-note-4": (part(0, 7, 0x410FD034, 2016000, 0, "Cortex-A53"),),
    "helio-g70-g85": (
        part(0, 5, 0x411FD050, 1700000, 0, "Cortex-A55"),
        part(6, 7, 0x413FD0A1, 2000000, 0, "Cortex-A75"),
    ),
}


def files_of(
    parts: tuple[Part, ...],
    *,
    midr_files: bool = True,
    per_policy: bool = True,
    cpuinfo: str | None = None,
    offline: tuple[int, ...] = (),
) -> dict[str, bytes | None]:
    """What a phone of these parts shows; ``per_policy``: as kernels since 4.3 do."""
    cpus = sorted(cpu for p in parts for cpu in p.cpus)
    online = [cpu for cpu in cpus if cpu not in offline]
    shown: dict[str, str] = {
        f"{CPU}/possible": format_cpus(cpus),
        f"{CPU}/present": format_cpus(cpus),
        f"{CPU}/online": format_cpus(online),
    }
    policies: dict[int, list[Part]] = {}
    for p in parts:
        policies.setdefault(p.cpus[0] if p.policy is None else p.policy, []).append(p)
    blocks = []
    for p in parts:
        for cpu in p.cpus:
            if p.capacity:
                shown[f"{CPU}/cpu{cpu}/cpu_capacity"] = str(p.capacity)
            if cpu in offline:
                continue
            if midr_files:
                shown[f"{CPU}/cpu{cpu}/regs/identification/midr_el1"] = f"{p.midr:#018x}"
            blocks.append((cpu, block(cpu, p.midr)))
    for first, members in policies.items():
        related = sorted(cpu for p in members for cpu in p.cpus)
        folders = [f"{CPU}/cpufreq/policy{first}"] if per_policy else [f"{CPU}/cpu{cpu}/cpufreq" for cpu in related]
        for folder in folders:
            shown[f"{folder}/related_cpus"] = " ".join(map(str, related)) + " "
            shown[f"{folder}/scaling_governor"] = "schedutil"
            if members[0].khz:
                shown[f"{folder}/cpuinfo_max_freq"] = str(members[0].khz)
    shown["/proc/cpuinfo"] = "\n".join(text for _, text in sorted(blocks)) if cpuinfo is None else cpuinfo
    return {path: f"{text}\n".encode() for path, text in shown.items()}


def block(cpu: int, midr: int) -> str:
    return (
        f"processor\t: {cpu}\nBogoMIPS\t: 38.40\nFeatures\t: fp asimd\nCPU implementer\t: {midr >> 24:#04x}\n"
        f"CPU architecture: 8\nCPU variant\t: {midr >> 20 & 15:#x}\nCPU part\t: {midr >> 4 & 0xFFF:#05x}\n"
        f"CPU revision\t: {midr & 15}\n"
    )


def summary(found: Topology) -> list[tuple[tuple[int, ...], str, str, int]]:
    return [(c.cpus, c.core, c.midr, c.max_khz) for c in found.clusters]


def expected(parts: tuple[Part, ...]) -> list[tuple[tuple[int, ...], str, str, int]]:
    return [(p.cpus, p.name, f"{p.midr:#010x}", p.khz) for p in parts]


@pytest.mark.parametrize("per_policy", [True, False])
@pytest.mark.parametrize("midr_files", [True, False])
@pytest.mark.parametrize("phone", PHONES)
def test_every_known_phone(phone: str, midr_files: bool, per_policy: bool) -> None:
    parts = PHONES[phone]
    found = topology.build(files_of(parts, midr_files=midr_files, per_policy=per_policy))
    assert summary(found) == expected(parts)
    assert found.allowed == tuple(sorted(cpu for p in parts for cpu in p.cpus))
    assert {c.governor for c in found.clusters} == {"schedutil"}
    for cluster, p in zip(found.clusters, parts, strict=True):
        assert cluster.policy == f"policy{p.cpus[0] if p.policy is None else p.policy}"
        assert cluster.capacity == p.capacity


def test_paths_cover_what_is_used() -> None:
    files = files_of(PHONES["galaxy-s23"])
    asked = {path: text for path, text in files.items() if any(fnmatch(path, each) for each in topology.PATTERNS)}
    assert summary(topology.build(asked)) == expected(PHONES["galaxy-s23"])


def test_mixed_policy_is_said() -> None:
    assert any("policy3 mixes core types" in note for note in topology.build(files_of(PHONES["galaxy-s23"])).notes)
    assert topology.build(files_of(PHONES["pixel-8"])).notes == ()


def test_without_capacity_the_clock_orders() -> None:
    slow_last = (part(0, 3, 0x411FD050, 2000000), part(4, 7, 0x413FD0A1, 1500000))
    assert [c.cpus[0] for c in topology.build(files_of(slow_last)).clusters] == [4, 0]


def test_capacity_beats_the_clock() -> None:
    parts = (part(0, 3, 0x411FD050, 2000000, 300), part(4, 7, 0x413FD0A1, 1500000, 1024))
    assert [c.cpus[0] for c in topology.build(files_of(parts)).clusters] == [0, 4]


def test_offline_cpus_stay_in_their_cluster_and_are_not_allowed() -> None:
    """Kernels leave offline CPUs out of /proc/cpuinfo and take their MIDR file away."""
    parts = PHONES["pixel-3"]
    found = topology.build(files_of(parts, offline=(5, 6)))
    assert summary(found) == expected(parts)
    assert found.allowed == (0, 1, 2, 3, 4, 7)
    assert "offline: cpu 5-6" in found.notes
    assert "core type of cpu 5-6 taken from policy4" in found.notes


def test_a_cluster_that_is_offline_as_a_whole() -> None:
    found = topology.build(files_of(PHONES["pixel-3"], offline=(4, 5, 6, 7)))
    assert [(c.cpus, c.core) for c in found.clusters] == [
        ((0, 1, 2, 3), "Kryo 385 Silver (Cortex-A55)"),
        ((4, 5, 6, 7), ""),
    ]
    assert found.allowed == (0, 1, 2, 3)


def test_offline_cpu_of_a_mixed_policy_is_not_guessed() -> None:
    found = topology.build(files_of(PHONES["galaxy-s23"], offline=(5,)))
    assert ((5,), "") in [(c.cpus, c.core) for c in found.clusters]
    assert "core type of cpu 5 is not known" in found.notes


@pytest.mark.parametrize("last", [True, False])
def test_one_part_for_all_processors_is_not_believed(last: bool) -> None:
    """Redmi Note 3 prints its last core's part once, although it mixes A53 and A72."""
    processors = "".join(f"processor\t: {cpu}\n" for cpu in range(6))
    shared = "CPU implementer\t: 0x41\nCPU variant\t: 0x0\nCPU part\t: 0xd03\nCPU revision\t: 4\n"
    text = processors + shared if last else shared + processors
    parts = (part(0, 3, 0x410FD034, 1440000), part(4, 5, 0x410FD080, 1804800))
    found = topology.build(files_of(parts, midr_files=False, cpuinfo=text))
    assert [(c.cpus, c.core, c.midr) for c in found.clusters] == [((0, 1, 2, 3), "", ""), ((4, 5), "", "")]
    assert any("one CPU part for all CPUs" in note for note in found.notes)


def test_affinity_mask_limits_what_is_allowed() -> None:
    assert topology.build(files_of(PHONES["pixel-8"]), allowed=(2, 8, 11)).allowed == (2, 8)


def test_a_system_that_shows_nothing_is_one_cluster() -> None:
    assert [c.cpus for c in topology.build({}, allowed=(0, 1, 2)).clusters] == [(0, 1, 2)]
    assert [c.cpus for c in topology.build({}).clusters] == [(0,)]


def x86(khz: list[int], hybrid: dict[str, str] | None = None) -> dict[str, bytes | None]:
    files: dict[str, bytes | None] = {
        f"{CPU}/present": f"0-{len(khz) - 1}\n".encode(),
        "/proc/cpuinfo": b"processor\t: 0\nvendor_id\t: GenuineIntel\nmodel name\t: X\n",
        **{path: text.encode() for path, text in (hybrid or {}).items()},
    }
    for cpu, value in enumerate(khz):
        files[f"{CPU}/cpufreq/policy{cpu}/related_cpus"] = f"{cpu}\n".encode()
        files[f"{CPU}/cpufreq/policy{cpu}/cpuinfo_max_freq"] = f"{value}\n".encode()
    return files


def test_x86_policies_of_one_clock_are_one_cluster() -> None:
    found = topology.build(x86([4000000] * 8))
    assert [(c.cpus, c.policy, c.max_khz) for c in found.clusters] == [(tuple(range(8)), "", 4000000)]


def test_x86_hybrid() -> None:
    hybrid = {"/sys/devices/cpu_core/cpus": "0-3\n", "/sys/devices/cpu_atom/cpus": "4-7\n"}
    found = topology.build(x86([5000000] * 4 + [3800000] * 4, hybrid))
    assert [(c.cpus, c.core) for c in found.clusters] == [((4, 5, 6, 7), "E-core"), ((0, 1, 2, 3), "P-core")]


def test_x86_virtual_machine_without_cpufreq() -> None:
    files = {f"{CPU}/present": b"0-1\n", "/proc/cpuinfo": b"processor: 0\nvendor_id: AuthenticAMD\nprocessor: 1\n"}
    assert [c.cpus for c in topology.build(files, allowed=(0, 1)).clusters] == [(0, 1)]


def test_names() -> None:
    assert core_name(0x534F0010) == "Exynos M2"
    assert core_name(0x531F0010) == "Exynos M1"
    assert core_name(0x7F0F1230) == "core 0x7f/0x123"
    assert core_name(0) == ""


PATHS = sorted({pattern.replace("[0-9]*", str(cpu)) for pattern in topology.PATTERNS for cpu in range(4)})


@given(
    st.dictionaries(
        st.sampled_from(PATHS),
        st.one_of(
            st.none(),
            st.binary(max_size=40),
            st.sampled_from([b"0-3", b"0 1", b"2-1", b"99999999999", b"-5", b"0x0", b"processor : 1\nCPU part : zz"]),
        ),
    )
)
def test_garbage_never_breaks_it_and_every_cpu_is_in_one_cluster(files: dict[str, bytes | None]) -> None:
    found = topology.build(files, allowed=(0, 1))
    members = [cpu for cluster in found.clusters for cpu in cluster.cpus]
    assert sorted(members) == sorted(set(members)) == list(topology.cpus_of(files, (0, 1)))
    assert set(found.allowed) <= set(members)


CPUINFO = b"processor : 0\nCPU implementer : 0x41\nCPU variant : 0x1\nCPU part : 0xd0a\nCPU revision : 0\n"
ANSWERS = (b"0-3", b"0", b"1804800", b"0x00000000516f802d", b"schedutil", b"1024", CPUINFO, b"Cpus_allowed_list: 0-3")


@given(st.dictionaries(st.sampled_from(PATHS), mutated(*ANSWERS)))
def test_mutated_files_give_numbers_that_can_be(files: dict[str, bytes | None]) -> None:
    found = topology.build(files, topology.allowed_by_status(files))
    for cluster in found.clusters:
        assert all(0 <= cpu <= 4095 for cpu in cluster.cpus)
        assert 0 <= cluster.max_khz <= 10**9 and 0 <= cluster.capacity <= 10**6
        assert f"{cluster.max_khz / 1e6:.2f} GHz" and len(cluster.midr) <= 10
        assert len(cluster.governor) <= 64


@given(mutated(b"pid 7's current affinity mask: f0\n", b"mask: 0xff,ffffffff\n", b"mask: " + b"f" * 9000))
def test_a_mutated_mask(said: bytes) -> None:
    assert all(0 <= cpu <= 4095 for cpu in topology.allowed_by_mask(said.decode("utf-8", "replace")))


def test_masks() -> None:
    assert topology.allowed_by_mask("WARNING: linker\npid 7's current affinity mask: f0\n") == (4, 5, 6, 7)
    assert topology.allowed_by_mask("pid 7's current affinity mask: 1,00000001\n") == (0, 32)
    assert topology.allowed_by_mask("mask: f0 of something else") == ()


def test_a_process_that_is_kept_off_a_cluster_has_nothing_to_do_with_it() -> None:
    clusters = (Cluster((0, 1)), Cluster((2, 3)), Cluster((4,)))
    found = topology.without_others(Topology(clusters, allowed=(1,), offline=(4,)))
    assert [cluster.label for cluster in found.clusters] == ["0-1", "4"]
    assert found.notes == ("not for this process: cpu 2-3",)
    whole = Topology(clusters, allowed=(0, 2))
    assert topology.without_others(replace(whole, offline=(4,))).clusters == clusters
