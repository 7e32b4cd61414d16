"""What records say of their run and of a variant, for tests that make records by hand."""

from __future__ import annotations

from typing import Any

from harness.model.variant import Variant

HEADER = {
    "type": "header", "seq": 0, "version": 2, "run": "r", "attempt": 1, "cluster": "0-1", "cpu": 1, "build": "0" * 12,
    "compiler": "c", "flags": "f", "caches": {}, "plan_hash": "h", "memory_budget": 1, "page_size": 4096,
    "timer": {"name": "t", "tick_ns": 1, "cost_ns": 1}, "conductor_pid": 1, "conductor_start_ticks": 1,
}  # fmt: skip


def fields(name: str, asked: str = "", cache: str = "", **changes: Any) -> dict[str, Any]:
    """The fields of a variant called ``<algorithm>`` or ``<algorithm>/<schedule>``; ``asked``: else the algorithm."""
    algorithm, _, schedule = name.partition("/")
    schedule = schedule.removesuffix("+best")
    return {
        **{"variant": name, "asked": asked or algorithm, "algorithm": algorithm, "method": "tiled" if schedule else ""},
        **{"kernel": schedule.partition("+")[0], "schedule": schedule, "face": "published", "element": "f32"},
        **{"layout": "nhwc", "threads": 1, "build": "0" * 12, "cache": cache, **changes},
    }


def variant(name: str, asked: str = "", cache: str = "", **changes: Any) -> Variant:
    """The variant that such records are of."""
    said = fields(name, asked, cache, **changes)
    return Variant(name=said.pop("variant"), type=said.pop("element"), **said)
