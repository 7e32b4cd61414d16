"""What is asked of a device, all at once and each with a time limit of its own."""

from __future__ import annotations

import time
import traceback
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import TypeVar

from harness.control.conditions import folder, left, says
from harness.control.conditions.folder import Folder
from harness.control.conditions.known import NotKnown
from harness.control.conditions.left import Remembered
from harness.control.conditions.says import Battery, Thermal
from harness.control.holder import Holder
from harness.control.occupant import occupant
from harness.control.orphans import Leftover, leftovers
from harness.devices.base import Device, Identity, Topology
from harness.devices.scripts import new_token, script
from harness.errors import HarnessError

T = TypeVar("T")

_DEADLINE_S = 4.0  # of each question; a phone answers within 0.1 s
_SNAPSHOTS = 5
_LOAD_S = 0.5  # before each snapshot but the first
_NO_SERVICE_BELOW = 29  # Android 10 brought the thermal service

# $1 seconds. Work for one core: the shell's own counting.
_LOAD = """
read -r a rest </proc/uptime; a=${a%%.*}
while read -r b rest </proc/uptime && [ $(( ${b%%.*} - a )) -lt $1 ]; do
  i=0; while [ $i -lt 2000 ]; do i=$((i+1)); done
done
"""

# $1 token. Both namespaces in one round trip.
_SETTINGS = 'settings list global; echo; echo "$1"; settings list system; echo; echo "$1"'


@dataclass(frozen=True)
class Facts:
    """What is known of a device; None: its kind has none of it."""

    identity: Identity
    topology: Topology | NotKnown
    folder: Folder | NotKnown
    leftovers: tuple[Leftover, ...] | NotKnown  # of dead runs
    battery: Battery | NotKnown | None
    thermal: Thermal | NotKnown | None
    later: tuple[Thermal, ...] | NotKnown | None  # the same again under load; None: not asked
    zones: int | NotKnown | None  # thermal zones that are there
    settings: Mapping[str, str] | NotKnown | None  # "global low_power" -> "0"
    wakefulness: str | NotKnown | None
    in_use: str  # whose run holds it, of whatever host: then the device was not asked; empty: nobody's
    remembered: Remembered | NotKnown  # by this host


def read(device: Device, *, thorough: bool = False, held: bool = False, own: str = "") -> Facts:
    """Asks everything; never raises for what the device does. ``thorough``: sensors under load too, some seconds.

    A device that somebody holds is not asked: it may be measured just now. ``held``: it is the caller who holds it.
    ``own``: the caller's run, whose folder is nothing that a dead run left.
    """
    user = None if held else _tried(lambda: occupant(device))
    if isinstance(user, Holder):
        return _not_asked(device, str(user))
    thorough = thorough and user is None  # no load where nobody knows
    has = device.identity.capabilities
    with ThreadPoolExecutor(max_workers=8, thread_name_prefix="doctor") as pool:

        def ask(question: Callable[[], T]) -> Future[T | NotKnown]:
            return pool.submit(_tried, question)

        topology, work = ask(device.topology), ask(lambda: folder.read(device))
        of_runs = ask(lambda: tuple(leftovers(device, own, deadline_s=_DEADLINE_S)))
        battery = ask(lambda: says.battery(_dumpsys(device, "battery"))) if has.has_battery else None
        awake = ask(lambda: says.wakefulness(_dumpsys(device, "power"))) if has.has_settings else None
        listed = ask(lambda: _settings(device)) if has.has_settings else None
        heat = ask(lambda: _thermal(device)) if has.has_settings else None
        zones = ask(lambda: _zones(device)) if has.has_settings else None
        thermal = None if heat is None else heat.result()
        later: tuple[Thermal, ...] | NotKnown | None = None
        if thorough and isinstance(thermal, Thermal):
            later = _tried(lambda: _under_load(device, pool))
        return Facts(
            identity=device.identity,
            topology=topology.result(),
            folder=work.result(),
            leftovers=of_runs.result(),
            battery=None if battery is None else battery.result(),
            thermal=thermal,
            later=later,
            zones=None if zones is None else zones.result(),
            settings=None if listed is None else listed.result(),
            wakefulness=None if awake is None else awake.result(),
            in_use="",
            remembered=_tried(lambda: left.remembered(device)),
        )


def _not_asked(device: Device, user: str) -> Facts:
    why = NotKnown(f"in use by {user}: it was not asked")
    has = device.identity.capabilities
    of_android = why if has.has_settings else None
    return Facts(
        identity=device.identity,
        topology=why,
        folder=why,
        leftovers=why,
        battery=why if has.has_battery else None,
        thermal=of_android,
        later=None,
        zones=of_android,
        settings=of_android,
        wakefulness=of_android,
        in_use=user,
        remembered=_tried(lambda: left.remembered(device)),
    )


def _tried(question: Callable[[], T]) -> T | NotKnown:
    try:
        return question()
    except NotKnown as why:
        return why
    except HarnessError as error:
        return NotKnown(error.message)
    except Exception as error:  # a fault of ours in one question must not take the others with it
        traceback.print_exc()
        return NotKnown(f"{type(error).__name__}: {error}")


def _dumpsys(device: Device, service: str) -> str:
    done = device.run(["dumpsys", service], deadline_s=_DEADLINE_S)
    return done.text[:200_000] + done.stderr[:2000].decode("utf-8", "replace")


def _thermal(device: Device) -> Thermal | None:
    if 0 < device.identity.sdk < _NO_SERVICE_BELOW:
        return None
    return says.thermal(_dumpsys(device, "thermalservice"))


def _zones(device: Device) -> int:
    return sum(name.startswith("thermal_zone") for name in device.list_dir("/sys/class/thermal"))


def _settings(device: Device) -> Mapping[str, str]:
    token = new_token()
    done = device.run(script(_SETTINGS, token), deadline_s=_DEADLINE_S)
    parts = done.text.split(f"\n{token}\n")
    if len(parts) != 3:
        raise NotKnown("settings list was cut")
    return {
        f"{namespace} {key}": value
        for namespace, part in zip(("global", "system"), parts, strict=False)
        for key, value in says.settings(part).items()
    }


def _under_load(device: Device, pool: ThreadPoolExecutor) -> tuple[Thermal, ...]:
    """Snapshots while a core works. Raises HarnessError, NotKnown."""
    seconds = round(_LOAD_S * _SNAPSHOTS)
    work = pool.submit(_tried, lambda: device.run(script(_LOAD, str(seconds)), deadline_s=seconds + _DEADLINE_S))
    found = []
    for _ in range(_SNAPSHOTS - 1):
        time.sleep(_LOAD_S)
        if (snapshot := _thermal(device)) is not None:
            found.append(snapshot)
    work.result()
    return tuple(found)
