"""Virtual phones as a whole: started, listed, ended. Each is a daemon of its own with a folder of state."""

from __future__ import annotations

import contextlib
import os
import platform
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from filelock import FileLock

from harness import paths
from harness.errors import InfrastructureError
from harness.lab import adbserver, namespaces
from harness.lab.model import PhoneModel, phone_model
from harness.lab.ports import FIRST_PORT, HOST, LAST_PORT, reserve
from harness.lab.properties import properties as phone_properties
from harness.lab.properties import serial_number, spec_of, write_state
from harness.lab.root import host_tools
from harness.lab.state import State
from harness.model.device_model import load_device_model

_ID_SPACE = 0x40000000  # the host's numbers of the phones' users, out of the way of real users and other containers
_UP_TIMEOUT_S = 30.0

Say = Callable[[str], None]


@dataclass(frozen=True)
class PhoneHandle:
    """A running phone. ``root`` is its state folder (state.py says what lies there); ``pid`` its supervisor."""

    serial: str
    model: str
    port: int
    pid: int
    root: Path


@dataclass(frozen=True)
class PhoneOptions:
    """How phones differ from their model. Times in seconds; ``disk_bytes`` is the size of /data."""

    properties: Mapping[str, str] = field(default_factory=dict)
    shell_v2: bool = True
    authorized: bool = True
    disk_bytes: int = 1 << 30
    boot_s: float = 0.1  # from adbd's start to sys.boot_completed
    reboot_s: float = 0.5  # how long it is away
    port: int | None = None  # an earlier phone's, whose address it gets; None: the first free one


def lab_root() -> Path:
    """The folder of all phones' state folders."""
    return paths.state_root() / "lab"


def up(
    models: Sequence[str],
    *,
    say: Say,
    properties: Mapping[str, str] | None = None,
    options: PhoneOptions | None = None,
) -> list[PhoneHandle]:
    """Starts a phone of each model; returns when the adb server has them and sys.boot_completed is 1.

    ``properties`` override the models' (ro.product.model ...). All or none come up. Raises UsageError for an unknown
    model, InfrastructureError where this host cannot run phones.
    """
    options = options or PhoneOptions()
    overrides = dict(options.properties) | dict(properties or {})
    loaded = [load_device_model(name) for name in models]
    wanted = [phone_model(model.id, model.model_dump()) for model in loaded]
    tools = check_host(model.abis[0] for model in wanted)
    started: list[State] = []
    begun = time.monotonic()
    try:
        with _lock():
            _clean()
            launches = []
            for model in wanted:
                state, launch = _launch(model, tools, options, overrides)
                started.append(state)
                launches.append(launch)
            for launch in launches:
                launch.wait()
            handles = [_await_boot(state, begun + _UP_TIMEOUT_S) for state in started]
        for handle in handles:
            adbserver.connect(handle.serial)
        for handle in handles:
            adbserver.wait_for(handle.serial, "device" if options.authorized else "unauthorized", begun + _UP_TIMEOUT_S)
            say(f"{handle.serial}  {handle.model}  up after {time.monotonic() - begun:.1f} s (emulated)")
    except BaseException:
        _end_all(started)
        raise
    return handles


def down(serials: Iterable[str] | None = None) -> list[str]:
    """Ends the named phones, or all: their processes, mounts, state folders, their place in the adb server.

    Returns the serials that were ended. Raises InfrastructureError for one that is not there.
    """
    with _lock():
        known = {state.folder.name: state for state in _states()}
        chosen = list(known) if serials is None else list(serials)
        for serial in chosen:
            if serial not in known:
                raise InfrastructureError(f"no virtual phone {serial}", "See: harness lab list")
        _end_all(known[serial] for serial in chosen)
    return chosen


def list_phones() -> list[PhoneHandle]:
    """The running phones by port; what a crashed one left is cleaned up."""
    if not lab_root().is_dir():
        return []
    with _lock():
        _clean()
        return sorted((_handle(state) for state in _states()), key=lambda handle: handle.port)


def check_host(abis: Iterable[str] = ("arm64-v8a",)) -> dict[str, str]:
    """The host's programs that phones of these ABIs are made of.

    Raises InfrastructureError where this host cannot run phones.
    """
    if platform.system() != "Linux" or not namespaces.supported_machine():
        raise InfrastructureError(
            f"virtual phones need Linux on x86-64 or arm64, not {platform.system()} {platform.machine()}",
            "Use a real phone, or --device local.",
        )
    if os.geteuid() != 0:
        raise InfrastructureError(
            "virtual phones need root: each has namespaces, mounts and users of its own",
            'Run it as root, for example: sudo env PATH="$PATH" harness lab up MODEL',
        )
    return host_tools(abis)


