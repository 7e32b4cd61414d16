"""A phone's /sys and the kernel's files in /proc, made from its model.

They are text files that a test may change while the phone runs.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from harness.devices.base import format_cpus
from harness.lab.model import Core, FrequencyPolicy, PhoneModel, Zone


@dataclass(frozen=True)
class Entry:
    """A file's text and mode, or the target of a symbolic link."""

    text: str = ""
    mode: int = 0o444
    link: str = ""


def sys_tree(model: PhoneModel) -> dict[str, Entry]:
    """Paths below /sys and what stands there."""
    cpus = format_cpus(model.numbers)
    base = "devices/system/cpu"
    tree = {f"{base}/{name}": Entry(cpus + "\n") for name in ("possible", "present", "online")}
    tree[f"{base}/offline"] = Entry("\n")
    tree[f"{base}/kernel_max"] = Entry("31\n")
    for core in model.cpus:
        tree |= {f"{base}/cpu{core.number}/{name}": entry for name, entry in _cpu_files(core, model).items()}
    for policy in model.policies:
        folder = f"{base}/cpufreq/policy{policy.number}"
        tree |= {f"{folder}/{name}": entry for name, entry in _policy_files(policy).items()}
        for cpu in policy.cpus:
            tree[f"{base}/cpu{cpu}/cpufreq"] = Entry(link=f"../cpufreq/policy{policy.number}")
    for index, zone in enumerate(model.zones):
        folder = f"devices/virtual/thermal/thermal_zone{index}"
        tree |= {f"{folder}/{name}": entry for name, entry in _zone_files(zone).items()}
        tree[f"class/thermal/thermal_zone{index}"] = Entry(link=f"../../{folder}")
    tree |= {f"{POWER_SUPPLY}/{name}": Entry(f"{text}\n") for name, text in _BATTERY.items()}
    return tree


# What a phone's kernel shows of its battery, in the units that it is to: microampere, microvolt, microampere-hour.
POWER_SUPPLY = "class/power_supply/battery"
_BATTERY = {
    "type": "Battery",
    "status": "Charging",
    "current_now": "350000",
    "voltage_now": "4100000",
    "charge_counter": "2500000",
}


def _cpu_files(core: Core, model: PhoneModel) -> dict[str, Entry]:
    files = {
        "online": Entry("1\n"),
        "topology/core_id": Entry(f"{core.number - min(core.siblings)}\n"),
        "topology/physical_package_id": Entry(f"{core.package}\n"),
        "topology/core_siblings_list": Entry(format_cpus(core.siblings) + "\n"),
        "topology/thread_siblings_list": Entry(f"{core.number}\n"),
    }
    if core.midr and model.is_64_bit:  # kernels of 32 bits show no registers
        files["regs/identification/midr_el1"] = Entry(f"0x{core.midr:016x}\n")
        files["regs/identification/revidr_el1"] = Entry(f"0x{0:016x}\n")
    if core.capacity:
        files["cpu_capacity"] = Entry(f"{core.capacity}\n")
    for index, cache in enumerate(core.caches):
        files |= {
            f"cache/index{index}/level": Entry(f"{cache.level}\n"),
            f"cache/index{index}/type": Entry(f"{cache.kind}\n"),
            f"cache/index{index}/size": Entry(f"{cache.kib}K\n"),
            f"cache/index{index}/coherency_line_size": Entry(f"{cache.line}\n"),
            f"cache/index{index}/shared_cpu_list": Entry(format_cpus(cache.shared) + "\n"),
        }
    return files


