"""What a virtual phone needs of a device model (configs/devices/*.yaml), in plain values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

_SCALES = {"millidegree": 1000, "decidegree": 10, "degree": 1}
_SDK = {"7.0": 24, "7.1": 25, "8.0": 26, "8.1": 27, "9": 28, "10": 29, "11": 30, "12": 31, "13": 33, "14": 34, "15": 35}
_DEFAULT_ANDROID = "12"  # where the model names none


@dataclass(frozen=True)
class Cache:
    """One cache of a CPU. ``shared`` are the CPUs that use it."""

    level: int
    kind: str  # Data, Instruction, Unified
    kib: int
    shared: tuple[int, ...]
    line: int = 64


@dataclass(frozen=True)
class Core:
    """One CPU."""

    number: int
    midr: int  # 0: it has none
    policy: int  # the first CPU of its cpufreq policy
    capacity: int = 0  # as cpu_capacity; 0: the phone shows none
    package: int = 0
    siblings: tuple[int, ...] = ()
    caches: tuple[Cache, ...] = ()


@dataclass(frozen=True)
class FrequencyPolicy:
    """One cpufreq policy. Frequencies in kHz, ascending; ``listed``: the phone has scaling_available_frequencies."""

    cpus: tuple[int, ...]
    khz: tuple[int, ...]
    boost_khz: tuple[int, ...] = ()
    driver: str = ""
    governor: str = "schedutil"
    listed: bool = True

    @property
    def number(self) -> int:
        """The N of policyN."""
        return self.cpus[0]

    @property
    def steps(self) -> tuple[int, ...]:
        """All frequencies, boost included."""
        return tuple(sorted({*self.khz, *self.boost_khz}))


@dataclass(frozen=True)
class Zone:
    """A thermal zone; the phone shows degrees times ``scale``."""

    kind: str
    scale: int
    celsius: float = 30.0


@dataclass(frozen=True)
class PhoneModel:
    """A phone as its kernel and properties show it."""

    name: str
    title: str
    brand: str
    maker: str
    model: str
    codename: str
    soc: str
    hardware: str
    board: str
    platform: str
    android: str
    abis: tuple[str, ...]
    features: str
    cpus: tuple[Core, ...]
    policies: tuple[FrequencyPolicy, ...]
    zones: tuple[Zone, ...]
    cpuinfo_hardware: str = ""
    qemu_cpu: str = "cortex-a53"  # empty: the emulator's own choice
    extra: Mapping[str, str] = field(default_factory=dict)  # further ro.* properties

    @property
    def sdk(self) -> int:
        """API level of the Android version."""
        return _SDK.get(self.android, _SDK.get(".".join(self.android.split(".")[:2]), 31))

    @property
    def is_x86(self) -> bool:
        """Whether its CPU is that of a PC."""
        return self.abis[0].startswith("x86")

    @property
    def is_64_bit(self) -> bool:
        """Whether its kernel is, as far as the ABIs tell."""
        return "64" in self.abis[0]

    @property
    def numbers(self) -> tuple[int, ...]:
        """CPU numbers, ascending."""
        return tuple(core.number for core in self.cpus)


def phone_model(name: str, data: Mapping[str, Any]) -> PhoneModel:
    """Reads a device model (the keys of configs/devices/*.yaml); keys that are missing there stay away on the phone."""
    identity = data.get("identity") or {}
    features = data.get("features") or {}
    title = str(data.get("name", name))
    model = str((identity.get("models") or [title])[0])
    codename = str(identity.get("codename") or name)
    abis = tuple((data.get("abis") or {}).get("list") or ("arm64-v8a",))
    soc = _value(identity.get("ro_soc_model")) or str(identity.get("ro.soc.model", ""))
    brand = title.split(maxsplit=1)[0].lower()
    hardware = str(identity.get("ro.hardware", codename))
    return PhoneModel(
        name=name,
        title=title,
        brand=brand,
        maker={"google": "Google", "samsung": "samsung"}.get(brand, brand.capitalize()),
        model=model,
        codename=codename,
        soc=soc,
        hardware=hardware,
        board=str(identity.get("ro.product.board", codename)),
        platform=str(identity.get("ro.board.platform", "")),
        android=str(identity.get("android_seen") or _DEFAULT_ANDROID),
        abis=abis,
        features=" ".join(str(features.get("proc_cpuinfo", "fp asimd")).split()),
        cpus=_cores(data),
        policies=_policies(data),
        zones=_zones(data.get("thermal") or {}),
        cpuinfo_hardware=str(identity.get("proc_cpuinfo_hardware", "")),
        qemu_cpu=_qemu_cpu(abis[0], features),
        extra={str(k): str(v) for k, v in identity.items() if str(k).startswith("ro.") and isinstance(v, str | int)},
    )


def _value(entry: Any) -> str:
    return str(entry.get("value", "")) if isinstance(entry, Mapping) else str(entry or "")


def _qemu_cpu(abi: str, features: Mapping[str, Any]) -> str:
    """The emulated core whose HWCAP comes closest without showing arithmetic the phone lacks."""
    if abi.startswith("armeabi"):
        return "cortex-a7" if "vfpv4" in str(features.get("proc_cpuinfo", "")).split() else "cortex-a9"
    if abi != "arm64-v8a":
        return ""
    if features.get("sve") or features.get("i8mm"):
        return "max"
    return "cortex-a76" if features.get("asimddp") else "cortex-a53"


def _clusters(data: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    return sorted(data["clusters"], key=lambda cluster: min(cluster["cpus"]))


def _policy_of(cluster: Mapping[str, Any]) -> int:
    number = cluster.get("policy")
    return min(cluster["cpus"]) if number is None else int(number)


def _highest_khz(cluster: Mapping[str, Any]) -> int:
    freq = cluster.get("freq") or {}
    return int(max([*(freq.get("khz") or []), *(freq.get("boost_khz") or []), freq.get("cpuinfo_max_khz") or 0]))


def _cores(data: Mapping[str, Any]) -> tuple[Core, ...]:
    clusters = _clusters(data)
    every = tuple(sorted(cpu for cluster in clusters for cpu in cluster["cpus"]))
    # As the kernel does: dmips per MHz times highest clock, the fastest CPU being 1024.
    strength = [
        _number(c.get("capacity_dmips_mhz") or c.get("capacity_mips")) * (_highest_khz(c) or 1) for c in clusters
    ]
    alone = "core_siblings_list names one CPU each" in str(data.get("topology_note", ""))
    cores = []
    for index, cluster in enumerate(clusters):
        cpus = tuple(cluster["cpus"])
        for cpu in cpus:
            cores.append(
                Core(
                    number=cpu,
                    midr=int((cluster.get("midr") or {}).get("value") or 0),
                    policy=_policy_of(cluster),
                    capacity=strength[index] * 1024 // max(strength) if all(strength) else 0,
                    package=cpu if alone else index,
                    siblings=(cpu,) if alone else cpus,
                    caches=_caches(cluster.get("caches") or {}, data.get("l3"), cpu, cpus, every),
                )
            )
    return tuple(sorted(cores, key=lambda core: core.number))


def _number(entry: Any) -> int:
    return int(_value(entry) or 0)


def _caches(
    caches: Mapping[str, Any], l3: Any, cpu: int, cluster: tuple[int, ...], every: tuple[int, ...]
) -> tuple[Cache, ...]:
    # Constants from manuals were not read from the phone: its /sys shows no cache folder.
    if not caches or str(caches.get("source", "")).startswith("cpuinfo-constants"):
        return ()
    found = [Cache(1, kind, int(caches[key]), (cpu,)) for key, kind in _FIRST_LEVEL if caches.get(key)]
    if caches.get("l2_kib"):
        shared = (cpu,) if caches.get("l2_shared_by") == "one core" else cluster
        found.append(Cache(2, "Unified", int(caches["l2_kib"]), shared))
    if isinstance(l3, Mapping) and "kib" in l3:
        found.append(Cache(3, "Unified", int(l3["kib"]), every))
    return tuple(found)


_FIRST_LEVEL = (("l1d_kib", "Data"), ("l1i_kib", "Instruction"))


def _policies(data: Mapping[str, Any]) -> tuple[FrequencyPolicy, ...]:
    groups: dict[int, list[Mapping[str, Any]]] = {}
    for cluster in _clusters(data):
        groups.setdefault(_policy_of(cluster), []).append(cluster)
    policies = []
    for members in groups.values():
        freq: Mapping[str, Any] = next((m["freq"] for m in members if m.get("freq")), {})
        khz = tuple(freq.get("khz") or ([freq["cpuinfo_max_khz"]] if freq.get("cpuinfo_max_khz") else ()))
        if khz:
            policies.append(
                FrequencyPolicy(
                    cpus=tuple(sorted(cpu for member in members for cpu in member["cpus"])),
                    khz=khz,
                    boost_khz=tuple(freq.get("boost_khz") or ()),
                    driver=str(data.get("cpufreq_driver") or "cpufreq-dt"),
                    governor="interactive" if str(data.get("cpufreq_driver")) == "msm" else "schedutil",
                    listed="no scaling_available_frequencies" not in _notes(data),
                )
            )
    return tuple(policies)


def _notes(data: Mapping[str, Any]) -> str:
    return str(data.get("topology_note", "")).replace("no cache/ and no", "no")


def _zones(thermal: Mapping[str, Any]) -> tuple[Zone, ...]:
    zones = [Zone(str(kind), _scale(thermal.get("unit"))) for kind in thermal.get("by_zone") or {}]
    for key in ("skin", "battery"):
        more = thermal.get(key)
        if isinstance(more, Mapping):
            zones += [Zone(str(kind), _scale(more.get("unit")), 27.0) for kind in more.get("types") or ()]
    return tuple(zones)


def _scale(unit: Any) -> int:
    words = str(unit or "millidegree").replace(",", " ").split()
    return _SCALES.get(words[0], 1000)
