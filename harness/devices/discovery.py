"""Finds devices: phones of adb servers and this machine; says of each that cannot be used what to do."""

from __future__ import annotations

import time
from collections.abc import Collection, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING

from harness.devices.base import (
    LOCAL,
    AdbServer,
    Attached,
    Device,
    Key,
    Unusable,
    has_address,
    is_network_address,
    key_of,
)
from harness.devices.listing import Listed, entries
from harness.devices.local import LocalDevice
from harness.devices.phone_id import PhoneId
from harness.errors import DeviceError, InfrastructureError, NoDeviceError, UsageError
from harness.model.abi import PHONE_ABIS, abi_for
from harness.model.condition import Condition
from harness.paths import state_folder, state_root

if TYPE_CHECKING:
    from harness.devices.adb import AdbDevice
    from harness.devices.transport import Server

ALL = "all"
_NOT_READY = "NOT_READY"

# The beginning of adb's state -> the condition, and what to do; any other state is NOT_READY too.
_STATES = {
    "unauthorized": (
        "UNAUTHORIZED",
        "unlock the phone and accept its question about USB debugging; where it does not ask: revoke USB debugging "
        "authorizations in its developer options and plug it in again",
    ),
    "authorizing": (_NOT_READY, "wait a moment, and accept the phone's question about USB debugging"),
    "offline": (
        "OFFLINE",
        "plug it in again, or `adb reconnect offline`; over Wi-Fi: `adb disconnect` and `adb connect` again",
    ),
    "connecting": (_NOT_READY, "wait a moment and try again"),
    "detached": (
        _NOT_READY,
        "`adb attach` gives it back to this adb server (`adb detach` has let another program have it)",
    ),
    "bootloader": (_NOT_READY, "start Android: `fastboot reboot`"),
    "recovery": (_NOT_READY, "start Android: `adb reboot`"),
    "rescue": (_NOT_READY, "start Android: `adb reboot`"),
    "sideload": (_NOT_READY, "let the sideload end, then start Android: `adb reboot`"),
    "host": (_NOT_READY, "this entry is a host, not a phone"),
    "no permissions": (
        "NO_PERMISSIONS",
        "give yourself access to the USB device: on Linux install android-sdk-platform-tools-common (udev rules), "
        "join the group plugdev, and plug the phone in again",
    ),
}
STARTING = "STARTING"  # the condition of a phone that is not known to have started
_SOON_S, _LATER_S = 5.0, 60.0  # until a phone that could not be used is asked again within a run; doubled each time
_SHARED = "same-serial"  # the state folder's folder with a file for each serial number that several phones have


def find(serials: Sequence[str], servers: Sequence[str], allow: Collection[str] = ()) -> Attached:
    """The devices that ``serials`` select; with none of them every attached phone. ``allow``: conditions that do not
    make a phone unusable (STARTING).

    ``serials`` may hold "local" (this machine) and "all" (every usable phone). ``servers``: adb servers as HOST:PORT;
    none: adb's own default. adb is neither asked nor started where only "local" is wanted.
    Raises NoDeviceError for a serial that no server lists, UsageError for one that several phones of a server have,
    InfrastructureError for a server that does not answer. A phone listed twice (USB and Wi-Fi) appears once.
    """
    wanted = [serial for serial in dict.fromkeys(serials) if serial not in (LOCAL, ALL)]
    devices: list[Device] = [LocalDevice()] if LOCAL in serials else []
    if serials and not wanted and ALL not in serials:
        return Attached(devices=tuple(devices))
    asked = _choose(servers)
    listed = _list(asked)
    _refuse_unknown(wanted, listed)
    if wanted and ALL not in serials:
        listed = [entry for entry in listed if entry.serial in wanted]
    unusable = [_unusable(entry) for entry in listed if entry.state != "device"]
    ready = [entry for entry in listed if entry.state == "device"]
    probed = _probe_all(ready, allow)
    unusable += [result for result in probed if isinstance(result, Unusable)]
    phones = [result for result in probed if not isinstance(result, Unusable)]
    found = _found(_distinct(phones, wanted))
    return replace(
        found,
        devices=(*devices, *found.devices),
        unusable=tuple(_not_seen_elsewhere(unusable, [phone.identity.serialno for phone in phones], wanted)),
        servers=tuple(AdbServer(str(server), server.adb) for server in asked),
    )


def _found(phones: Sequence[tuple[AdbDevice, tuple[str, ...]]], beside: Sequence[Device] = ()) -> Attached:
    """Phones with their other names, and the conditions that they are found in. ``beside``: see Newcomers."""
    alike = _sharing([phone for phone, _ in phones], beside)
    conditions = {
        key_of(phone): (*_started(phone), *_connections(phone, others), *_shared(phone, count))
        for (phone, others), count in zip(phones, alike, strict=True)
    }
    return Attached(
        devices=tuple(phone for phone, _ in phones),
        conditions={key: found for key, found in conditions.items() if found},
        other_names={key_of(phone): others for phone, others in phones if others},
    )


