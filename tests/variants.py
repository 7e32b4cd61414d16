"""What records say of a variant, for tests that make records by hand."""

from __future__ import annotations

from typing import Any


def fields(name: str, asked: str = "", cache: str = "", **changes: Any) -> dict[str, Any]:
    """The fields of a variant called ``<algorithm>`` or ``<algorithm>/<schedule>``; ``asked``: else the algorithm."""
    algorithm, _, schedule = name.partition("/")
    schedule = schedule.removesuffix("+best")
    return {
        **{"variant": name, "asked": asked or algorithm, "algorithm": algorithm, "method": "tiled" if schedule else ""},
        **{"kernel": schedule.partition("+")[0], "schedule": schedule, "face": "published", "element": "f32"},
        **{"layout": "nhwc", "threads": 1, "build": "0" * 12, "cache": cache, **changes},
    }
