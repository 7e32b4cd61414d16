"""Faults of heat: zones that freeze, fail, lie or block, a thermal service that is not ready, throttling under load."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from harness.lab.faults.files import replaced
from harness.lab.faults.kind import End, Kind, Site, Value, choice, in_turn, number
from harness.lab.faults.load import cpu_seconds
from harness.lab.faults.storage import denied
from harness.lab.faults.thermal_model import Body, current_ua
from harness.lab.sysfs import POWER_SUPPLY, count_time, replace_text

_MODES = ("frozen", "fails", "zero", "dead", "off", "blocks", "current")
_TICK_S = 0.25
_PERIOD_S, _GONE_S = 0.3, 0.1  # fails, zero: away that long of each period
_FROZEN = ".frozen"  # in a zone's folder: the thermal model, and programs/dumpsys, leave it alone


def _zones(site: Site) -> list[Path]:
    folders = (site.folder / "sys" / "devices" / "virtual" / "thermal").iterdir()
    return sorted(folders, key=lambda zone: int(zone.name.removeprefix("thermal_zone")))


def _kind_of(zone: Path) -> str:
    return (zone / "type").read_text().strip()


def _zone_value(text: str) -> tuple[str, str]:
    mode, _, kind = text.partition(":")
    if mode not in _MODES:
        raise ValueError(f"there is {', '.join(_MODES)}, each with :TYPE for zones of that type only")
    return mode, kind


def _zone(site: Site, wanted: tuple[str, str]) -> End:
    mode, kind = wanted
    zones = [zone for zone in _zones(site) if kind in ("", _kind_of(zone))]
    if not zones:
        raise ValueError(f"the phone has no thermal zone of type {kind!r}")
    return in_turn(*(_BEGIN[mode](site, zone) for zone in zones))


def _frozen(_: Site, zone: Path) -> End:
    (zone / _FROZEN).touch()
    return lambda: (zone / _FROZEN).unlink(missing_ok=True)


def _off(site: Site, zone: Path) -> End:
    return in_turn(_frozen(site, zone), replaced({zone / "temp": "0\n"}))


def _dead(_: Site, zone: Path) -> End:
    return denied(zone / "temp")


def _at_times(begin: Callable[[Site, Path], End]) -> Callable[[Site, Path], End]:
    """Again and again for a part of each period."""

    def repeat(site: Site, zone: Path) -> End:
        over = False
        present: list[End] = []

        def go() -> None:
            if over:
                return
            if present:
                present.pop()()
                site.after(_PERIOD_S - _GONE_S, go)
            else:
                present.append(begin(site, zone))
                site.after(_GONE_S, go)

        def end() -> None:
            nonlocal over
            over = True
            while present:
                present.pop()()

        go()
        return end

    return repeat


def _blocks(site: Site, zone: Path) -> End:
    """The file is a pipe that nobody writes to: a reader waits for ever."""
    temp, kept = zone / "temp", zone / ".temp.real"
    frozen = _frozen(site, zone)
    temp.rename(kept)
    os.mkfifo(temp, 0o444)
    os.chown(temp, kept.stat().st_uid, kept.stat().st_gid)

    def end() -> None:
        with contextlib.suppress(OSError):
            os.close(os.open(temp, os.O_RDWR | os.O_NONBLOCK))  # who waits for a writer reads the end now
        kept.replace(temp)
        frozen()

    return end


def _current(site: Site, zone: Path) -> End:
    """A zone that counts milliamperes: it jumps with the load, and is no temperature."""
    frozen = _frozen(site, zone)
    back = replaced({zone / "type": "ibat\n", zone / "temp": "310\n"})
    stop = _follow_load(site, lambda _, busy: replace_text(zone / "temp", f"{round(310 + 590 * min(busy, 1.0))}\n"))
    return in_turn(frozen, back, stop)


_BEGIN: dict[str, Callable[[Site, Path], End]] = {
    "frozen": _frozen,
    "fails": _at_times(_dead),
    "zero": _at_times(_off),
    "dead": _dead,
    "off": _off,
    "blocks": _blocks,
    "current": _current,
}


def _follow_load(site: Site, act: Callable[[float, float], None]) -> End:
    """Calls ``act(seconds, busy CPUs)`` regularly until the end."""
    over = False
    base = site.spec["id_base"]
    last = (time.monotonic(), cpu_seconds(base))

    def tick() -> None:
        nonlocal last
        if over:
            return
        now = (time.monotonic(), cpu_seconds(base))
        seconds = max(now[0] - last[0], 1e-3)
        # After a reboot less CPU time is on the books than before it.
        act(seconds, max(now[1] - last[1], 0.0) / seconds)
        last = now
        site.after(_TICK_S, tick)

    def end() -> None:
        nonlocal over
        over = True

    site.after(_TICK_S, tick)
    return end


def _throttle(site: Site, trip: int) -> End:
    """All zones, the status, the clocks and the battery's counters follow one Body and its load."""
    zones = [(zone / "temp", site.spec["zone_scales"].get(_kind_of(zone), 1000)) for zone in _zones(site)]
    policies = sorted((site.folder / "sys" / "devices" / "system" / "cpu" / "cpufreq").iterdir())
    steps = {
        policy: sorted(int(line.split()[0]) for line in (policy / "stats" / "time_in_state").read_text().splitlines())
        for policy in policies
    }
    status = site.folder / "services" / "thermal" / "status"
    touched = [temp for temp, _ in zones] + [policy / name for policy in policies for name in (*_CLOCKS, _TIMES)]
    supply = site.folder / "sys" / POWER_SUPPLY
    touched += [status, supply / "current_now", supply / "charge_counter"]
    back = replaced({path: path.read_text() for path in touched if path.is_file()})
    body = Body(float(trip))
    charge = float((supply / "charge_counter").read_text())

    def act(seconds: float, busy: float) -> None:
        nonlocal body, charge
        microampere = current_ua(busy)
        charge -= microampere * seconds / 3600
        replace_text(supply / "current_now", f"{-round(microampere)}\n")
        replace_text(supply / "charge_counter", f"{round(charge)}\n")
        body = body.after(seconds, busy)
        for temp, scale in zones:
            if not temp.with_name(_FROZEN).exists():
                replace_text(temp, f"{round(body.celsius * scale)}\n")
        for policy in policies:
            clock = body.clock(steps[policy])
            count_time(policy, clock, round(seconds * _TICKS))
            for name in _CLOCKS:
                replace_text(policy / name, f"{clock}\n")
        if status.exists():
            replace_text(status, str(body.status))

    return in_turn(back, _follow_load(site, act))


