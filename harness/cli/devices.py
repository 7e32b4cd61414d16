"""``harness devices``: what is attached, and what of it can be used."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from harness.cli import options
from harness.cli.say import result, result_json
from harness.devices import discovery
from harness.devices.base import Device, as_json
from harness.errors import ExitCode, HarnessError
from harness.model.device_model import known_name


def command(
    device: options.Devices = None, adb_server: options.Servers = None, json_output: options.Json = False
) -> ExitCode:
    """List attached phones and their clusters; with --device local, this machine."""
    attached = discovery.find(device or [], adb_server or [])
    rows = [_row(found) for found in attached.devices]
    if json_output:
        result_json(
            {
                "devices": rows,
                "unusable": [asdict(bad) for bad in attached.unusable],
                "adb_servers": [asdict(server) for server in attached.servers],
            }
        )
    else:
        for server in attached.servers:
            result(f"adb server {server.address}  {server.adb or 'its program is not told by the system'}")
        for row in rows:
            identity = row["identity"]
            mark = "  EMULATED" if identity["emulated"] else ""
            android = f"Android {identity['android']}" if identity["android"] else ""
            known = ", ".join(filter(None, (android, identity["soc"])))
            name = known_name(identity["model"]) or identity["model"]
            words = f"{name}  ({known})" if name and known else name or known or "model unknown"
            result(f"{identity['serial']}  {words}{mark}")
            for cluster in row["clusters"]:
                result(f"    CPUs {cluster['label']:<8} {_core_and_clock(cluster)}")
            for note in row["notes"]:
                result(f"    note: {note}")
        for bad in attached.unusable:
            result(f"{bad.serial}  cannot be used: {bad.state}\n    {bad.remedy}")
    if attached.devices:
        return ExitCode.DONE
    if not attached.unusable and not json_output:
        result("no phone is attached; this machine: --device local")
    return ExitCode.NO_DEVICE


def _core_and_clock(cluster: dict[str, Any]) -> str:
    if not cluster["core"] and not cluster["max_khz"]:
        return "core type and clock not told by the system"
    clock = f"{cluster['max_khz'] / 1e6:.2f} GHz" if cluster["max_khz"] else "clock unknown"
    return f"{cluster['core'] or 'core unknown'}, {clock}"


def _row(device: Device) -> dict[str, Any]:
    try:
        topology = device.topology()
    except HarnessError as error:
        return {"identity": as_json(device.identity), "clusters": [], "notes": [str(error)]}
    return {
        "identity": as_json(device.identity),
        "clusters": [{**as_json(cluster), "label": cluster.label} for cluster in topology.clusters],
        "notes": list(topology.notes),
    }