def _lock() -> FileLock:
    lab_root().mkdir(parents=True, exist_ok=True)
    return FileLock(lab_root() / ".lock", timeout=60)


def _states() -> list[State]:
    return [State(folder) for folder in sorted(lab_root().iterdir()) if folder.is_dir()]


def _handle(state: State) -> PhoneHandle:
    spec = state.read_spec()
    return PhoneHandle(state.folder.name, spec["model"], spec["port"], state.pid("supervisor"), state.folder)


def _launch(
    model: PhoneModel, tools: Mapping[str, str], options: PhoneOptions, overrides: Mapping[str, str]
) -> tuple[State, subprocess.Popen[bytes]]:
    """Makes a phone's state folder and starts its supervisor, which detaches itself."""
    with _listener(options.port) as (listener, reservation):
        port = listener.getsockname()[1]
        folder = lab_root() / f"{HOST}:{port}"
        folder.mkdir(mode=0o755)
        state = State(folder)
        props = phone_properties(model, serial_number(model, port), overrides)
        write_state(folder, model, props)
        state.write_spec(_spec(model, port, tools, options, props))
        with (folder / "log").open("ab") as log:
            launch = subprocess.Popen(
                [sys.executable, "-P", "-X", "utf8", "-m", "harness.lab.phone", str(folder), str(listener.fileno())],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                pass_fds=[listener.fileno(), reservation.fileno()],
                start_new_session=True,
                cwd="/",
                env={"PYTHONPATH": str(Path(__file__).resolve().parents[2]), "PATH": "/usr/sbin:/usr/bin:/sbin:/bin"},
            )
    return state, launch


def _spec(
    model: PhoneModel, port: int, tools: Mapping[str, str], options: PhoneOptions, props: Mapping[str, str]
) -> dict[str, Any]:
    return {
        **spec_of(model, props),
        "port": port,
        "tools": dict(tools),
        "id_base": _ID_SPACE + (port - FIRST_PORT) * 65536,
        "shell_v2": options.shell_v2,
        "authorized": options.authorized,
        "disk_bytes": options.disk_bytes,
        "boot_s": options.boot_s,
        "reboot_s": options.reboot_s,
    }


@contextlib.contextmanager
def _listener(wanted: int | None) -> Iterator[tuple[socket.socket, socket.socket]]:
    """A socket that listens on the wanted or the first free port, and one whose name reserves the port among phones.

    The supervisor inherits both, so nobody takes the port in between, nor while the phone is away and does not listen.
    """
    first, last = (FIRST_PORT, LAST_PORT) if wanted is None else (wanted, wanted)
    for port in range(first, last + 1):
        if (lab_root() / f"{HOST}:{port}").exists():
            continue
        if found := reserve(port):
            with found[0], found[1]:
                yield found
            return
    raise InfrastructureError(f"no free port from {first} to {last}", "End phones: harness lab down")


def _await_boot(state: State, deadline: float) -> PhoneHandle:
    while time.monotonic() < deadline:
        if state.error():
            break
        if state.get_property("sys.boot_completed") == "1" and state.pid("init"):
            return _handle(state)
        time.sleep(0.01)
    log = (state.folder / "log").read_text(errors="replace").strip().splitlines()
    reason = state.error() or (log[-1] if log else "it did not boot in time")
    raise InfrastructureError(
        f"a virtual phone ({state.read_spec()['model']}) cannot start: {reason}",
        "Phones need real root: in a container, run it with --privileged; arm64 programs need Linux 6.7 or newer.",
    )


def _clean() -> None:
    """Removes what phones left whose supervisor is gone."""
    _end_all(state for state in _states() if not state.pid("supervisor"))


def _end_all(states: Iterable[State]) -> None:
    ending = list(states)
    for state in ending:  # all at once; then each is waited for
        if pid := state.pid("supervisor"):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGTERM)
    for state in ending:
        _end(state)


def _end(state: State) -> None:
    for who, first in (("supervisor", signal.SIGTERM), ("init", signal.SIGKILL)):
        give_up = time.monotonic() + 3.0
        pid = state.pid(who)
        while pid:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, first if time.monotonic() < give_up else signal.SIGKILL)
            time.sleep(0.02)
            pid = state.pid(who)
    with contextlib.suppress(InfrastructureError):  # without an adb server there is nothing to disconnect
        adbserver.disconnect(state.folder.name)
    shutil.rmtree(state.folder, ignore_errors=True)
