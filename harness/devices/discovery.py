"""Finds devices: phones of adb servers and this machine; says of each that cannot be used what to do."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING

from harness.devices.base import LOCAL, AdbServer, Attached, Device, Unusable
from harness.devices.local import LocalDevice
from harness.errors import DeviceError, InfrastructureError, NoDeviceError

if TYPE_CHECKING:
    from harness.devices.adb import AdbDevice
    from harness.devices.transport import Server

ALL = "all"
ABI = "arm64-v8a"

_REMEDIES = {
    "unauthorized": "unlock the phone and accept its question about USB debugging; "
    "where it does not ask: revoke USB debugging authorizations in its developer options and plug it in again",
    "authorizing": "wait a moment, and accept the phone's question about USB debugging",
    "offline": "plug it in again, or `adb reconnect offline`; over Wi-Fi: `adb disconnect` and `adb connect` again",
    "connecting": "wait a moment and try again",
    "bootloader": "start Android: `fastboot reboot`",
    "recovery": "start Android: `adb reboot`",
    "rescue": "start Android: `adb reboot`",
    "sideload": "let the sideload end, then start Android: `adb reboot`",
    "host": "this entry is a host, not a phone",
    "no permissions": "give yourself access to the USB device: on Linux install android-sdk-platform-tools-common "
    "(udev rules), join the group plugdev, and plug the phone in again",
}
_STARTING = "wait until Android has started"


@dataclass(frozen=True)
class _Listed:
    server: Server
    serial: str
    state: str


def find(serials: Sequence[str], servers: Sequence[str]) -> Attached:
    """The devices that ``serials`` select; with none of them every attached phone.

    ``serials`` may hold "local" (this machine) and "all" (every usable phone). ``servers``: adb servers as HOST:PORT;
    none: adb's own default. adb is neither asked nor started where only "local" is wanted.
    Raises NoDeviceError for a serial that no server lists, InfrastructureError for a server that does not answer.
    A phone listed twice (USB and Wi-Fi) appears once.
    """
    wanted = [serial for serial in dict.fromkeys(serials) if serial not in (LOCAL, ALL)]
    devices: list[Device] = [LocalDevice()] if LOCAL in serials else []
    if serials and not wanted and ALL not in serials:
        return Attached(devices=tuple(devices))
    asked = _choose(servers)
    listed = _list(asked)
    if wanted and ALL not in serials:
        listed = [entry for entry in listed if entry.serial in wanted]
    _refuse_unknown(wanted, listed)
    unusable = [_unusable(entry) for entry in listed if entry.state != "device"]
    ready = [entry for entry in listed if entry.state == "device"]
    with ThreadPoolExecutor(max_workers=8) as pool:
        probed = list(pool.map(_probe, ready))
    unusable += [result for result in probed if isinstance(result, Unusable)]
    phones = _distinct([result for result in probed if not isinstance(result, Unusable)], wanted)
    return Attached(
        devices=(*devices, *phones),
        unusable=tuple(_not_seen_elsewhere(unusable, phones, wanted)),
        servers=tuple(AdbServer(str(server), server.adb) for server in asked),
    )


def newcomers(servers: Sequence[str], known: Collection[str]) -> list[Device]:
    """Usable phones that these adb servers list by other serials than the ``known`` ones; no other phone is asked.

    Raises InfrastructureError for a server that does not answer; none is started.
    """
    listed = _list(_choose(servers)) if servers else []
    probed = [_probe(entry) for entry in listed if entry.state == "device" and entry.serial not in known]
    return list(_distinct([result for result in probed if not isinstance(result, Unusable)], ()))


def _choose(servers: Sequence[str]) -> tuple[Server, ...]:
    from harness.devices.servers import choose  # noqa: PLC0415  adb's modules are not loaded for "local"

    return choose(servers)


def _list(servers: Sequence[Server]) -> list[_Listed]:
    entries = []
    for server in servers:
        try:
            text = server.query("host:devices")
        except Exception as error:
            raise InfrastructureError(f"adb server {server} gave no list of devices ({error})") from None
        for line in text.splitlines():
            serial, _, state = line.strip().partition("\t")
            if serial and state:
                entries.append(_Listed(server, serial, state.strip()))
    return entries


def _refuse_unknown(wanted: Sequence[str], listed: Sequence[_Listed]) -> None:
    known = {entry.serial for entry in listed}
    for serial in wanted:
        if serial not in known:
            raise NoDeviceError(
                f"device {serial!r} is not attached",
                "`harness devices` lists what is; `--device local` is this machine",
            )


def _unusable(entry: _Listed) -> Unusable:
    name = next((name for name in _REMEDIES if entry.state.startswith(name)), "")
    remedy = _REMEDIES.get(name, "see `adb devices -l`; plug it in again")
    return Unusable(entry.serial, name or entry.state, remedy)


def _probe(entry: _Listed) -> AdbDevice | Unusable:
    """The device behind an entry, with its identity read, or why it cannot be used."""
    from harness.devices.adb import AdbDevice  # noqa: PLC0415
    from harness.devices.transport import Transport  # noqa: PLC0415

    transport = Transport(entry.server, entry.serial)
    try:
        if "shell_v2" not in transport.features():
            return Unusable(
                entry.serial,
                "no shell v2",
                "its adb daemon gives no exit codes (Android before 7.0): such phones are not supported",
            )
        device = AdbDevice(transport)
        abis = device.identity.abis
    except DeviceError as error:
        return Unusable(entry.serial, "no answer", f"{error.message}; plug it in again")
    if device.properties.get("sys.boot_completed") != "1":
        return Unusable(entry.serial, "starting", _STARTING)
    if ABI not in abis:
        return Unusable(entry.serial, f"no {ABI}", f"it runs {', '.join(abis) or 'nothing known'}: not built yet")
    return device


def _not_seen_elsewhere(
    unusable: Sequence[Unusable], phones: Sequence[AdbDevice], wanted: Sequence[str]
) -> list[Unusable]:
    """Without entries by Wi-Fi (adb-SERIALNO-...) of phones that are usable by cable, unless they were named."""
    known = tuple(f"adb-{serialno}-" for phone in phones if (serialno := phone.properties.get("ro.serialno")))
    return [entry for entry in unusable if entry.serial in wanted or not entry.serial.startswith(known or ("\0",))]


def _distinct(devices: Sequence[AdbDevice], wanted: Sequence[str]) -> list[AdbDevice]:
    """One entry per phone. Kept is the one that was named, else the one by USB.

    Cheap phones share a made-up ro.serialno, so the boot id has to be the same too.
    """

    def rank(device: AdbDevice) -> tuple[bool, bool]:
        wireless = ":" in device.serial or "._adb-tls-" in device.serial
        return device.serial not in wanted, wireless

    kept: dict[tuple[str, str], AdbDevice] = {}
    for device in sorted(devices, key=rank):
        key = (device.properties.get("ro.serialno", ""), device.identity.boot_id)
        if not all(key):
            key = (device.identity.host, device.serial)
        kept.setdefault(key, device)
    return [device for device in devices if any(device is one for one in kept.values())]
