"""Faults of CPUs: unplugged, forbidden, capped, affinity that is not kept to."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from harness.lab.faults.files import replaced
from harness.lab.faults.kind import End, Kind, Site, choice, cpus, in_turn, number
from harness.lab.sysfs import online_files


def _cores(site: Site, left: tuple[int, ...]) -> End:
    every = tuple(site.spec["cpus"])
    site.cpus.set_online(left)
    back = replaced(online_files(site.folder / "sys", every, tuple(cpu for cpu in every if cpu in left)))
    return in_turn(back, lambda: site.cpus.set_online(every))


def _cpuset(site: Site, allowed: tuple[int, ...]) -> End:
    site.cpus.set_allowed(allowed)
    return lambda: site.cpus.set_allowed(tuple(site.spec["cpus"]))


def _affinity(site: Site, mode: str) -> End:
    site.cpus.obedience = mode

    def end() -> None:
        site.cpus.obedience = ""

    return end


def _cap(site: Site, percent: int) -> End:
    """The highest listed clock that is not above so much of the highest of all."""
    texts: dict[Path, str] = {}
    for policy in sorted((site.folder / "sys" / "devices" / "system" / "cpu" / "cpufreq").iterdir()):
        highest = int((policy / "cpuinfo_max_freq").read_text())
        steps = [int(line.split()[0]) for line in (policy / "stats" / "time_in_state").read_text().splitlines()]
        khz = max([step for step in steps if step * 100 <= highest * percent], default=min(steps))
        texts |= {policy / name: f"{khz}\n" for name in ("scaling_max_freq", "scaling_cur_freq")}
    return replaced(texts)


KINDS: dict[str, Kind[Any]] = {
    "cores": Kind("Only these CPUs are online; with for:S the others come back.", cpus("CPUS"), _cores),
    "cpuset": Kind("Programs may use these CPUs only, though all are online.", cpus("CPUS"), _cpuset),
    "affinity": Kind(
        "sched_setaffinity succeeds and changes nothing (ignored), or is shown and not kept to (untrue).",
        choice("ignored", "untrue", default="ignored"),
        _affinity,
    ),
    "cap": Kind("All clocks are capped at so much of the highest.", number("PERCENT", 1, 100, default=50), _cap),
}
