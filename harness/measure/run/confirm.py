"""A second look at what is slower than another build: fresh launches of its layers, planned once and on record."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from harness.measure.request import Request
from harness.measure.run.clusterplan import planned_lines
from harness.store.confirming import Fresh, fresh_launches, note_fresh
from harness.store.rundir import RunDir


def plan_confirmation(run: RunDir, request: Request, suspects: Mapping[tuple[str, str], Sequence[str]]) -> int:
    """Plans as many further launches of layers as they had; how many blocks (layer x launch) that are.

    ``suspects``: layers by device and cluster. A layer is looked at a second time once: where that was planned before,
    and the plan was cut off, its rest is added.
    """
    count = 0
    for (name, label), layers in suspects.items():
        events = run.device(name).events
        planned, known = run.ledger.launches(name, label), fresh_launches(events)
        first = {layer: known.get((label, layer), Fresh(n, 2 * n)) for layer, n in planned.items() if layer in layers}
        if new := {layer: fresh for layer, fresh in first.items() if (label, layer) not in known}:
            note_fresh(events, label, new)
        further = {layer: fresh.end for layer, fresh in first.items() if fresh.end > planned[layer]}
        lines = planned_lines(name, label, request, further, planned) if further else []
        run.add_jobs(lines)
        count += len(lines)
    return count
