"""Devices of a farm are given back: at a command's end, after a signal, and those that a dead process left."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from contextlib import suppress

from harness.control import farm_leases
from harness.control.farm_leases import FarmLease
from harness.devices import servers
from harness.errors import HarnessError, UsageError
from harness.stf.address import parse_url, read_token
from harness.stf.client import Client, FarmError
from harness.stf.farm import IDLE_S, Farm, FarmDevice

Say = Callable[[str], None]

_RELEASE_S = 20.0  # for each question to the farm: somebody waits for the command's end


def give_back(farm: Farm, leases: Iterable[FarmLease], say: Say) -> bool:
    """Gives the farm its devices back, as far as they are still this user's; whether all are done with.

    What is not stays written down. Where the farm is away the first one tells it for all.
    """
    away = False
    left = []
    for lease in leases:
        with suppress(HarnessError, OSError):
            if lease.address:
                servers.disconnect(lease.adb_server, lease.address)
        try:
            if away:
                left.append(lease.serial)
                continue
            _give_back(farm, lease)
        except HarnessError as error:
            away = isinstance(error, FarmError) and error.status == 0
            left.append(lease.serial)
            say(str(error))
    if left:
        say(
            f"{', '.join(left)}: not given back to {farm.url}; the next command with that --stf does it, or `harness "
            f"restore --stf {farm.url}`, and the farm itself {IDLE_S // 60} minutes after its last use"
        )
    return not left


def _give_back(farm: Farm, lease: FarmLease) -> None:
    try:
        device = farm.device(lease.serial, _RELEASE_S)
        if is_of(device, farm.user(), lease):
            farm.release(lease.serial, _RELEASE_S)
    except FarmError as error:
        if error.status not in (403, 404):  # not this user's, or not there any more
            raise
    farm_leases.forget(lease)


def is_of(device: FarmDevice, user: str, lease: FarmLease) -> bool:
    """Whether the user has the device by that lease, not by a later one: the farm may have freed it meanwhile.

    This process knows what it holds; of a dead one the farm's time of the reservation tells.
    """
    if device.owner != user:
        return False
    return lease.is_ours or not (lease.since and device.since) or lease.since == device.since


def ours(say: Say, farm: str = "") -> list[FarmLease]:
    """The leases of this process; ``farm``: only its."""
    return [lease for lease in farm_leases.known(say, farm) if lease.is_ours]


def give_back_ours(farm: Farm, say: Say) -> bool:
    """Those of this process; a signal in the middle does not keep it from going on. Whether all are given back."""
    address = str(farm.url)
    try:
        return give_back(farm, ours(say, address), say)
    except BaseException:
        give_back(farm, ours(say, address), say)
        raise


def give_back_left(farm: Farm | None, leases: Iterable[FarmLease], say: Say) -> list[FarmLease]:
    """Gives farms their devices back; those leases that stay. ``farm``: the one that was named, None: whichever.

    A farm that is not named gets only the token of STF_TOKEN that it has had before.
    """
    left: list[FarmLease] = []
    by_farm: dict[str, list[FarmLease]] = {}
    for lease in leases:
        by_farm.setdefault(lease.farm, []).append(lease)
    for address, its in by_farm.items():
        try:
            one = farm or Farm(Client(parse_url(address), read_token(None)))
            if farm is None and any(lease.token != one.token_digest for lease in its):
                raise UsageError(f"STF_TOKEN is not the token of {address}", f"name the farm: --stf {address}")
        except HarnessError as error:
            say(f"{', '.join(lease.serial for lease in its)}: still reserved on {address}: {error}")
            left += its
            continue
        if not give_back(one, its, say):
            left += [lease for lease in its if lease.file.exists()]
    return left


def give_back_dead(farm: Farm, say: Say, wanted: Collection[str] | None = ()) -> bool:
    """Those that dead processes left, but the ``wanted`` ones (None: all are wanted); whether all are given back."""
    dead = [lease for lease in farm_leases.known(say, str(farm.url)) if lease.who.is_dead]
    rest = [lease for lease in dead if wanted is not None and lease.serial not in wanted]
    for lease in rest:
        say(f"{lease.serial}: a run that has ended left it reserved on {farm.url}: it is given back")
    return give_back(farm, rest, say)