class Newcomers:
    """Looks for phones that are attached by now at these adb servers.

    One that cannot be used yet is asked again after a while, not at every look.
    """

    def __init__(self, servers: Sequence[str], allow: Collection[str] = ()) -> None:
        """``allow``: as in find."""
        self._servers = servers
        self._allow = allow
        self._useless: dict[Key, tuple[float, float, Unusable]] = {}  # when it is asked again, after how long, and why

    def __call__(self, known: Collection[Key], beside: Sequence[Device] = ()) -> Attached:
        """Usable phones, without the ``known`` ones, which are not asked, and what cannot be used by now; ``beside``:
        phones that are attached as well, from which each is told apart.

        Raises InfrastructureError for a server that does not answer; none is started.
        """
        now = time.monotonic()
        listed = {_key(entry): entry for entry in (_list(_choose(self._servers)) if self._servers else ())}
        ready = {key: entry for key, entry in listed.items() if entry.state == "device"}
        before = {key: rest for key, rest in self._useless.items() if key in ready}
        asked = [e for key, e in ready.items() if key not in known and (key not in before or before[key][0] <= now)]
        probed = _probe_all(asked, self._allow)
        self._useless = {key: rest for key, rest in before.items() if rest[0] > now}
        for result in probed:
            if isinstance(result, Unusable):
                wait_s = min(2 * before[result.key][1], _LATER_S) if result.key in before else _SOON_S
                self._useless[result.key] = (now + wait_s, wait_s, result)
        phones = [result for result in probed if not isinstance(result, Unusable)]
        unusable = [_unusable(entry) for entry in listed.values() if entry.state != "device"]
        unusable += [why for _, _, why in self._useless.values()]
        numbers = [device.identity.serialno for device in (*phones, *beside)]
        found = _found(_distinct(phones, ()), beside)
        return replace(found, unusable=tuple(_not_seen_elsewhere(unusable, numbers, ())))


def ready(servers: Sequence[str]) -> set[Key]:
    """The phones that these adb servers list as ready; none of them is asked. Raises InfrastructureError."""
    return {_key(entry) for entry in (_list(_choose(servers)) if servers else ()) if entry.state == "device"}


def _key(entry: Listed) -> Key:
    return str(entry.server), entry.serial


def _choose(servers: Sequence[str]) -> tuple[Server, ...]:
    from harness.devices.servers import choose  # noqa: PLC0415  adb's modules are not loaded for "local"

    return choose(servers)


def _list(servers: Sequence[Server]) -> list[Listed]:
    listed: list[Listed] = []
    for server in servers:
        try:
            listed += entries(server)
        except Exception as error:
            raise InfrastructureError(f"adb server {server} gave no list of devices ({error})") from None
    return listed


def _refuse_unknown(wanted: Sequence[str], listed: Sequence[Listed]) -> None:
    known = {entry.serial for entry in listed}
    for serial in wanted:
        several = [entry.serial for entry in listed if entry.twin is not None and entry.twin.listed_as == serial]
        if several:
            raise UsageError(f"--device {serial}: several phones have it", f"name one of: {', '.join(several)}")
        if serial not in known:
            raise NoDeviceError(
                f"device {serial!r} is not attached",
                (f"`adb connect {serial}`; " if has_address(serial) else "")
                + "`harness devices` lists what is; `--device local` is this machine",
            )


def _unusable(entry: Listed) -> Unusable:
    name = next((name for name in _STATES if entry.state.startswith(name)), "")
    condition, remedy = _STATES.get(name, (_NOT_READY, "see `adb devices -l`; plug it in again"))
    return Unusable(entry.serial, name or entry.state, remedy, (condition,), str(entry.server))


def _probe_all(listed: Sequence[Listed], allow: Collection[str]) -> list[AdbDevice | Unusable]:
    if not listed:
        return []
    with ThreadPoolExecutor(max_workers=8) as pool:
        return list(pool.map(lambda entry: _probe(entry, allow), listed))


def _probe(entry: Listed, allow: Collection[str]) -> AdbDevice | Unusable:
    """The device behind an entry, with its identity read, or why it cannot be used."""
    from harness.devices.adb import AdbDevice  # noqa: PLC0415
    from harness.devices.transport import Transport  # noqa: PLC0415

    transport = Transport(entry.server, entry.serial, entry.twin)

    def unusable(condition: str, state: str, remedy: str) -> Unusable:
        return Unusable(entry.serial, state, remedy, (condition,), str(entry.server))

    try:
        if "shell_v2" not in transport.features():
            return unusable(
                "NO_SHELL_V2",
                "no shell v2",
                "its adb daemon gives no exit codes (Android before 7.0): such phones are not supported",
            )
        device = AdbDevice(transport)
        abis = device.identity.abis
    except DeviceError as error:
        return unusable("NO_ANSWER", "no answer", f"{error.message}; plug it in again")
    if not _has_started(device.properties) and STARTING not in allow:
        starting = _starting()
        return Unusable.of(device, "starting", starting.advice, (starting.name,))
    if abi_for(abis) is None:
        remedy = f"it runs {', '.join(abis) or 'nothing known'}: programs are built for {', '.join(PHONE_ABIS)}"
        return Unusable.of(device, "no known ABI", remedy, ("ABI",))
    return device


