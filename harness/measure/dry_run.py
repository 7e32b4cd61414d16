"""``--dry-run``: the jobs of a run and the time they may take, without touching a device's files."""

from __future__ import annotations

import json

from harness.devices.base import Device
from harness.measure.campaign import check_clusters, named
from harness.measure.clusterplan import make_plan, planned_lines
from harness.measure.clusters import targets
from harness.measure.request import Request
from harness.store.progress import Done


def show(request: Request, devices: list[Device], as_json: bool) -> None:
    """Prints each job on stdout: one JSON line, or words."""
    check_clusters(devices, request)
    total = {}
    for name, device in named(devices):
        seconds = 0.0
        for target in targets(device.topology(), request.cpus):
            plan = make_plan(request, target, Done())
            seconds += plan.seconds()
            for line in planned_lines(name, plan):
                if as_json:
                    print(json.dumps(line))
                else:
                    print(
                        f"{line['device']} CPUs {line['cluster']} launch {line['launch']} {line['layer']}: "
                        f"{', '.join(line['variants'])}"
                    )
        total[name] = seconds
    if not as_json:
        for name, seconds in total.items():
            print(f"{name}: at most about {seconds / 60:.1f} min of measuring, without waits for a cool device")
