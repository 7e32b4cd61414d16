"""The host's adb server as the lab needs it: attach a phone, detach it, ask for its state.

ANDROID_ADB_SERVER_PORT says which server.
"""

from __future__ import annotations

import functools
import os
import subprocess
import time

import adbutils

from harness.errors import InfrastructureError


def _program() -> str:
    """The adb program that adbutils uses as well. Raises InfrastructureError."""
    return _find_program(os.environ.get("ADBUTILS_ADB_PATH", ""), os.environ.get("PATH", ""))


@functools.cache  # it tries the program out each time
def _find_program(_named: str, _path: str) -> str:
    try:
        return str(adbutils.adb_path())
    except adbutils.AdbError as error:
        raise InfrastructureError(
            f"no adb that runs: {error}",
            "Install the adbutils wheel again; check ADBUTILS_ADB_PATH and ANDROID_ADB_SERVER_PORT.",
        ) from error


def _adb(*arguments: str, timeout_s: float = 20.0) -> str:
    """What adb prints, on both outputs. Raises InfrastructureError where it cannot be run or hangs."""
    try:
        done = subprocess.run(
            [_program(), *arguments],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=timeout_s,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise InfrastructureError(
            f"adb {arguments[0]} did not answer within {timeout_s:.0f} s", "Try: adb kill-server"
        ) from error
    except OSError as error:
        raise InfrastructureError(f"adb cannot be run: {error}", "Install adb, or the adbutils wheel again.") from error
    return done.stdout.decode("utf-8", "replace").strip()


def connect(serial: str) -> None:
    """``adb connect``; its exit code is 0 even on failure, so the text counts. Raises InfrastructureError."""
    disconnect(serial)  # what the server may remember of an earlier phone on this port
    text = _adb("connect", serial)
    if f"connected to {serial}" not in text and f"failed to authenticate to {serial}" not in text:
        raise InfrastructureError(f"adb server: {text or 'no answer'}", "See `adb devices`; try: adb kill-server")


def disconnect(serial: str) -> None:
    """``adb disconnect``; a phone that is not there is no error."""
    _adb("disconnect", serial)


def state(serial: str) -> str:
    """``device``, ``offline``, ``unauthorized`` ... as `adb devices` shows it; empty where absent."""
    for line in _adb("devices").splitlines():
        name, _, what = line.partition("\t")
        if name == serial:
            return what.strip()
    return ""


def wait_for(serial: str, wanted: str, deadline: float) -> None:
    """Until the server shows ``wanted``; for ``device`` also until it has booted. Raises InfrastructureError."""
    seen = ""
    while time.monotonic() < deadline:
        seen = state(serial)
        if seen == wanted and (
            wanted != "device" or _adb("-s", serial, "shell", "getprop", "sys.boot_completed").endswith("1")
        ):
            return
        time.sleep(0.05)
    raise InfrastructureError(
        f"virtual phone {serial} is {seen or 'absent'}, not {wanted}", "See `adb devices`; try: harness lab down"
    )