def _has_started(properties: Mapping[str, str]) -> bool:
    """Some phones never say sys.boot_completed: other signs of a start that came to its end count too."""
    if "1" in (properties.get("sys.boot_completed"), properties.get("dev.bootcomplete")):
        return True
    return not properties.get("sys.boot_completed") and properties.get("init.svc.bootanim") == "stopped"


def _started(phone: AdbDevice) -> list[Condition]:
    if _has_started(phone.properties):
        return []
    return [_starting()]


def _starting() -> Condition:
    return Condition(STARTING, "the phone does not say that Android has started")


def _not_seen_elsewhere(unusable: Sequence[Unusable], numbers: Sequence[str], wanted: Sequence[str]) -> list[Unusable]:
    """Without entries by Wi-Fi (adb-SERIALNO-...) of phones that are usable by cable, unless they were named.

    ``numbers``: the ro.serialno of usable phones, empty where one has none.
    """
    known = tuple(f"adb-{number}-" for number in numbers if number)
    return [entry for entry in unusable if entry.serial in wanted or not entry.serial.startswith(known or ("\0",))]


def _distinct(devices: Sequence[AdbDevice], wanted: Sequence[str]) -> list[tuple[AdbDevice, tuple[str, ...]]]:
    """One entry per phone, with its other names. Kept is the one that was named, else the one by USB."""

    def rank(device: AdbDevice) -> tuple[bool, bool]:
        return device.serial not in wanted, is_network_address(device.serial)

    kept: list[tuple[AdbDevice, list[str]]] = []
    for device in sorted(devices, key=rank):
        names = next((names for one, names in kept if _is_one_phone(one, device)), None)
        if names is None:
            kept.append((device, []))
        else:
            names.append(device.serial)
    return sorted(((one, tuple(names)) for one, names in kept), key=lambda pair: devices.index(pair[0]))


def _is_one_phone(a: Device, b: Device) -> bool:
    """Whether two connections lead to one phone: both are up, so one that started at another time is another one."""
    first, second = PhoneId.of(a.identity), PhoneId.of(b.identity)
    alike = (first.serialno, first.model, first.board) == (second.serialno, second.model, second.board)
    if not alike or (first.second and second.second and first.second != second.second):
        return False
    if a.identity.boot_id and b.identity.boot_id:
        return a.identity.boot_id == b.identity.boot_id
    return first.is_same(second)


def _sharing(phones: Sequence[AdbDevice], beside: Sequence[Device] = ()) -> list[int]:
    """Of each, how many attached phones have its ro.serialno; phones that share one are told so, and it is remembered.

    Where it cannot be written down, it is found again while both are attached. Those ``beside`` keep their names.
    """
    numbers = [_number(phone) for phone in phones]
    counts = [
        numbers.count(number) + sum(_number(other) == number and not _was(other, phone) for other in beside)
        if number
        else 1
        for phone, number in zip(phones, numbers, strict=True)
    ]
    for phone, number, count in zip(phones, numbers, counts, strict=True):
        if count > 1 or (number and _was_shared(number)):
            phone.shares_its_number()
        if count > 1:
            with suppress(InfrastructureError, OSError):
                (state_folder(_SHARED) / number).touch()
    return counts


def _number(device: Device) -> str:
    return PhoneId.of(device.identity).number_digest if device.identity.serialno else ""


def _was(earlier: Device, phone: Device) -> bool:
    """Whether a phone is one that was found earlier, and may have started again since."""
    mark = earlier.identity.second_mark
    return _is_one_phone(earlier, phone) or (mark != "" and mark == phone.identity.second_mark)


def _was_shared(number: str) -> bool:
    try:
        return (state_root() / _SHARED / number).exists()
    except (InfrastructureError, OSError):
        return False


def _connections(phone: AdbDevice, others: Sequence[str]) -> list[Condition]:
    """No address stands in it: conditions go into reports."""
    if not others:
        return []
    kinds = ", ".join("network" if is_network_address(serial) else "USB" for serial in (phone.serial, *others))
    what = f"{1 + len(others)} connections lead to the phone ({kinds}): the first of them is used"
    return [Condition("TWO_CONNECTIONS", what)]


def _shared(phone: AdbDevice, count: int) -> list[Condition]:
    known_by = PhoneId.of(phone.identity).known_by
    if count > 1:
        what = f"{count} attached phones have its serial number; it is told from the others by its {known_by}"
    elif phone.identity.serialno_is_shared and known_by == "address":
        what = "another phone with its serial number was attached before; it is told from that by its address"
    else:
        return []
    return [Condition("SAME_SERIAL", what)]
