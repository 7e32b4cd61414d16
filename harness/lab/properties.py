"""A phone's properties and the first state of its services and settings, from its model."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from harness.lab.model import PhoneModel
from harness.lab.sysfs import cpuinfo, sys_tree, write_tree

_BATTERY = {
    "AC powered": "false",
    "USB powered": "true",
    "Wireless powered": "false",
    "status": "2",
    "health": "2",
    "present": "true",
    "level": "85",
    "scale": "100",
    "voltage": "4100",
    "temperature": "270",
    "technology": "Li-ion",
}
_SETTINGS = {
    "system": {"screen_off_timeout": "60000", "screen_brightness": "102", "screen_brightness_mode": "1"},
    "global": {"stay_on_while_plugged_in": "0", "airplane_mode_on": "0", "low_power": "0"},
    "secure": {"android_id": "0123456789abcdef"},
}
_FIRST_THERMAL_SERVICE = 29  # API level


def properties(model: PhoneModel, serialno: str, overrides: Mapping[str, str]) -> dict[str, str]:
    """What getprop shows before the boot is complete; ``overrides`` win."""
    fingerprint = f"{model.brand}/{model.codename}/{model.codename}:{model.android}/LAB/1:user/release-keys"
    known = {
        "ro.serialno": serialno,
        "ro.boot.serialno": serialno,
        "ro.boot.qemu": "1",
        "ro.kernel.qemu": "1",
        "ro.product.manufacturer": model.maker,
        "ro.product.brand": model.brand,
        "ro.product.model": model.model,
        "ro.product.name": model.codename,
        "ro.product.device": model.codename,
        "ro.product.board": model.board,
        "ro.board.platform": model.platform,
        "ro.hardware": model.hardware,
        "ro.product.cpu.abi": model.abis[0],
        "ro.product.cpu.abilist": ",".join(model.abis),
        "ro.product.cpu.abilist64": ",".join(abi for abi in model.abis if "64" in abi),
        "ro.product.cpu.abilist32": ",".join(abi for abi in model.abis if "64" not in abi),
        "ro.build.version.release": model.android,
        "ro.build.version.sdk": str(model.sdk),
        "ro.build.fingerprint": fingerprint,
        "ro.build.type": "user",
        "ro.build.tags": "release-keys",
        "ro.debuggable": "0",
        "ro.secure": "1",
        "sys.usb.config": "adb",
        "init.svc.adbd": "running",
    }
    if model.soc:
        known["ro.soc.model"] = model.soc
    return {name: value for name, value in (known | dict(model.extra) | dict(overrides)).items() if value}


def serial_number(model: PhoneModel, port: int, mark: str = "") -> str:
    """ro.serialno of the phone of a model at a port; ``mark`` tells a second one there from the first."""
    return "VP" + hashlib.sha256(f"{model.name}:{port}{mark}".encode()).hexdigest()[:10].upper()


def spec_of(model: PhoneModel, props: Mapping[str, str]) -> dict[str, Any]:
    """What phone.json holds of the model."""
    return {
        "model": model.name,
        "cpus": list(model.numbers),
        "zone_scales": {zone.kind: zone.scale for zone in model.zones},
        "banner": {key: props[key] for key in _BANNER if key in props},
        "environment": _ENVIRONMENT | ({"QEMU_CPU": model.qemu_cpu} if model.qemu_cpu else {}),
        "abi": model.abis[0],
    }


_BANNER = ("ro.product.name", "ro.product.model", "ro.product.device")
_ENVIRONMENT = {
    "PATH": "/product/bin:/system/bin:/system/xbin:/vendor/bin",
    "ANDROID_ROOT": "/system",
    "ANDROID_DATA": "/data",
    "HOME": "/",
    "SHELL": "/system/bin/sh",
    "USER": "shell",
    "LOGNAME": "shell",
    "HOSTNAME": "localhost",
    "TMPDIR": "/data/local/tmp",
}


def write_state(folder: Path, model: PhoneModel, props: Mapping[str, str]) -> None:
    """Fills a new state folder (see state.py)."""
    write_tree(sys_tree(model), folder / "sys")
    _write(folder / "properties", props)
    _write(folder / "kernel", {"cpuinfo": cpuinfo(model), "boot_id": ""})
    _write(folder / "services" / "battery", _BATTERY)
    _write(folder / "services" / "power", {"wakefulness": "Awake", "fixed_performance": "false"})
    if model.sdk >= _FIRST_THERMAL_SERVICE:
        zones = "".join(f"{zone.scale} {zone.kind}\n" for zone in model.zones)
        _write(folder / "services" / "thermal", {"status": "0", "override": "false", "zones": zones})
    for namespace, values in _SETTINGS.items():
        _write(folder / "settings" / namespace, values)
    os.mkfifo(folder / "services" / "powerctl", 0o600)


def _write(folder: Path, values: Mapping[str, str]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name, value in values.items():
        (folder / name).write_text(value)