_TICKS = 100  # of time_in_state in a second
_TIMES = "stats/time_in_state"
_CLOCKS = ("scaling_max_freq", "scaling_cur_freq")


def _thermal(site: Site, mode: str) -> End:
    folder = site.folder / "services" / "thermal"
    if not folder.is_dir():
        raise ValueError("this phone's Android is too old for a thermal service")
    if mode == "not-ready":
        return replaced({folder / "ready": "false"})
    if mode == "override":
        return replaced({folder / "override": "true", folder / "status": "0"})
    return replaced({folder / "status": "3"})


def _hot(site: Site, celsius: int) -> End:
    texts = {
        zone / "temp": f"{celsius * site.spec['zone_scales'].get(_kind_of(zone), 1000)}\n" for zone in _zones(site)
    }
    return replaced({**texts, site.folder / "services" / "battery" / "temperature": str(celsius * 10)})


KINDS: dict[str, Kind[Any]] = {
    "zone": Kind(
        "Thermal zones do not move (frozen), cannot be read at times (fails) or ever (dead), read 0 at times (zero) or "
        "always (off), never answer (blocks), or count milliamperes (current).",
        Value(f"{'|'.join(_MODES)}[:TYPE]", _zone_value),
        _zone,
        many=True,
    ),
    "thermal": Kind(
        "dumpsys thermalservice: the HAL is not ready, the status is overridden, or severe.",
        choice("not-ready", "override", "severe"),
        _thermal,
    ),
    "hot": Kind("All zones and the battery have this temperature.", number("CELSIUS", -20, 120, default=48), _hot),
    "throttle": Kind(
        "Temperature and the battery's current rise with the CPU time of the phone's programs; "
        "each degree from CELSIUS on takes a clock away.",
        number("CELSIUS", 20, 120, default=40),
        _throttle,
    ),
}