def _policy_files(policy: FrequencyPolicy) -> dict[str, Entry]:
    cpus = " ".join(map(str, policy.cpus)) + "\n"
    low, high = policy.steps[0], policy.steps[-1]
    # Some drivers list the fastest first; of them only the order is known, so the times are equal here.
    states = policy.steps if policy.listed else tuple(reversed(policy.steps))
    files = {
        "affected_cpus": Entry(cpus),
        "related_cpus": Entry(cpus),
        "cpuinfo_min_freq": Entry(f"{low}\n"),
        "cpuinfo_max_freq": Entry(f"{high}\n"),
        "cpuinfo_cur_freq": Entry(f"{high}\n", 0o400),
        "cpuinfo_transition_latency": Entry("0\n"),
        "scaling_min_freq": Entry(f"{low}\n", 0o644),
        "scaling_max_freq": Entry(f"{high}\n", 0o644),
        "scaling_cur_freq": Entry(f"{high}\n"),
        "scaling_governor": Entry(f"{policy.governor}\n", 0o644),
        "scaling_available_governors": Entry(f"{policy.governor} performance\n"),
        "scaling_driver": Entry(f"{policy.driver}\n"),
        "stats/time_in_state": Entry("".join(f"{khz} 100\n" for khz in states)),
        "stats/total_trans": Entry(f"{len(states)}\n"),
    }
    if policy.listed:
        files["scaling_available_frequencies"] = Entry(" ".join(map(str, policy.khz)) + " \n")
        if policy.boost_khz:
            files["scaling_boost_frequencies"] = Entry(" ".join(map(str, policy.boost_khz)) + " \n")
    return files


def _zone_files(zone: Zone) -> dict[str, Entry]:
    return {
        "type": Entry(f"{zone.kind}\n"),
        "temp": Entry(f"{round(zone.celsius * zone.scale)}\n"),
        "mode": Entry("enabled\n"),
    }


def online_files(sys: Path, every: Sequence[int], online: Sequence[int]) -> dict[Path, str]:
    """What a phone's /sys at ``sys`` shows while these CPUs of it are plugged in."""
    folder = sys / "devices" / "system" / "cpu"
    files = {folder / f"cpu{cpu}" / "online": f"{int(cpu in online)}\n" for cpu in every}
    files[folder / "online"] = f"{format_cpus(online)}\n"
    files[folder / "offline"] = f"{format_cpus([cpu for cpu in every if cpu not in online])}\n"
    return files


def cpuinfo(model: PhoneModel) -> str:
    """The text of /proc/cpuinfo as a kernel for the phone's CPUs writes it."""
    if model.is_x86:
        name = "vendor_id\t: Android\nmodel name\t: Android virtual processor\n"  # programs ask the CPU itself
        return "\n".join(f"processor\t: {core.number}\n{name}" for core in model.cpus)
    blocks = [
        f"processor\t: {core.number}\n"
        "BogoMIPS\t: 38.40\n"
        f"Features\t: {model.features}\n"
        f"CPU implementer\t: 0x{core.midr >> 24:02x}\n"
        f"CPU architecture: {8 if model.is_64_bit else 7}\n"
        f"CPU variant\t: 0x{core.midr >> 20 & 15:x}\n"
        f"CPU part\t: 0x{core.midr >> 4 & 0xFFF:03x}\n"
        f"CPU revision\t: {core.midr & 15}\n"
        for core in model.cpus
    ]
    if model.cpuinfo_hardware:
        blocks.append(f"Hardware\t: {model.cpuinfo_hardware}\n")
    return "\n".join(blocks)


def write_tree(tree: dict[str, Entry], root: Path) -> None:
    """Writes the files and links below ``root``."""
    for name, entry in tree.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if entry.link:
            path.symlink_to(entry.link)
        else:
            path.write_text(entry.text)
            path.chmod(entry.mode)


def count_time(policy: Path, khz: int, ticks: int) -> None:
    """Lets time_in_state of a cpufreq policy's folder count on. Raises ValueError where it has no such frequency."""
    file = policy / "stats" / "time_in_state"
    times = {step: int(count) for step, count in (line.split() for line in file.read_text().splitlines())}
    if str(khz) not in times:
        raise ValueError(f"{policy.name} has no frequency of {khz} kHz")
    times[str(khz)] += ticks
    replace_text(file, "".join(f"{step} {count}\n" for step, count in times.items()))


def replace_text(path: Path, text: str) -> None:
    """Changes a state file in one step (readers see the old or the new text), keeping its owner and mode."""
    known = path.stat() if path.exists() else path.parent.stat()
    mode = known.st_mode & 0o7777 if path.exists() else 0o644
    fresh = path.with_name(f".{path.name}.new")
    fresh.write_text(text)
    fresh.chmod(mode)
    os.chown(fresh, known.st_uid, known.st_gid)
    fresh.replace(path)
