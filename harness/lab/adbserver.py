"""The host's adb server as the lab needs it: attach a phone, detach it, ask for its state.

ANDROID_ADB_SERVER_PORT says which server. It is asked over its socket: an adb client would end a server of another
version than its own, and with it the runs on real phones that go by that server.
"""

from __future__ import annotations

import time

from harness.devices import servers
from harness.devices.transport import Deadline, Server, send
from harness.errors import InfrastructureError

_ANSWER_S = 20.0
_ALREADY = "already connected"


def _server() -> Server:
    """The server, started where none runs. Raises InfrastructureError."""
    return servers.choose(())[0]


def connect(serial: str) -> None:
    """``adb connect``; the server's answer is no error even where it failed, so the text counts.

    A connection the server lost is removed by a thread of its own, some time after `adb disconnect` has answered.
    Until then it says "already connected", of what is about to be removed: it is asked again.
    Raises InfrastructureError.
    """
    server = _server()
    deadline = time.monotonic() + _ANSWER_S
    text = _ALREADY
    while text.startswith(_ALREADY) and time.monotonic() < deadline:
        _forget(server, serial)  # what the server may remember of an earlier phone on this port
        try:
            text = server.query(f"host:connect:{serial}", _ANSWER_S).strip()
        except servers.FAILURES as error:
            text = str(error).strip()
        if text.startswith(_ALREADY):
            time.sleep(0.02)
    if not text.startswith((f"connected to {serial}", f"failed to authenticate to {serial}")):
        raise InfrastructureError(
            f"adb server {server}: {text or 'no answer'}", "See `adb devices`; try: adb kill-server"
        )


def disconnect(serial: str) -> None:
    """``adb disconnect``; a phone, or a server, that is not there is no error."""
    _forget(servers.default()[0], serial)


def _forget(server: Server, serial: str) -> None:
    try:
        server.query(f"host:disconnect:{serial}", _ANSWER_S)
    except servers.FAILURES:
        return


def state(serial: str) -> str:
    """``device``, ``offline``, ``unauthorized`` ... as `adb devices` shows it; empty where absent."""
    server = _server()
    try:
        return _listed(server, serial)
    except servers.FAILURES as error:
        raise InfrastructureError(f"adb server {server} gave no list of devices ({error})") from None


def shows_lost(serial: str) -> bool:
    """Whether a server that runs lists it as anything but a device: offline, unauthorized ... None is started."""
    try:
        return _listed(servers.default()[0], serial) not in ("", "device")
    except servers.FAILURES:
        return False


def _listed(server: Server, serial: str) -> str:
    listing = server.query("host:devices", _ANSWER_S)
    for line in listing.splitlines():
        name, _, what = line.partition("\t")
        if name == serial:
            return what.strip()
    return ""


def wait_for(serial: str, wanted: str, deadline: float) -> None:
    """Until the server shows ``wanted``; for ``device`` also until it has booted. Raises InfrastructureError."""
    seen = ""
    while time.monotonic() < deadline:
        seen = state(serial)
        if seen == wanted and (wanted != "device" or _has_booted(serial)):
            return
        time.sleep(0.05)
    raise InfrastructureError(
        f"virtual phone {serial} is {seen or 'absent'}, not {wanted}", "See `adb devices`; try: harness lab down"
    )


def _has_booted(serial: str) -> bool:
    """By the shell service of old, which phones without shell v2 know too."""
    deadline = Deadline(_ANSWER_S)
    try:
        with _server().request(f"host:transport:{serial}", deadline) as connection:
            send(connection, "shell:getprop sys.boot_completed", deadline)
            return str(connection.read_until_close()).strip().endswith("1")
    except servers.FAILURES:
        return False
