"""Devices of an OpenSTF or DeviceFarmer farm: chosen, reserved, connected to adb, and found as attached phones."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

from harness.control import farm_leases
from harness.control.farm_leases import FarmLease, HeldHere
from harness.control.holder import Holder
from harness.devices import discovery, servers
from harness.devices.base import LOCAL, Attached, Unusable
from harness.devices.transport import Server
from harness.errors import HarnessError, NoDeviceError
from harness.measure.farm_release import give_back, give_back_dead, is_of
from harness.stf.farm import Farm, FarmDevice

Say = Callable[[str], None]

_LOOK_S = 5.0  # while a device is waited for
_ATTACH_S = 30.0  # until adb has greeted a phone
_AGAIN_S = 0.5
_MOST_TOGETHER = 8
_KEY_REMEDY = (
    "add the key of the adb server's user (~/.android/adbkey.pub) to your account in the farm's pages: Settings, Keys, "
    "ADB Keys"
)
_IN_USE_REMEDY = "wait until it is free: --wait S; or name another one: harness devices --stf URL"


@dataclass(frozen=True)
class Asked:
    """What is wanted of a farm."""

    wanted: tuple[str, ...]  # serials of the farm, "all", "local"; none: all that are ready and unused
    adb_servers: tuple[str, ...]  # the first one is connected to the phones
    require: int  # at least so many devices
    wait_s: float
    allow: Collection[str] = ()  # as in discovery.find

    @property
    def serials(self) -> tuple[str, ...] | None:
        """Those that are named; None: all."""
        named = tuple(dict.fromkeys(word for word in self.wanted if word not in (LOCAL, discovery.ALL)))
        return None if discovery.ALL in self.wanted or not self.wanted else named

    @property
    def at_least(self) -> int:
        """Of the farm, beside this machine."""
        return max(1, self.require - (LOCAL in self.wanted))


def find(farm: Farm, asked: Asked, say: Say) -> Attached:
    """The devices that are wanted, reserved and connected. They stay so until farm_release gives them back.

    Raises NoDeviceError where the farm does not have one, or too few are free within ``wait_s``; InfrastructureError
    for a farm or an adb server that does not answer.
    """
    if asked.serials == ():
        return discovery.find(asked.wanted, asked.adb_servers, asked.allow)
    server = servers.choose(asked.adb_servers)[0]
    give_back_dead(farm, say, asked.serials)
    chosen, away = _choose(farm, asked, say)
    with ThreadPoolExecutor(_MOST_TOGETHER) as pool:
        try:
            taken = list(pool.map(lambda device: _taken(farm, device, str(server), say), chosen))
        except BaseException:  # a signal: no further one is asked for
            pool.shutdown(cancel_futures=True)
            raise
    leases = [each for each in taken if isinstance(each, FarmLease)]
    refused = [each for each in taken if isinstance(each, Unusable)]
    listed = _greeted(server, [lease.address for lease in leases])
    leases = [_noted(farm, lease) for lease in leases]
    here = [LOCAL] if LOCAL in asked.wanted else []
    wanted = [*here, *(lease.address for lease in leases if lease.address in listed)]
    found = discovery.find(wanted, [str(server)], asked.allow) if wanted else Attached()
    refused += [
        _unusable(lease.serial, "no answer", f"adb cannot reach it at {lease.address}: {_KEY_REMEDY}", "NO_ANSWER")
        for lease in leases
        if lease.address not in listed
    ]
    unusable = [*map(_with_farms_remedy, found.unusable), *refused, *map(_unusable_of, away)]
    names = {(str(server), lease.address): (lease.serial,) for lease in leases}  # serials that the command line has
    return replace(found, unusable=tuple(unusable), other_names={**found.other_names, **names})


def _choose(farm: Farm, asked: Asked, say: Say) -> tuple[list[FarmDevice], list[FarmDevice]]:
    """Devices that can be had, and those of the named ones that cannot. Waits for them."""
    until = time.monotonic() + asked.wait_s
    told = ""
    while True:
        every = farm.devices()
        meant = _meant(farm, every, asked.serials)
        leases = {lease.serial: lease for lease in farm_leases.known(say, str(farm.url))}
        chosen = [device for device in meant if device.is_free or _is_left(farm, device, leases.get(device.serial))]
        away = [device for device in meant if device not in chosen]
        enough = len(chosen) >= (asked.at_least if asked.serials is None else max(len(meant), asked.at_least))
        left = until - time.monotonic()
        if enough or left <= 0:
            break
        words = "; ".join(f"{device.serial} is {device.state_in_words}" for device in away) or "it has no device"
        if words != told:
            told = words
            say(f"waiting for up to {left:.0f} s for devices of {farm.url}: {words}")
        time.sleep(min(_LOOK_S, left))
    if len(chosen) < asked.at_least:
        raise _too_few(farm, asked, len(chosen), away)
    if asked.serials is None:
        return chosen, []
    for device in away:
        say(f"{device.serial}: {device.state_in_words}")
    return chosen, away


def _meant(farm: Farm, every: dict[str, FarmDevice], serials: tuple[str, ...] | None) -> list[FarmDevice]:
    if serials is None:
        return list(every.values())
    for serial in serials:
        if serial not in every:
            raise NoDeviceError(
                f"the farm {farm.url} has no device {serial!r} for you ({len(every)} others)",
                f"`harness devices --stf {farm.url}` lists them; a group of the farm may keep it from you",
            )
    return [every[serial] for serial in serials]


def _is_left(farm: Farm, device: FarmDevice, lease: FarmLease | None) -> bool:
    """Whether this process has the device, or a dead one left it."""
    if lease is None or not device.present or not device.ready or not is_of(device, farm.user(), lease):
        return False
    return lease.is_ours or lease.who.is_dead


def _too_few(farm: Farm, asked: Asked, count: int, away: Sequence[FarmDevice]) -> NoDeviceError:
    words = "; ".join(f"{device.serial} is {device.state_in_words}" for device in away[:20])
    more = f"; {len(away) - 20} more" if len(away) > 20 else ""
    after = f" after {asked.wait_s:g} s" if asked.wait_s else ""
    return NoDeviceError(
        f"{count} of the {asked.at_least} devices that are wanted of the farm {farm.url} can be had{after}: "
        f"{words or 'it shows none to you'}{more}",
        "wait longer: --wait S; or name others: harness devices --stf URL",
    )


def _taken(farm: Farm, device: FarmDevice, server: str, say: Say) -> FarmLease | Unusable:
    """The device's lease, with adb's connection under way; else why not, and it is given back."""
    serial = device.serial
    lease = FarmLease(
        farm=str(farm.url), serial=serial, token=farm.token_digest, holder=Holder.me().line, adb_server=server
    )
    try:
        farm_leases.claim(lease, free=device.is_free, say=say)
    except HeldHere as error:
        say(str(error))
        return _unusable(serial, "in use", _IN_USE_REMEDY, "NOT_READY")
    try:
        if device.is_free:
            farm.reserve(serial)
        lease = lease.model_copy(update={"address": farm.connect(serial)})
        farm_leases.keep(lease)
        servers.connect(server, lease.address)
    except HarnessError as error:
        give_back(farm, [lease], say)
        return _unusable(serial, "not to be had", f"{error.message}; {error.remedy}", "NOT_READY")
    say(f"{serial}: reserved on {farm.url}, at {lease.address}")
    return lease


def _greeted(server: Server, addresses: Sequence[str]) -> set[str]:
    """Those of the addresses that adb lists, when all are ready or _ATTACH_S are over."""
    until = time.monotonic() + _ATTACH_S
    while True:
        states = servers.states(server)
        if all(states.get(address) == "device" for address in addresses) or time.monotonic() > until:
            return {address for address in addresses if address in states}
        time.sleep(_AGAIN_S)


def _noted(farm: Farm, lease: FarmLease) -> FarmLease:
    """With the farm's time of the reservation, by which it is known later. Its database lags behind its answers."""
    try:
        lease = lease.model_copy(update={"since": farm.device(lease.serial).since})
    except HarnessError:
        return lease  # then whoever finds it later goes by the user alone
    farm_leases.keep(lease)
    return lease


def _unusable(serial: str, state: str, remedy: str, condition: str, model: str = "") -> Unusable:
    return Unusable(serial, state, remedy, (condition,), model=model)


def _unusable_of(device: FarmDevice) -> Unusable:
    """Who has it is told on the terminal alone: this goes into the run directory."""
    remedy = _IN_USE_REMEDY if device.state == "in use" else "see the farm's pages, or whoever runs it"
    return _unusable(device.serial, device.state, remedy, "NOT_READY", device.model)


def _with_farms_remedy(phone: Unusable) -> Unusable:
    keyless = {"UNAUTHORIZED", "OFFLINE"} & set(phone.conditions) or phone.state in ("authorizing", "connecting")
    return replace(phone, remedy=_KEY_REMEDY) if keyless else phone
